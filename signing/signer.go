package signing

import (
	"context"
	"errors"
	"time"
)

// Signer signs heads of requests: it returns the headers to add. It fails with [ErrSigned] for a head that is
// signed already. It is safe for concurrent use.
type Signer interface {
	Sign(ctx context.Context, h *Head) ([]Header, error)
}

// Key is a [Signer] that holds its secret. Only closures refer to the secret, so that nothing can print,
// compare or marshal it.
type Key struct {
	scheme  Scheme
	id      string
	head    func(h *Head, now time.Time) ([]Header, error)
	message func(message []byte) string
}

// NewKey returns the key with that ID for one scheme. secret holds its decoded bytes and is copied. NewKey
// fails with [ErrUnknownScheme], or with [ErrMalformed] for an empty secret or a key ID that is not a
// [ValidKeyID].
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

// Scheme returns the key's scheme.
func (k *Key) Scheme() Scheme { return k.scheme }

// String returns the scheme and the ID.
func (k *Key) String() string { return string(k.scheme) + " key " + k.id }

// Sign signs h at the present time, like [SignHead].
func (k *Key) Sign(_ context.Context, h *Head) ([]Header, error) { return k.head(h, time.Now()) }

// SignMessage returns the signature of a message, like [SignTagged]. It fails with [ErrUnknownScheme] if the
// key's scheme is not [HMACSHA256].
func (k *Key) SignMessage(_ context.Context, message []byte) (string, error) {
	if k.scheme != HMACSHA256 {
		return "", ErrUnknownScheme
	}
	return k.message(message), nil
}

// errTaken is returned by [Head.With] for a header that h has already.
var errTaken = errors.New("a header of that name is there already")

// With returns h with these headers appended, like the head of a signed request. It fails if h has a header
// with one of the names, and when [ParseHead] would.
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
