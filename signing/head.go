package signing

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of a request head. Verifiers parse heads of strangers, so both are checked before memory is allocated
// for a line.
const (
	MaxHeadBytes = 32 << 10 // all bytes, line endings included
	MaxHeadLines = 100      // request line and header lines; a final blank line is not counted
)

// Header is one header field: the name as received, and the value without surrounding spaces.
type Header struct{ Name, Value string }

// fewHeaders is how many headers a Head holds without another allocation. Most calls have fewer.
const fewHeaders = 16

// field is the position of a header in a head's text: its name is text[name:colon], its value text[value:end].
// Offsets take a quarter of the memory of two strings, and the garbage collector need not follow them.
type field struct{ name, colon, value, end uint16 }

// Head is a parsed request head. It is immutable; [ParseHead] makes it.
type Head struct {
	raw     string
	method  string
	target  string
	version string // such as "HTTP/1.1" or "HTTP/2", or "" when the request line has none
	path    int    // length of the target's path
	fields  []field
	single  [uniqueHeaders]uint8 // index of each unique header, from 1; 0: absent
	several bool                 // Signature-Input or Signature has more than one line
	framed  bool                 // there may be a Transfer-Encoding or a Content-Length
	verints [2]uint8             // all Verint- headers are in fields[verints[0]:verints[1]]
	few     [fewHeaders]field
}

// ParseHead parses an HTTP request head. The request line is "METHOD SP target [SP HTTP/d[.d]]" with a target in origin
// form (RFC 9112 section 3.2.1). Header lines are "name:value" (RFC 9110 section 5).
//
// All lines end with LF, or all with CRLF. The last line may have no ending. One blank line may follow, and nothing
// after it. Everything that two readers could take differently is an [ErrMalformed]: folded lines, control characters
// (also HTAB), blanks before a colon, a '#' or a byte outside 0x21..0x7e in the target, and a second Authorization,
// Host or Verint- header of the same name. Bytes from 0x80 up are allowed in values and in the query, where browsers
// and scripts send them; RFC 9421 section 2.2 wants them encoded. Errors name the line and never quote it.
//
// The head keeps a copy of b.
func ParseHead(b []byte) (*Head, error) {
	if len(b) > MaxHeadBytes { // before b is copied
		return nil, malformed("head longer than %d bytes", MaxHeadBytes)
	}
	return ParseHeadString(string(b))
}

// ParseHeadString is [ParseHead] of a string. The head refers to s, so nothing is copied.
func ParseHeadString(s string) (*Head, error) {
	h := new(Head)
	if err := h.parse(s); err != nil {
		return nil, err
	}
	return h, nil
}

// parse sets h to the head in s. It reads each byte once or twice, and allocates only for heads of many lines.
func (h *Head) parse(s string) error {
	if len(s) > MaxHeadBytes {
		return malformed("head longer than %d bytes", MaxHeadBytes)
	}
	crlf, text := cutEnd(s)
	h.raw, h.single, h.framed, h.several = s, [uniqueHeaders]uint8{}, false, false
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
		case h.single[s] != 0 && s >= firstCombined:
			h.several = true
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

// parseRequestLine returns the offset of the next line.
func (h *Head) parseRequestLine(text string, crlf bool) (next int, err error) {
	n := span(text, tokenChars)
	if n == 0 || n == len(text) || text[n] != ' ' {
		return 0, malformed("request line without a method and a target")
	}
	h.method = text[:n]
	n++
	start := n
	n += targetEnd(text[n:])
	h.target, h.version = text[start:n], ""
	if h.target == "" || h.target[0] != '/' {
		return 0, malformed("target not in origin form")
	}
	if h.path = strings.IndexByte(h.target, '?'); h.path < 0 {
		h.path = len(h.target)
	}
	if n < len(text) && text[n] == ' ' {
		start = n + 1
		n = start + versionLen(text[start:])
		if h.version = text[start:n]; h.version == "" {
			return 0, malformed("protocol version not HTTP/d or HTTP/d.d")
		}
	}
	next, ok := lineEnd(text, n, crlf)
	if !ok {
		return 0, malformed("target not in origin form, or text after the request line")
	}
	return next, nil
}

// versionLen returns the length of the protocol version that s begins with:
// HTTP/1.1, or HTTP/2 as proxies write it; 0 when there is none.
func versionLen(s string) int {
	const start = len("HTTP/")
	switch {
	case len(s) <= start || s[:start] != "HTTP/" || !isDigit(s[start]):
		return 0
	case len(s) > start+2 && s[start+1] == '.' && isDigit(s[start+2]):
		return start + 3
	}
	return start + 1
}

// parseField parses the header that begins at start. It returns the offset of the next line.
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

// name returns the name of header i.
func (h *Head) name(i int) string { return h.raw[h.fields[i].name:h.fields[i].colon] }

// value returns the value of header i.
func (h *Head) value(i int) string { return h.raw[h.fields[i].value:h.fields[i].end] }

// String returns the head as it was received, byte for byte.
func (h *Head) String() string { return h.raw }

// Method returns the method as received.
func (h *Head) Method() string { return h.method }

// Target returns the request target as received: path and query, not decoded.
func (h *Head) Target() string { return h.target }

// Path returns the target up to its first '?', not decoded.
func (h *Head) Path() string { return h.target[:h.path] }

// Query returns the part after the target's first '?', not decoded, and whether there is a '?'.
func (h *Head) Query() (string, bool) {
	if h.path == len(h.target) {
		return "", false
	}
	return h.target[h.path+1:], true
}

// Version returns the protocol version as received, such as "HTTP/1.1", or "" if the request line has none.
func (h *Head) Version() string { return h.version }

// Headers returns a copy of the headers, in the order received.
func (h *Head) Headers() []Header {
	headers := make([]Header, len(h.fields))
	for i := range h.fields {
		headers[i] = Header{Name: h.name(i), Value: h.value(i)}
	}
	return headers
}

// Values returns the values of all headers with that name, in the order received. Names are compared without
// regard to ASCII case.
func (h *Head) Values(name string) []string {
	var values []string
	for i := range h.fields {
		if equalFold(h.name(i), name) {
			values = append(values, h.value(i))
		}
	}
	return values
}

// find returns the value of the first header with that name, and how many there are.
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

// fits reports whether h with these additional headers stays within the bounds, with any line endings.
func (h *Head) fits(add ...Header) bool {
	n := len(h.raw) + len("\r\n")
	for _, header := range add {
		n += len(header.Name) + len(": ") + len(header.Value) + len("\r\n")
	}
	return n <= MaxHeadBytes && len(h.fields)+len(add) < MaxHeadLines
}
