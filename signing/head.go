package signing

import (
	"fmt"
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

// field is where a header is in the text of a head: its name from name up to
// colon, its value from value up to end. Offsets are a quarter of the size of
// two strings, and nothing that a garbage collector follows.
type field struct{ name, colon, value, end uint16 }

// Head is a parsed request head. It is immutable; [ParseHead] makes it.
type Head struct {
	raw     string
	method  string
	target  string
	version string // "HTTP/1.1", or "" when the request line has none
	path    int    // length of the target's path
	fields  []field
	single  [singulars]uint8 // where those headers are, counted from 1; 0 where there is none
	few     [fewHeaders]field
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
	end, next, ok := lineEnd(text, 0, crlf)
	if !ok {
		return nil, malformed("line endings of two kinds")
	}
	if err := h.parseRequestLine(text[:end]); err != nil {
		return nil, err
	}
	h.fields = h.few[:0]
	if headerLines > fewHeaders {
		h.fields = make([]field, 0, headerLines)
	}
	for next <= len(text) {
		start := next
		if end, next, ok = lineEnd(text, start, crlf); !ok {
			return nil, malformed("line endings of two kinds")
		}
		f, err := parseField(text[:end], start)
		if err != nil {
			return nil, fmt.Errorf("%w in line %d", err, len(h.fields)+2)
		}
		h.fields = append(h.fields, f)
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

// lineEnd returns where the line ends that begins at start, and where the next
// one begins: after the text when there is none. It fails when the ending is a
// bare LF among others.
func lineEnd(text string, start int, crlf bool) (end, next int, ok bool) {
	i := strings.IndexByte(text[start:], '\n')
	if i < 0 {
		return len(text), len(text) + 1, true
	}
	end, next = start+i, start+i+1
	if !crlf {
		return end, next, true
	}
	return end - 1, next, i > 0 && text[end-1] == '\r'
}

func (h *Head) parseRequestLine(line string) error {
	n := 0
	for n < len(line) && tokenChars[line[n]] {
		n++
	}
	if n == 0 || n == len(line) || line[n] != ' ' {
		return malformed("request line without a method and a target")
	}
	h.method = line[:n]
	line = line[n+1:]
	n, h.path = originForm(line)
	if n == 0 || n < len(line) && line[n] != ' ' {
		return malformed("target not in origin form")
	}
	h.target = line[:n]
	if n == len(line) {
		return nil
	}
	h.version = line[n+1:]
	if !isVersion(h.version) {
		return malformed("protocol version not HTTP/d.d")
	}
	return nil
}

// originForm returns the lengths of the target that s begins with, 0 when it is
// none, and of its path.
func originForm(s string) (target, path int) {
	if s == "" || s[0] != '/' {
		return 0, 0
	}
	path = -1
	for target < len(s) {
		c := s[target]
		if c <= ' ' || c >= 0x7f || c == '#' {
			break
		}
		if c == '?' && path < 0 {
			path = target
		}
		target++
	}
	if path < 0 {
		path = target
	}
	return target, path
}

func isVersion(s string) bool {
	return len(s) == 8 && s[:5] == "HTTP/" && isDigit(s[5]) && s[6] == '.' && isDigit(s[7])
}

// parseField reads the header that begins at start and ends with the text.
func parseField(text string, start int) (field, error) {
	line := text[start:]
	if line == "" {
		return field{}, malformed("text after a blank line")
	}
	if line[0] == ' ' || line[0] == '\t' {
		return field{}, malformed("folded line")
	}
	colon := 0
	for colon < len(line) && tokenChars[line[colon]] {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		return field{}, malformed("header name not a token, or no colon after it")
	}
	value, end := colon+1, len(line)
	if hasControl(line[value:]) {
		return field{}, malformed("control character")
	}
	for value < end && line[value] == ' ' {
		value++
	}
	for value < end && line[end-1] == ' ' {
		end--
	}
	return field{offset(start), offset(start + colon), offset(start + value), offset(start + end)}, nil
}

func offset(i int) uint16 { return uint16(i) } // #nosec G115 -- at most MaxHeadBytes

// name returns the name of the header number i.
func (h *Head) name(i int) string { return h.raw[h.fields[i].name:h.fields[i].colon] }

// value returns the value of the header number i.
func (h *Head) value(i int) string { return h.raw[h.fields[i].value:h.fields[i].end] }

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
func (h *Head) Headers() []Header {
	headers := make([]Header, len(h.fields))
	for i := range h.fields {
		headers[i] = Header{Name: h.name(i), Value: h.value(i)}
	}
	return headers
}

// Values returns the values of all headers of that name, in the order
// received. Names are compared without regard to ASCII case.
func (h *Head) Values(name string) []string {
	var values []string
	for i := range h.fields {
		if equalFold(h.name(i), name) {
			values = append(values, h.value(i))
		}
	}
	return values
}

// find returns the value of the first header of that name, and how many there
// are.
func (h *Head) find(name string) (value string, count int) {
	for i := range h.fields {
		if !equalFold(h.name(i), name) {
			continue
		}
		if count++; count == 1 {
			value = h.value(i)
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
	return n <= MaxHeadBytes && len(h.fields)+len(add) < MaxHeadLines
}
