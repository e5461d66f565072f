package signing

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of a request head. A verifier parses heads of strangers, so both are
// checked before anything is allocated per line.
const (
	MaxHeadBytes = 32 << 10 // all bytes, line endings included
	MaxHeadLines = 100      // request line and header lines; a final blank line is not counted
)

// Header is one header field: the name as received, the value without the
// spaces around it.
type Header struct{ Name, Value string }

// fewHeaders is how many headers a Head holds without a further allocation;
// most calls have fewer.
const fewHeaders = 16

// Head is a parsed request head. It is immutable; [ParseHead] makes it.
type Head struct {
	raw     string
	method  string
	target  string
	version string // "HTTP/1.1", or "" when the request line has none
	path    int    // length of the target's path
	headers []Header
	single  [singulars]uint8 // where those headers are, counted from 1; 0 where there is none
	few     [fewHeaders]Header
}

// singular is a header of which a head has at most one, since a second one
// could be read instead of the one that was judged.
type singular uint8

const (
	authorization singular = iota
	host
	signature
	signatureInput
	singulars
	verint // one of each name
	many   = ^singular(0)
)

// ParseHead reads an HTTP request head as text: the request line
// "METHOD SP target [SP HTTP/d.d]" with its target in origin form (RFC 9112
// section 3.2.1), and header lines "name:value" (RFC 9110 section 5).
//
// Lines end with LF, or all with CRLF. The last line's ending may be missing,
// one blank line may follow, and nothing after it. Everything that two readers
// could take differently is an [ErrMalformed]: folded lines, control
// characters (HTAB too), blanks before a colon, a '#' or a byte outside
// 0x21..0x7e in the target, and a second Authorization, Host, Signature,
// Signature-Input or Verint- header of one name. Bytes from 0x80 up are kept
// in values. Errors name the line and never quote it.
//
// The head keeps a copy of b.
func ParseHead(b []byte) (*Head, error) {
	if len(b) > MaxHeadBytes { // before they are copied
		return nil, malformed("head longer than %d bytes", MaxHeadBytes)
	}
	return ParseHeadString(string(b))
}

// ParseHeadString is [ParseHead] of a string, which the head refers to: there
// is nothing to copy.
func ParseHeadString(s string) (*Head, error) {
	if len(s) > MaxHeadBytes {
		return nil, malformed("head longer than %d bytes", MaxHeadBytes)
	}
	crlf, text := cutEnd(s)
	headerLines := strings.Count(text, "\n")
	if headerLines >= MaxHeadLines {
		return nil, malformed("head of more than %d lines", MaxHeadLines)
	}
	h := &Head{raw: s}
	line, rest, more := cutLine(text, crlf)
	if err := h.parseRequestLine(line); err != nil {
		return nil, err
	}
	h.headers = h.few[:0]
	if headerLines > fewHeaders {
		h.headers = make([]Header, 0, headerLines)
	}
	for more {
		line, rest, more = cutLine(rest, crlf)
		header, err := parseHeader(line)
		if err != nil {
			return nil, fmt.Errorf("%w in line %d", err, len(h.headers)+2)
		}
		h.headers = append(h.headers, header)
	}
	if err := h.checkSingular(); err != nil {
		return nil, err
	}
	return h, nil
}

// cutEnd reports whether the first line of raw ends with CRLF, and returns raw
// without its last ending and without one final blank line. An ending of the
// other kind stays in a line, where it is a control character.
func cutEnd(raw string) (crlf bool, text string) {
	eol := "\n"
	if i := strings.IndexByte(raw, '\n'); i > 0 && raw[i-1] == '\r' {
		eol, crlf = "\r\n", true
	}
	text, ended := strings.CutSuffix(raw, eol)
	if ended {
		text = strings.TrimSuffix(text, eol)
	}
	return crlf, text
}

// cutLine returns the line up to the next ending.
func cutLine(s string, crlf bool) (line, rest string, more bool) {
	if crlf {
		return strings.Cut(s, "\r\n")
	}
	i := strings.IndexByte(s, '\n')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func (h *Head) parseRequestLine(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || !isToken(method) {
		return malformed("request line without a method and a target")
	}
	target, version, hasVersion := strings.Cut(rest, " ")
	if !isOriginForm(target) {
		return malformed("target not in origin form")
	}
	if hasVersion && !isVersion(version) {
		return malformed("protocol version not HTTP/d.d")
	}
	h.method, h.target, h.version = method, target, version
	h.path = len(target)
	if i := strings.IndexByte(target, '?'); i >= 0 {
		h.path = i
	}
	return nil
}

func isOriginForm(target string) bool {
	if target == "" || target[0] != '/' {
		return false
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

func isVersion(s string) bool {
	return len(s) == 8 && s[:5] == "HTTP/" && isDigit(s[5]) && s[6] == '.' && isDigit(s[7])
}

func parseHeader(line string) (Header, error) {
	if line == "" {
		return Header{}, malformed("text after a blank line")
	}
	if line[0] == ' ' || line[0] == '\t' {
		return Header{}, malformed("folded line")
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return Header{}, malformed("no colon")
	}
	if !isToken(name) {
		return Header{}, malformed("header name not a token")
	}
	if hasControl(value) {
		return Header{}, malformed("control character")
	}
	return Header{Name: name, Value: trim(value)}, nil
}

// checkSingular finds the singular headers and refuses a repeated one. It sorts
// those that any number of names may have, so that a head of a hundred long
// names costs little more than one of a few.
func (h *Head) checkSingular() error {
	var buf [MaxHeadLines]uint8
	verints := buf[:0]
	for i := range h.headers {
		at := uint8(i + 1) // #nosec G115 -- at most MaxHeadLines
		switch s := singularOf(h.headers[i].Name); {
		case s == verint:
			verints = append(verints, at-1)
		case s == many:
		case h.single[s] != 0:
			return malformed("repeated header in line %d", i+2)
		default:
			h.single[s] = at
		}
	}
	h.sortByName(verints)
	for n := 1; n < len(verints); n++ {
		i, j := verints[n-1], verints[n]
		if equalFold(h.headers[i].Name, h.headers[j].Name) {
			return malformed("repeated header in line %d", max(i, j)+2)
		}
	}
	return nil
}

// sortByName sorts indexes of headers by the lower-cased names.
func (h *Head) sortByName(indexes []uint8) {
	if len(indexes) < 2 {
		return
	}
	slices.SortFunc(indexes, func(i, j uint8) int {
		return compareFold(h.headers[i].Name, h.headers[j].Name)
	})
}

// singularOf tells the names apart by their lengths first, which few share.
func singularOf(name string) singular {
	if isVerint(name) {
		return verint
	}
	switch len(name) {
	case len(authorizationName):
		return singularIf(name, authorizationName, authorization)
	case len(hostName):
		return singularIf(name, hostName, host)
	case len(signatureName):
		return singularIf(name, signatureName, signature)
	case len(signatureInputName):
		return singularIf(name, signatureInputName, signatureInput)
	}
	return many
}

func singularIf(name, want string, s singular) singular {
	if equalFold(name, want) {
		return s
	}
	return many
}

// String returns the head as it was received, byte for byte.
func (h *Head) String() string { return h.raw }

// Method returns the method as received.
func (h *Head) Method() string { return h.method }

// Target returns the request target as received: path and query, not decoded.
func (h *Head) Target() string { return h.target }

// Path returns the target up to its first '?', not decoded.
func (h *Head) Path() string { return h.target[:h.path] }

// Query returns what follows the target's first '?', not decoded, and whether
// there is a '?' at all.
func (h *Head) Query() (string, bool) {
	if h.path == len(h.target) {
		return "", false
	}
	return h.target[h.path+1:], true
}

// Version returns the protocol version as received, such as "HTTP/1.1", or ""
// when the request line has none.
func (h *Head) Version() string { return h.version }

// Headers returns a copy of the headers in the order received.
func (h *Head) Headers() []Header { return slices.Clone(h.headers) }

// Values returns the values of all headers of that name, in the order
// received. Names are compared without regard to ASCII case.
func (h *Head) Values(name string) []string {
	var values []string
	for _, header := range h.headers {
		if equalFold(header.Name, name) {
			values = append(values, header.Value)
		}
	}
	return values
}

// lookup returns the value of a header that a head holds at most once.
func (h *Head) lookup(s singular) (string, bool) {
	at := h.single[s]
	if at == 0 {
		return "", false
	}
	return h.headers[at-1].Value, true
}

// find returns the value of the first header of that name, and how many there
// are.
func (h *Head) find(name string) (value string, count int) {
	for i := range h.headers {
		if !equalFold(h.headers[i].Name, name) {
			continue
		}
		if count++; count == 1 {
			value = h.headers[i].Value
		}
	}
	return value, count
}

// fits reports whether h with these header lines too keeps to the bounds,
// whatever its line endings.
func (h *Head) fits(add ...Header) bool {
	n := len(h.raw) + len("\r\n")
	for _, header := range add {
		n += len(header.Name) + len(": ") + len(header.Value) + len("\r\n")
	}
	return n <= MaxHeadBytes && len(h.headers)+len(add) < MaxHeadLines
}
