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
	single  [uniqueHeaders]uint8 // where those headers are, counted from 1; 0 where there is none
	framed  bool                 // there may be a Transfer-Encoding or a Content-Length
	verints [2]uint8             // all Verint- headers are from the first of these on, and before the second
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
	h := new(Head)
	if err := h.parse(s); err != nil {
		return nil, err
	}
	return h, nil
}

// parse has h be the head that s is, whatever it was before. It reads each byte
// once or twice, and allocates for heads of many lines alone.
func (h *Head) parse(s string) error {
	if len(s) > MaxHeadBytes {
		return malformed("head longer than %d bytes", MaxHeadBytes)
	}
	crlf, text := cutEnd(s)
	h.raw, h.single, h.framed = s, [uniqueHeaders]uint8{}, false
	if h.fields = h.fields[:0]; cap(h.fields) == 0 {
		h.fields = h.few[:0]
	}
	next, err := h.parseRequestLine(text, crlf)
	if err != nil {
		return err
	}
	var buf [MaxHeadLines]uint8
	verints := buf[:0]
	for next <= len(text) {
		at := len(h.fields)
		if at+1 == MaxHeadLines {
			return malformed("head of more than %d lines", MaxHeadLines)
		}
		if at == fewHeaders {
			h.fields = slices.Grow(h.fields, MaxHeadLines)
		}
		var f field
		if f, next, err = parseField(text, next, crlf); err != nil {
			return fmt.Errorf("%w in line %d", err, at+2)
		}
		h.fields = append(h.fields, f)
		switch f.colon - f.name {
		case uint16(len(transferEncodingName)), uint16(len(contentLengthName)): // which few others share
			h.framed = true
		}
		switch s := uniqueHeaderOf(text[f.name:f.colon]); {
		case s == repeatable:
		case s == uniqueVerint:
			verints = append(verints, uint8(at)) // #nosec G115 -- below MaxHeadLines
		case h.single[s] != 0:
			return malformed("repeated header in line %d", at+2)
		default:
			h.single[s] = uint8(at + 1) // #nosec G115 -- below MaxHeadLines
		}
	}
	h.verints = [2]uint8{}
	if n := len(verints); n > 0 {
		h.verints = [2]uint8{verints[0], verints[n-1] + 1}
	}
	return h.checkVerints(verints)
}

// parseRequestLine returns where the next line begins.
func (h *Head) parseRequestLine(text string, crlf bool) (next int, err error) {
	n := span(text, tokenChars)
	if n == 0 || n == len(text) || text[n] != ' ' {
		return 0, malformed("request line without a method and a target")
	}
	h.method = text[:n]
	n++
	start := n
	n += firstNotTarget(text[n:])
	h.target, h.version = text[start:n], ""
	if h.target == "" || h.target[0] != '/' {
		return 0, malformed("target not in origin form")
	}
	if h.path = strings.IndexByte(h.target, '?'); h.path < 0 {
		h.path = len(h.target)
	}
	if n < len(text) && text[n] == ' ' {
		start = n + 1
		n = min(start+len("HTTP/1.1"), len(text))
		if h.version = text[start:n]; !isVersion(h.version) {
			return 0, malformed("protocol version not HTTP/d.d")
		}
	}
	next, ok := lineEnd(text, n, crlf)
	if !ok {
		return 0, malformed("target not in origin form, or text after the request line")
	}
	return next, nil
}

func isVersion(s string) bool {
	return len(s) == 8 && s[:5] == "HTTP/" && isDigit(s[5]) && s[6] == '.' && isDigit(s[7])
}

// parseField reads the header that begins at start, and returns where the next
// line begins.
func parseField(text string, start int, crlf bool) (f field, next int, err error) {
	colon := start + span(text[start:], tokenChars)
	if colon == start || colon == len(text) || text[colon] != ':' {
		return field{}, 0, notField(text[start:])
	}
	value := colon + 1
	end := value + firstControl(text[value:])
	next, ok := lineEnd(text, end, crlf)
	if !ok {
		return field{}, 0, notEnd(text[end:])
	}
	for value < end && text[value] == ' ' {
		value++
	}
	for value < end && text[end-1] == ' ' {
		end--
	}
	return field{offset(start), offset(colon), offset(value), offset(end)}, next, nil
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
