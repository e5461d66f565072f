package signing

import (
	"math/bits"
	"strings"
)

// messageVariants change what is under the MAC.
const messageVariants = headersSorted | headerValueCase | pathDecoded | pathQuery | keyASCII

// MaxVariantBytes bounds what [Call.SignedAs] hashes beside the call's own
// message. Messages of up to 4 KiB, which is nearly all, can be tried in all
// variants; the largest in two.
const MaxVariantBytes = 64 << 10

// macer computes the MAC of a message under a key, or under the key's text.
type macer func(message []byte, ascii bool) [TagSize]byte

// SignedAs reports whether the call's tag is that of key over its message or
// over one of the variants of it that compat names, and whether its form is
// strict or named in compat. It returns the variants that it took: those of
// [Call.Form], and the fewest of the others that fit, in the order of their
// constants; none for a strict call.
//
// It computes one MAC for a strict call, and for any call at most 16, two for
// each of the eight messages that at most three of headers_sorted,
// header_value_case and one of path_decoded and path_query make. A variant
// that makes no difference to the call is not tried. A call of a form that
// compat does not name costs one MAC. A path is tried decoded only when that
// leaves no control character, '?', '#', '\' and nothing that could be decoded
// again, such as %2F; and not when compat names path_query as well. The messages
// tried have at most [MaxVariantBytes] together: of a longer call only those with
// the fewest variants are tried. An empty key signs nothing.
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
		// The subsets of set, from the greatest down, as bits.
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

// effective returns the variants that change the message of this call, and are
// safe to try. No two sets of them make the same message: each changes a part
// of its own, and no part can hold the LF that ends it.
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

// variantMessage takes the order of sorted headers, which is the same each time.
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

// decodedPath returns the path after percent-decoding, or false when that
// changes nothing or is not safe to sign. A '?' would make a query of a part
// of the path, an LF would shift the parts of the message, and what could be
// decoded again is the path of another call.
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

// escape returns the byte that the percent-encoding at the front of s stands
// for (RFC 3986 section 2.1).
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
