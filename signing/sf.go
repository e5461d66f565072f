package signing

import (
	"encoding/base64"
	"strings"
)

// maxDigestValue bounds a Content-Digest. Both known algorithms together take 154 bytes.
const maxDigestValue = 512

// fields parses RFC 8941 structured fields, in the canonical form of section 4.1 only, as far as signatures and
// digests use them; only the commas of a dictionary may have any blanks around them. It is a cursor over text and
// allocates nothing. Each method consumes one item, or returns false.
type fields struct{ rest string }

func (f *fields) consume(prefix string) bool {
	rest, ok := strings.CutPrefix(f.rest, prefix)
	f.rest = rest
	return ok
}

// cut consumes the first n bytes.
func (f *fields) cut(n int) string {
	s := f.rest[:n]
	f.rest = f.rest[n:]
	return s
}

// comma consumes the comma between two members, with the blanks around it (section 4.2.2).
func (f *fields) comma() bool {
	f.blanks()
	ok := f.consume(",")
	f.blanks()
	return ok
}

func (f *fields) blanks() { f.rest = strings.TrimLeft(f.rest, " \t") }

// key consumes the key of a dictionary or a parameter (section 3.1.2).
func (f *fields) key() (string, bool) {
	n := span(f.rest, keyChars)
	if n == 0 || isDigit(f.rest[0]) || strings.IndexByte("_-.", f.rest[0]) >= 0 {
		return "", false
	}
	return f.cut(n), true
}

// quoted consumes a string (section 3.3.3) and returns it without quotes, but with its escapes.
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

// unescaped consumes a string up to its first quote. Its caller must refuse a '\' in the result.
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

// maxDigits bounds numbers like RFC 8941. The last second of RFC 3339 has 12 digits.
const maxDigits = 15

// number consumes an integer above 0 (section 3.3.1).
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

// byteSequence consumes a byte sequence (section 3.3.5) and returns its base64. [decode] checks that it is
// canonical.
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

// stdEncoding refuses stray bits. [decode] refuses line ends, which stdEncoding would skip.
var stdEncoding = base64.StdEncoding.Strict()

// decode writes the bytes of canonical, padded base64 to dst and returns their number. dst must be large enough
// for the whole text.
func decode(dst []byte, text string) (int, bool) {
	var src [maxDigestValue]byte
	if len(text) > len(src) || strings.ContainsAny(text, "\r\n") {
		return 0, false
	}
	n, err := stdEncoding.Decode(dst, src[:copy(src[:], text)])
	return n, err == nil
}
