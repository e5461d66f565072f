package signing

import (
	"math/bits"
	"strings"
)

// messageVariants change the message under the MAC, or its key.
const messageVariants = headersSorted | headerValueCase | pathDecoded | pathQuery | keyASCII

// MaxVariantBytes bounds the bytes that [Call.SignedAs] hashes besides the call's own message. Nearly all
// messages have at most 4 KiB and can be tried in all variants. The longest can be tried in two.
const MaxVariantBytes = 64 << 10

// macer computes the MAC of a message under a key, or under the key's text.
type macer func(message []byte, ascii bool) [TagSize]byte

// SignedAs reports whether the call's tag is right for its message, or for a variant of the message that compat names,
// and whether its form is strict or named in compat. matched lists the variants that were needed, in the order of
// their constants: those of [Call.Form], and the fewest others that fit. It is empty for a strict call.
//
// A strict call costs one MAC. So does a call whose form compat does not name. Any call costs at most 16 MACs: two for
// each of the eight messages that headers_sorted, header_value_case and one of path_decoded and path_query can make.
// Variants that do not change the call's message are not tried. A decoded path is tried only if it has no control
// character, '?', '#', '\' or anything that could be decoded again, such as %2F, and if compat does not name
// path_query. The messages tried have at most [MaxVariantBytes] together: for a longer call, only those with the
// fewest variants are tried. With an empty key, ok is false.
func (c *Call) SignedAs(key []byte, compat Compat) (matched Compat, ok bool) {
	return c.signedAs(compat, func(message []byte, ascii bool) [TagSize]byte {
		if ascii {
			return MAC(keyText(key), message)
		}
		return MAC(key, message)
	}, len(key) > 0)
}

func (c *Call) signedAs(compat Compat, mac macer, keyed bool) (Compat, bool) {
	form, allowed := c.Form.set(), compat.set()
	fits := c.fits(mac, c.Message, false)
	switch {
	//mutate:false:2 "forms that a key has not let in" ./internal/apikey TestFormsAreMalformedUnlessLetIn
	case !keyed || form&^allowed != 0:
		return nil, false
	case fits:
		return form.list(), true
	case c.Scheme != Vrnt1 || c.head == nil:
		return nil, false
	}
	set, left := allowed&c.effective()&messageVariants, MaxVariantBytes
	var order []uint8
	var message []byte
	if set&headersSorted != 0 {
		order = c.head.sortedVerints()
	}
	for count := 1; count <= bits.OnesCount16(uint16(set)); count++ {
		// all subsets of set, from the greatest number down
		for some := set; some != 0; some = (some - 1) & set {
			if bits.OnesCount16(uint16(some)) != count {
				continue
			}
			message = c.variantMessage(message[:0], some, order)
			//mutate:false "bytes hashed for variants" TestBytesOfVariantsAreBounded
			if left -= len(message); left < 0 {
				return nil, false
			}
			if c.fits(mac, message, some&keyASCII != 0) {
				return (form | some).list(), true
			}
		}
	}
	return nil, false
}

func (c *Call) fits(mac macer, message []byte, ascii bool) bool {
	tag := mac(message, ascii)
	return equalTags(&tag, &c.Tag)
}

// effective returns the variants that change this call's message and are safe to try. No two sets of them make
// the same message: each changes another part, and no part contains the LF that ends it.
func (c *Call) effective() variantSet {
	set := keyASCII
	if !SortedVerint(c.head) {
		set |= headersSorted
	}
	for i := range c.head.fields {
		if isVerint(c.head.name(i)) && hasUpper(c.head.value(i)) {
			set |= headerValueCase
		}
	}
	if _, ok := decodedPath(c.head.Path()); ok {
		set |= pathDecoded
	}
	if _, ok := c.head.Query(); ok {
		set |= pathQuery
	}
	return set
}

// variantMessage appends a variant of the message to b. order is the order of sorted headers, which all
// variants share.
func (c *Call) variantMessage(b []byte, set variantSet, order []uint8) []byte {
	if set&headersSorted == 0 {
		order = nil
	}
	path := c.head.Path()
	switch {
	case set&pathQuery != 0:
		path = c.head.target
	case set&pathDecoded != 0:
		path, _ = decodedPath(path)
	}
	return vrnt1Message(b, c.head, path, c.Nonce, formatIssuedAt(c.Time), order, set)
}

func hasUpper(s string) bool {
	for i := range len(s) {
		if s[i] != lower(s[i]) {
			return true
		}
	}
	return false
}

// decodedPath returns the percent-decoded path, or false if decoding changes nothing or is not safe. A '?'
// would turn a part of the path into a query, an LF would shift the parts of the message, and a text that can
// be decoded again is the path of another call.
func decodedPath(path string) (string, bool) {
	if !strings.Contains(path, "%") {
		return "", false
	}
	b := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			value, ok := escape(path[i:])
			if !ok || value == '/' {
				return "", false
			}
			c, i = value, i+2
		}
		if c < ' ' || c == 0x7f || c == '?' || c == '#' || c == '\\' {
			return "", false
		}
		b = append(b, c)
	}
	for i, c := range b {
		if c != '%' {
			continue
		}
		if _, again := escape(string(b[i:min(i+3, len(b))])); again {
			return "", false
		}
	}
	return string(b), true
}

// escape returns the byte that the percent-encoding at the beginning of s means (RFC 3986 section 2.1).
func escape(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok := hexDigit(s[1])
	low, ok2 := hexDigit(s[2])
	return high<<4 | low, ok && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch c = lower(c); {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
