// Package signing says what an HMAC-signed call looks like: it parses request
// heads, finds their signature and the exact bytes under it, and signs. It
// knows no keys, clocks or tenants; judging a call is its caller's work.
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

// Scheme names a way to sign calls. A key is bound to one scheme, so that a
// tag made for one format can never pass as another.
type Scheme string

// The schemes.
const (
	RFC9421    Scheme = "rfc9421"     // Signature-Input and Signature, RFC 9421
	Vrnt1      Scheme = "vrnt-1"      // Authorization: Vrnt-1-HMAC-SHA256
	HMACSHA256 Scheme = "hmac-sha256" // any message, tag "v1:<key_id>:<base64url>"
)

var (
	// ErrUnknownScheme is returned for a scheme that is not known, or not one
	// that can do what was asked.
	ErrUnknownScheme = errors.New("unknown scheme")
	// ErrMalformed is wrapped by every parse error. The reason after it never
	// quotes what was parsed.
	ErrMalformed = errors.New("malformed")
	// ErrSigned is returned for a head to sign that carries Authorization,
	// Signature or Signature-Input already.
	ErrSigned = errors.New("head is signed already")
)

// Names of the headers that decide who signed what, and whether a body follows.
const (
	authorizationName    = "Authorization"
	contentDigestName    = "Content-Digest"
	contentLengthName    = "Content-Length"
	hostName             = "Host"
	signatureName        = "Signature"
	signatureInputName   = "Signature-Input"
	transferEncodingName = "Transfer-Encoding"
)

// ParseScheme returns the scheme of that exact name, or [ErrUnknownScheme].
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

// MAC returns the HMAC-SHA256 of message under key (RFC 2104, FIPS 198-1). A
// process in FIPS-only mode must not pass keys under 14 bytes: crypto/hmac
// panics.
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

// Call is one signed call as received, with all that judging it needs. Nothing
// in it may be believed before [Call.SignedBy] is true of the key that KeyID
// names.
type Call struct {
	Scheme  Scheme
	KeyID   string
	Nonce   string    // "" where the scheme has none; the tag in base64url where Form has [NoNonce]
	Time    time.Time // when it was signed, UTC; zero where the scheme has none
	Expires time.Time // from when on its signer wants it refused, UTC; zero when never
	Tag     [TagSize]byte
	Message []byte // the exact bytes under the MAC: for RFC9421 the signature base of section 2.5

	// ContentDigest is the Content-Digest that the signature covers, "" when
	// none is; see [ParseContentDigest], which takes it. The body is not in
	// the head: whoever has it compares it.
	ContentDigest string

	// Form holds the ways in which the text of the signature is not strict, in
	// the order of their constants. Calls of [ParseCall] have none.
	Form Compat

	head *Head // the variants of Message come from it
}

// SignedBy reports whether the call's tag is that of key over its message, and
// its form strict. It takes the same time whatever the tag. An empty key signs
// nothing. Whoever checks many calls of a key holds a [MACKey].
func (c *Call) SignedBy(key []byte) bool {
	tag := MAC(key, c.Message)
	return hmac.Equal(tag[:], c.Tag[:]) && len(key) > 0 && len(c.Form) == 0
}

// ParseCall finds the one signature of a head. A head with none, with an
// Authorization of another kind alone, or with the signatures of two schemes
// is an [ErrMalformed].
//
// Of RFC 9421 it takes this profile, in the canonical form of RFC 8941:
//
//   - One signature under one label. It covers @method, @authority, @path and,
//     when the target has a '?', @query, or @target-uri in place of these
//     three; content-digest when Transfer-Encoding or a Content-Length above 0
//     announces a body; and any other fields that the head has. No component
//     has parameters, and no other derived one is known.
//   - created and keyid, a [ValidKeyID]; nonce, 8 to 128 visible characters
//     other than '"' and '\'. It may have expires, not before created; alg,
//     which is hmac-sha256; and tag, of at most 128 bytes. Times are Unix
//     seconds up to the year 9999.
//   - @authority is Host in lower case without :443 or :80, and @target-uri is
//     https:// with it and the target. Path and query are not decoded.
func ParseCall(h *Head) (*Call, error) { return parseCall(h, false) }

func parseCall(h *Head, lenient bool) (*Call, error) {
	// The call and its message, when that is short, are one allocation.
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

// shortMessage is the length of the messages that most calls do not exceed.
const shortMessage = 304

// parse has c be the call that h is, whatever it was before; its message is
// appended to buf.
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

// SignHead signs h with a key of at least one byte and returns the headers to
// add. Salt and nonce come from crypto/rand; now is cut to whole seconds.
//
// RFC9421 covers @method, @authority, @path, @query when there is one, and
// content-digest when the head announces a body: such a head has to hold the
// Content-Digest, for example of [DigestBody], and each head its Host.
//
// It fails with [ErrUnknownScheme] for a scheme that cannot sign heads,
// [ErrSigned] for a head that carries a signature, and [ErrMalformed] for a
// key ID, key, time or head from which no call could come that parses.
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

// has9421 reports whether h carries a header of an RFC 9421 signature.
func (h *Head) has9421() bool {
	return h.single[signature] != 0 || h.single[signatureInput] != 0
}

// tagEncoding refuses padding and stray bits; [parseTag] refuses the line
// ends that it would skip. One tag then has one text.
var tagEncoding = base64.RawURLEncoding.Strict()

// tagChars is the length of an encoded tag.
const tagChars = (TagSize*8 + 5) / 6

// parseTag reads the one text of a tag in unpadded base64url. It leaves anything
// in tag when it is another.
func parseTag(tag *[TagSize]byte, s string) bool {
	if len(s) != tagChars {
		return false
	}
	var text [tagChars]byte
	copy(text[:], s)
	// Skipped line ends would leave too few characters for a whole tag.
	n, err := tagEncoding.Decode(tag[:], text[:])
	return err == nil && n == TagSize
}

// parsePaddedTag reads the one text of a tag in padded, standard base64.
func parsePaddedTag(tag *[TagSize]byte, s string) bool {
	var text [tagChars + 1]byte
	if len(s) != len(text) {
		return false
	}
	copy(text[:], s)
	var b [TagSize + 1]byte // as much as the decoder asks for
	n, err := stdEncoding.Decode(b[:], text[:])
	copy(tag[:], b[:])
	return err == nil && n == TagSize
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}
