package signing

import (
	"encoding/base64"
	"strings"
)

// The methods here skip what RFC 8941 lets stand in members that others have made:
// their form is checked, and no more.

// ownTag is the parameter tag of the signature that is meant for us.
const ownTag = "apikeys"

// member is one of a dictionary, as it was sent: label=value.
type member struct {
	label, text string
	ours        bool // its tag is ownTag
}

// member takes a member off the front, whose value skip takes.
func (f *fields) member(skip func(*fields) (ours, ok bool)) (m member, ok bool) {
	start := f.rest
	if m.label, ok = f.key(); !ok || !f.consume("=") {
		return m, false
	}
	if m.ours, ok = skip(f); !ok {
		return m, false
	}
	m.text = start[:len(start)-len(f.rest)]
	return m, true
}

// skipInput skips an inner list and its parameters (section 4.2.1.2), and reports
// whether a parameter is our tag.
func (f *fields) skipInput() (ours, ok bool) {
	if !f.consume("(") {
		return false, false
	}
	for blank := true; ; {
		spaced := f.spaces()
		if f.consume(")") {
			return f.skipParams()
		}
		if !blank && !spaced || !f.skipItem() {
			return false, false
		}
		if _, ok := f.skipParams(); !ok {
			return false, false
		}
		blank = false
	}
}

// skipTag skips a byte sequence and its parameters.
func (f *fields) skipTag() (ours, ok bool) {
	if !f.skipBytes() {
		return false, false
	}
	_, ok = f.skipParams()
	return false, ok
}

// skipParams skips parameters (section 4.2.3.2).
func (f *fields) skipParams() (ours, ok bool) {
	for f.consume(";") {
		f.spaces()
		name, ok := f.key()
		if !ok {
			return false, false
		}
		if !f.consume("=") {
			continue
		}
		start := f.rest
		if !f.skipItem() {
			return false, false
		}
		ours = ours || name == "tag" && start[:len(start)-len(f.rest)] == `"`+ownTag+`"`
	}
	return ours, true
}

func (f *fields) spaces() bool {
	n := len(f.rest)
	f.rest = strings.TrimLeft(f.rest, " ")
	return len(f.rest) < n
}

// skipItem skips a bare item (section 4.2.3.1).
func (f *fields) skipItem() bool {
	if f.rest == "" {
		return false
	}
	switch c := f.rest[0]; {
	case c == '"':
		_, ok := f.quoted()
		return ok
	case c == ':':
		return f.skipBytes()
	case c == '?':
		return f.consume("?0") || f.consume("?1")
	case c == '-' || isDigit(c):
		return f.skipNumber()
	case c == '*' || 'a' <= lower(c) && lower(c) <= 'z':
		for f.rest != "" && (classesOf[f.rest[0]]&tokenChars != 0 || f.rest[0] == ':' || f.rest[0] == '/') {
			f.cut(1)
		}
		return true
	}
	return false
}

// skipNumber skips an integer of up to 15 digits, or a decimal of up to 12 and 3.
func (f *fields) skipNumber() bool {
	f.consume("-")
	whole := f.digits()
	if whole == 0 || !f.consume(".") {
		return whole > 0 && whole <= maxDigits
	}
	part := f.digits()
	return whole <= maxDigits-3 && part > 0 && part <= 3
}

func (f *fields) digits() (n int) {
	for n < len(f.rest) && isDigit(f.rest[n]) {
		n++
	}
	f.cut(n)
	return n
}

func (f *fields) skipBytes() bool {
	text, ok := f.byteSequence()
	if !ok || strings.ContainsAny(text, "\r\n") {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}
