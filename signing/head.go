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

// Head is a parsed request head. It is immutable; [ParseHead] makes it.
type Head struct {
	raw     string
	method  string
	target  string
	version string // "HTTP/1.1", or "" when the request line has none
	path    int    // length of the target's path
	headers []Header
}

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
	if len(b) > MaxHeadBytes {
		return nil, malformed("head longer than %d bytes", MaxHeadBytes)
	}
	h := &Head{raw: string(b)}
	eol, text := cutEnd(h.raw)
	headerLines := strings.Count(text, "\n")
	if headerLines >= MaxHeadLines {
		return nil, malformed("head of more than %d lines", MaxHeadLines)
	}
	line, rest, more := strings.Cut(text, eol)
	if err := h.parseRequestLine(line); err != nil {
		return nil, err
	}
	h.headers = make([]Header, 0, headerLines)
	for more {
		line, rest, more = strings.Cut(rest, eol)
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

// cutEnd returns the line ending that the first line of raw has, and raw
// without its last ending and without one final blank line. An ending of the
// other kind stays in a line, where it is a control character.
func cutEnd(raw string) (eol, text string) {
	eol = "\n"
	if i := strings.IndexByte(raw, '\n'); i > 0 && raw[i-1] == '\r' {
		eol = "\r\n"
	}
	text, ended := strings.CutSuffix(raw, eol)
	if ended {
		text = strings.TrimSuffix(text, eol)
	}
	return eol, text
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
	for i := range len(value) {
		if c := value[i]; c < ' ' || c == 0x7f {
			return Header{}, malformed("control character")
		}
	}
	return Header{Name: name, Value: strings.Trim(value, " ")}, nil
}

// checkSingular refuses a repeated header where a second one could be read
// instead of the one that was judged. It sorts, so that a head of a hundred
// long names costs little more than one of a few.
func (h *Head) checkSingular() error {
	var buf [MaxHeadLines]int
	singular := buf[:0]
	for i := range h.headers {
		if isSingular(h.headers[i].Name) {
			singular = append(singular, i)
		}
	}
	slices.SortFunc(singular, func(i, j int) int {
		return compareFold(h.headers[i].Name, h.headers[j].Name)
	})
	for n := 1; n < len(singular); n++ {
		i, j := singular[n-1], singular[n]
		if equalFold(h.headers[i].Name, h.headers[j].Name) {
			return malformed("repeated header in line %d", max(i, j)+2)
		}
	}
	return nil
}

func isSingular(name string) bool {
	return equalFold(name, authorizationName) || equalFold(name, hostName) ||
		equalFold(name, signatureName) || equalFold(name, signatureInputName) || isVerint(name)
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
func (h *Head) lookup(name string) (string, bool) {
	for i := range h.headers {
		if equalFold(h.headers[i].Name, name) {
			return h.headers[i].Value, true
		}
	}
	return "", false
}

// count returns how many headers have that name.
func (h *Head) count(name string) int {
	n := 0
	for i := range h.headers {
		if equalFold(h.headers[i].Name, name) {
			n++
		}
	}
	return n
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
