package signing

import (
	"context"
	"errors"
	"time"
)

// Signer signs the heads of requests: it returns the headers to add, and
// fails with [ErrSigned] for a head that carries a signature already. It is
// safe for concurrent use.
type Signer interface {
	Sign(ctx context.Context, h *Head) ([]Header, error)
}

// Key is a [Signer] that holds its secret. The secret sits in closures alone,
// which nothing can print, compare or marshal.
type Key struct {
	scheme  Scheme
	id      string
	head    func(h *Head, now time.Time) ([]Header, error)
	message func(message []byte) string
}

// NewKey returns the key of that ID for one scheme; secret holds its decoded
// bytes and is copied. It fails with [ErrUnknownScheme], and with
// [ErrMalformed] for a key ID that is not a [ValidKeyID] or an empty secret.
func NewKey(s Scheme, id string, secret []byte) (*Key, error) {
	if _, err := ParseScheme(string(s)); err != nil {
		return nil, err
	}
	if !ValidKeyID(id) {
		return nil, malformed("key ID")
	}
	if len(secret) == 0 {
		return nil, malformed("empty key")
	}
	secret = append([]byte(nil), secret...)
	return &Key{
		scheme:  s,
		id:      id,
		head:    func(h *Head, now time.Time) ([]Header, error) { return SignHead(s, h, id, secret, now) },
		message: func(message []byte) string { return SignTagged(id, secret, message) },
	}, nil
}

// ID returns the public ID of the key.
func (k *Key) ID() string { return k.id }

// Scheme returns the scheme that the key is for.
func (k *Key) Scheme() Scheme { return k.scheme }

// String returns scheme and ID.
func (k *Key) String() string { return string(k.scheme) + " key " + k.id }

// Sign signs h at the present time, as [SignHead] does.
func (k *Key) Sign(_ context.Context, h *Head) ([]Header, error) { return k.head(h, time.Now()) }

// SignMessage returns the signature of a message, as [SignTagged] does, or
// [ErrUnknownScheme] when the key is for another scheme than [HMACSHA256].
func (k *Key) SignMessage(_ context.Context, message []byte) (string, error) {
	if k.scheme != HMACSHA256 {
		return "", ErrUnknownScheme
	}
	return k.message(message), nil
}

// errTaken is returned by [Head.With] for a header that is there already.
var errTaken = errors.New("a header of that name is there already")

// With returns h with these headers at its end, as a signed request carries
// them. It fails for a name that h has, and as [ParseHead] does.
func (h *Head) With(added []Header) (*Head, error) {
	crlf, text := cutEnd(h.raw)
	eol := "\n"
	if crlf {
		eol = "\r\n"
	}
	for _, a := range added {
		if _, lines := h.find(a.Name); lines > 0 {
			return nil, errTaken
		}
		text += eol + a.Name + ": " + a.Value
	}
	return ParseHeadString(text + eol)
}
