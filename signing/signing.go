// Package signing defines the format of HMAC-signed calls: it parses request heads, finds their signature and
// the exact bytes that it signs, and signs. It has no keys, clocks or tenants; its callers judge calls.
package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Scheme names a way to sign calls. A key belongs to one scheme, so that a tag made for one format cannot pass
// as another.
type Scheme string

// The schemes.
const (
	RFC9421    Scheme = "rfc9421"     // Signature-Input and Signature, RFC 9421
	Vrnt1      Scheme = "vrnt-1"      // Authorization: Vrnt-1-HMAC-SHA256
	HMACSHA256 Scheme = "hmac-sha256" // any message, tag "v1:<key_id>:<base64url>"
)

var (
	// ErrUnknownScheme is returned for a scheme that is unknown or does not support the operation.
	ErrUnknownScheme = errors.New("unknown scheme")
	// ErrMalformed is wrapped by every parse error. The reason that follows it never quotes the input.
	ErrMalformed = errors.New("malformed")
	// ErrSigned is returned when signing a head that has Authorization, Signature or Signature-Input already.
	ErrSigned = errors.New("head is signed already")
)

// Headers that decide who signed what, and whether a body follows.
const (
	authorizationName    = "Authorization"
	contentDigestName    = "Content-Digest"
	contentLengthName    = "Content-Length"
	hostName             = "Host"
	signatureName        = "Signature"
	signatureInputName   = "Signature-Input"
	transferEncodingName = "Transfer-Encoding"
)

// ParseScheme returns the scheme with that exact name, or [ErrUnknownScheme].
func ParseScheme(s string) (Scheme, error) {
	switch scheme := Scheme(s); scheme {
	case RFC9421, Vrnt1, HMACSHA256:
		return scheme, nil
	}
	return "", ErrUnknownScheme
}

// HTTP reports whether the scheme signs request heads.
func (s Scheme) HTTP() bool { return s == RFC9421 || s == Vrnt1 }

// TagSize is the length of a tag in bytes. Tags are never truncated.
const TagSize = sha256.Size

// MAC returns the HMAC-SHA256 of message under key (RFC 2104, FIPS 198-1). In FIPS-only mode, crypto/hmac
// panics for keys under 14 bytes.
func MAC(key, message []byte) [TagSize]byte {
	var tag [TagSize]byte
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	mac.Sum(tag[:0])
	return tag
}

const (
	minKeyID = 8
	maxKeyID = 64
)

// ValidKeyID reports whether s can be a key ID on the wire: 8 to 64 characters
// of [0-9A-Za-z_-].
func ValidKeyID(s string) bool { return isWord(s, minKeyID, maxKeyID) }

// Call is one signed call as received, with everything needed to judge it. Nothing in it may be trusted before
// [Call.SignedBy] is true for the key that KeyID names.
type Call struct {
	Scheme  Scheme
	KeyID   string
	Nonce   string    // "" if the scheme has none; the tag in base64url if Form has [NoNonce]
	Time    time.Time // when it was signed, UTC; zero if the scheme has no time
	Expires time.Time // its signer wants it refused from then on, UTC; zero: never
	Tag     [TagSize]byte
	Message []byte // the exact signed bytes; for RFC9421 the signature base (section 2.5)

	// ContentDigest is the covered Content-Digest, or "" if none is covered. The caller must compare it with
	// the body: see [ParseContentDigest].
	ContentDigest string

	// Form lists the ways in which the text of the signature is not strict, in the order of the constants. It
	// is empty for calls from [ParseCall].
	Form Compat

	head *Head // to make variants of Message
}

// SignedBy reports whether the call's tag is right under key and its form is strict. It takes the same time
// whatever the tag is. With an empty key it is false. To check many calls of a key, use a [MACKey].
func (c *Call) SignedBy(key []byte) bool {
	tag := MAC(key, c.Message)
	return hmac.Equal(tag[:], c.Tag[:]) && len(key) > 0 && len(c.Form) == 0
}

// ParseCall parses the signature of a head. It fails with [ErrMalformed] for a head that has none, only an
// Authorization of another kind, or signatures of two schemes.
//
// Of RFC 9421 it accepts this profile, in the canonical form of RFC 8941:
//
//   - One signature, or up to 8 under labels of their own, of which only one has tag="apikeys": this one is the call.
//     It covers @method, @authority, @path and, if the target has a '?', @query;
//     or @target-uri instead of the last three. It covers content-digest if Transfer-Encoding or a Content-Length
//     above 0 announces a body. It may cover any other fields of the head. Components have no parameters, and other
//     derived components are refused.
//   - Required parameters: created; keyid, a [ValidKeyID]; nonce, 8 to 128 visible characters except '"' and '\'.
//     Optional parameters: expires, not before created; alg, which is hmac-sha256; tag, of at most 128 bytes.
//     Times are Unix seconds up to the year 9999.
//   - @authority is Host in lower case without :443 or :80. @target-uri is https:// followed by it and the target.
//     Path and query are not decoded.
func ParseCall(h *Head) (*Call, error) { return parseCall(h, false) }

func parseCall(h *Head, lenient bool) (*Call, error) {
	// One allocation holds the call and a short message.
	r := new(struct {
		Call
		buf [shortMessage]byte
	})
	if err := r.parse(h, r.buf[:0], lenient); err != nil {
		return nil, err
	}
	r.Message = slices.Clip(r.Message)
	return &r.Call, nil
}

// shortMessage is a length that most messages do not exceed.
const shortMessage = 304

// parse sets c to the call in h. It appends the message to buf.
func (c *Call) parse(h *Head, buf []byte, lenient bool) error {
	*c = Call{head: h}
	value, authorized := h.lookup(authorization)
	authorized = authorized && isVrnt1(value)
	signed := h.has9421()
	switch {
	case authorized && signed:
		return malformed("signatures of two schemes")
	case signed:
		return c.parse9421(h, buf, lenient)
	case authorized:
		return c.parseVrnt1(h, buf, value, lenient)
	}
	return malformed("no signature")
}

// SignHead signs h with a key of at least one byte and returns the headers to add. Salt and nonce come from
// crypto/rand. now is truncated to whole seconds.
//
// RFC9421 covers @method, @authority, @path, @query if there is one, and content-digest if the head announces a
// body. Such a head must have the Content-Digest (see [DigestBody]), and every head its Host. The signature has
// tag="apikeys", by which verifiers find it among others.
//
// SignHead fails with [ErrUnknownScheme] for a scheme that does not sign heads, with [ErrSigned] for a head that is
// signed already, and with [ErrMalformed] if no valid call can be made from the key ID, key, time and head.
func SignHead(s Scheme, h *Head, keyID string, key []byte, now time.Time) ([]Header, error) {
	if !s.HTTP() {
		return nil, ErrUnknownScheme
	}
	if _, ok := h.lookup(authorization); ok || h.has9421() {
		return nil, ErrSigned
	}
	if !ValidKeyID(keyID) {
		return nil, malformed("key ID")
	}
	if len(key) == 0 {
		return nil, malformed("empty key")
	}
	if s == RFC9421 {
		return sign9421(h, newSalt(), keyID, key, now)
	}
	return signVrnt1(h, newSalt(), keyID, key, now)
}

// has9421 reports whether h has a header of an RFC 9421 signature.
func (h *Head) has9421() bool {
	return h.single[signature] != 0 || h.single[signatureInput] != 0
}

// tagEncoding refuses padding and stray bits. [parseTag] refuses line ends, which tagEncoding would skip. So
// each tag has only one text.
var tagEncoding = base64.RawURLEncoding.Strict()

// tagChars is the length of an encoded tag.
const tagChars = (TagSize*8 + 5) / 6

// parseTag decodes unpadded base64url into tag. If it fails, the contents of tag are undefined.
func parseTag(tag *[TagSize]byte, s string) bool {
	if len(s) != tagChars {
		return false
	}
	var text [tagChars]byte
	copy(text[:], s)
	// If line ends are skipped, too few characters are left for a whole tag.
	n, err := tagEncoding.Decode(tag[:], text[:])
	return err == nil && n == TagSize
}

// parsePaddedTag decodes padded standard base64 into tag.
func parsePaddedTag(tag *[TagSize]byte, s string) bool {
	var text [tagChars + 1]byte
	if len(s) != len(text) {
		return false
	}
	copy(text[:], s)
	var b [TagSize + 1]byte // the decoder needs one more byte
	n, err := stdEncoding.Decode(b[:], text[:])
	copy(tag[:], b[:])
	return err == nil && n == TagSize
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}
