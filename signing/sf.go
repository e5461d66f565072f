package signing

import (
	"encoding/base64"
	"strings"
)

// fields reads the canonical form alone of the RFC 8941 structured fields that
// signatures and digests use: what it takes is what section 4.1 would write.
// It is a cursor over text, and allocates nothing. Each method takes one item
// off the front, or reports false.
type fields struct{ rest string }

func (f *fields) consume(prefix string) bool {
	rest, ok := strings.CutPrefix(f.rest, prefix)
	f.rest = rest
	return ok
}

// cut cuts off the first n bytes.
func (f *fields) cut(n int) string {
	s := f.rest[:n]
	f.rest = f.rest[n:]
	return s
}

// key takes a key of a dictionary or of a parameter (section 3.1.2).
func (f *fields) key() (string, bool) {
	n := span(f.rest, keyChars)
	if n == 0 || isDigit(f.rest[0]) || strings.IndexByte("_-.", f.rest[0]) >= 0 {
		return "", false
	}
	return f.cut(n), true
}

// quoted takes a string (section 3.3.3) and returns it without its quotes and
// with its escapes.
func (f *fields) quoted() (string, bool) {
	s := f.rest
	if s == "" || s[0] != '"' {
		return "", false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			f.rest = s[i+1:]
			return s[1:i], true
		case c == '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		case c < ' ' || c >= 0x7f:
			return "", false
		}
	}
	return "", false
}

// unescaped takes a string up to its first quote, for those whose characters
// are checked and must not need an escape: its caller refuses a '\'.
func (f *fields) unescaped() (string, bool) {
	if f.rest == "" || f.rest[0] != '"' {
		return "", false
	}
	n := strings.IndexByte(f.rest[1:], '"')
	if n < 0 {
		return "", false
	}
	s := f.rest[1 : 1+n]
	f.rest = f.rest[n+2:]
	return s, true
}

// maxDigits is of the numbers that [fields.number] takes, 12 in RFC 3339's
// last second. RFC 8941 has 15.
const maxDigits = 15

// number takes an integer above 0 (section 3.3.1).
func (f *fields) number() (int64, bool) {
	n, value := 0, int64(0)
	for n < len(f.rest) && n <= maxDigits && isDigit(f.rest[n]) {
		value = value*10 + int64(f.rest[n]-'0')
		n++
	}
	ok := n > 0 && n <= maxDigits && f.rest[0] != '0'
	f.cut(n)
	return value, ok
}

// byteSequence takes a byte sequence (section 3.3.5) and returns its base64.
// Whether that is canonical, [decode] says.
func (f *fields) byteSequence() (string, bool) {
	if !f.consume(":") {
		return "", false
	}
	n := strings.IndexByte(f.rest, ':')
	if n < 0 {
		return "", false
	}
	text := f.cut(n)
	return text, f.consume(":")
}

// stdEncoding refuses stray bits; [decode] refuses the line ends it would skip.
var stdEncoding = base64.StdEncoding.Strict()

// decode writes the bytes of canonical, padded base64 to dst, which has to
// hold as many as fit in text, and returns their number.
func decode(dst []byte, text string) (int, bool) {
	var src [maxDigestValue]byte
	if len(text) > len(src) || strings.ContainsAny(text, "\r\n") {
		return 0, false
	}
	n, err := stdEncoding.Decode(dst, src[:copy(src[:], text)])
	return n, err == nil
}
