package signing

import (
	"encoding/base64"
	"strconv"
	"time"
)

const (
	signatureLabel = "sig1"
	algorithmName  = "hmac-sha256" // in RFC 9421's registry, section 6.2.2
	maxLabel       = 64
	maxTagParam    = 128
	maxTimestamp   = 253402300799 // 9999-12-31T23:59:59Z; RFC 3339 goes no further
)

// The parameters of a signature (RFC 9421 section 2.3), as bits.
const (
	hasCreated = 1 << iota
	hasExpires
	hasKeyID
	hasNonce
	hasAlg
	hasTag
)

// inputMember is the only member of a Signature-Input.
type inputMember struct {
	label      string
	components components
	params     string // the list and its parameters as received: the value of @signature-params
	has        uint8
	created    int64
	expires    int64
	keyID      string
	nonce      string
}

// parse parses `label=("name" ...);param=value...` in the canonical form of RFC 8941, and checks what does not
// depend on the head.
func (in *inputMember) parse(value string) error {
	f := fields{value}
	label, ok := f.key()
	if !ok || len(label) > maxLabel || !f.consume("=") {
		return malformed("label of signature input")
	}
	in.label, in.params = label, f.rest
	if err := in.components.parse(&f); err != nil {
		return err
	}
	for f.rest != "" {
		if err := in.param(&f); err != nil {
			return err
		}
	}
	switch {
	case in.has&hasCreated == 0:
		return malformed("no created")
	case in.has&hasKeyID == 0:
		return malformed("no keyid")
	case in.has&hasExpires != 0 && in.expires < in.created:
		return malformed("expires before created")
	}
	return nil
}

func (in *inputMember) param(f *fields) error {
	var bit uint8
	var ok bool
	switch {
	case f.consume(";created="):
		bit = hasCreated
		in.created, ok = f.number()
		ok = ok && in.created <= maxTimestamp
	case f.consume(";keyid="):
		bit = hasKeyID
		in.keyID, ok = f.unescaped()
		ok = ok && ValidKeyID(in.keyID)
	case f.consume(";nonce="):
		bit = hasNonce
		in.nonce, ok = f.unescaped()
		ok = ok && isNonce(in.nonce)
	case f.consume(";expires="):
		bit = hasExpires
		in.expires, ok = f.number()
		ok = ok && in.expires <= maxTimestamp
	case f.consume(";alg="):
		bit = hasAlg
		ok = f.consume(`"` + algorithmName + `"`)
	case f.consume(";tag="):
		bit = hasTag
		var tag string
		tag, ok = f.quoted()
		ok = ok && len(tag) <= maxTagParam
	case f.consume(";"):
		return malformed("unknown parameter of signature")
	default:
		return malformed("text after a signature's parameters")
	}
	if !ok || in.has&bit != 0 {
		return malformed("parameter of signature, or given twice")
	}
	in.has |= bit
	return nil
}

// isNonce reports whether s is 8 to 128 visible ASCII characters that need no escapes.
func isNonce(s string) bool {
	return isAll(s, nonceChars, minSalt, maxSalt)
}

// parse9421 parses the RFC 9421 signature of h. With lenient it also accepts one without a nonce.
func (c *Call) parse9421(h *Head, buf []byte, lenient bool) error {
	input, tag, err := h.chosen()
	if err != nil {
		return err
	}
	var in inputMember
	if err := in.parse(input); err != nil {
		return err
	}
	if !parseSignature(&c.Tag, tag, in.label) {
		return malformed("signature not %d bytes of the input's label", TagSize)
	}
	c.Scheme, c.KeyID, c.Nonce, c.Time = RFC9421, in.keyID, in.nonce, time.Unix(in.created, 0).UTC()
	if in.has&hasExpires != 0 {
		c.Expires = time.Unix(in.expires, 0).UTC()
	}
	if in.has&hasNonce == 0 {
		if !lenient {
			return malformed("no nonce")
		}
		c.Form, c.Nonce = Compat{NoNonce}, base64.RawURLEncoding.EncodeToString(c.Tag[:])
	}
	if err := in.components.checkCoverage(h); err != nil {
		return err
	}
	if c.ContentDigest, err = in.components.digest(h); err != nil {
		return err
	}
	c.Message, err = signatureBase(buf, h, in.components.names, in.params)
	return err
}

// parseSignature parses `label=:base64:`, a dictionary of one member, into tag.
func parseSignature(tag *[TagSize]byte, value, label string) bool {
	f := fields{value}
	if !f.consume(label) || !f.consume("=:") || len(f.rest) != tagChars+2 || f.rest[tagChars+1] != ':' {
		return false
	}
	return parsePaddedTag(tag, f.cut(tagChars+1))
}

// sign9421 signs what the profile requires, and no more: an intermediary could change another field and so
// break the signature.
func sign9421(h *Head, nonce, keyID string, key []byte, now time.Time) ([]Header, error) {
	created := now.Unix()
	if created < 1 || created > maxTimestamp {
		return nil, malformed("time that has no created")
	}
	if _, ok := h.lookup(host); !ok {
		return nil, malformed("head without Host: add the one it is sent with")
	}
	body, err := h.announcesBody()
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 256)
	b = append(b, signatureLabel+`=("@method" "@authority" "@path"`...)
	if _, ok := h.Query(); ok {
		b = append(b, ` "@query"`...)
	}
	if body {
		if _, lines := h.find(contentDigestName); lines == 0 {
			return nil, malformed("head with a body but without %s: add that of the body", contentDigestName)
		}
		b = append(b, ` "content-digest"`...)
	}
	b = strconv.AppendInt(append(b, ");created="...), created, 10)
	b = append(append(b, `;keyid="`...), keyID...)
	b = append(append(b, `";nonce="`...), nonce...)
	value := string(append(b, `";tag="`+ownTag+`"`...))

	var in inputMember
	if err := in.parse(value); err != nil {
		return nil, err
	}
	if _, err := in.components.digest(h); err != nil {
		return nil, err
	}
	base, err := signatureBase(nil, h, in.components.names, in.params)
	if err != nil {
		return nil, err
	}
	tag := MAC(key, base)
	signature := signatureLabel + "=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":"
	add := []Header{{signatureInputName, value}, {signatureName, signature}}
	if !h.fits(add...) {
		return nil, malformed("head too long with its signature")
	}
	return add, nil
}
