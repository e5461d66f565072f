// Package secret holds bytes that cannot be printed, logged or marshalled by accident.
package secret

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// KeySize is the length in bytes of a secret this engine makes (256 bits, PCI DSS 3.7.1).
const KeySize = 32

// Bytes is a secret; the zero value is an erased one. The bytes sit behind two pointers, because fmt reads unexported
// fields without calling their methods, and follows one pointer if the verb does not fit.
type Bytes struct {
	p **[]byte
}

// New returns a secret holding a copy of b; an empty b gives the erased secret.
func New(b []byte) Bytes {
	if len(b) == 0 {
		return Bytes{}
	}
	return hold(bytes.Clone(b))
}

// Random returns [KeySize] fresh bytes of crypto/rand, which cannot fail.
func Random() Bytes {
	b := make([]byte, KeySize)
	_, _ = rand.Read(b)
	return hold(b)
}

func hold(b []byte) Bytes {
	p := &b
	return Bytes{p: &p}
}

// Reveal returns the bytes, which the caller must not change; nil for an erased secret. To find every place where a
// secret leaves its type, search for this name and [Bytes.RevealText].
func (s Bytes) Reveal() []byte {
	if s.p == nil {
		return nil
	}
	return **s.p
}

// RevealText returns the secret as unpadded base64url, the form that people and clients store.
func (s Bytes) RevealText() string { return base64.RawURLEncoding.EncodeToString(s.Reveal()) }

// Erased reports whether the secret is empty: it was erased, or never set.
func (s Bytes) Erased() bool { return s.p == nil }

// Equal reports in constant time whether both secrets hold the same bytes.
func (s Bytes) Equal(o Bytes) bool { return subtle.ConstantTimeCompare(s.Reveal(), o.Reveal()) == 1 }

// String returns "[redacted]".
func (Bytes) String() string { return redacted }

// GoString returns "[redacted]".
func (Bytes) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Bytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (Bytes) LogValue() slog.Value { return slog.StringValue(redacted) }

// ErrMarshal is returned by every marshaller. Only Reveal and RevealText give a secret out.
var ErrMarshal = errors.New("a secret cannot be marshalled")

// MarshalJSON returns [ErrMarshal].
func (Bytes) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText returns [ErrMarshal].
func (Bytes) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// GobEncode returns [ErrMarshal].
func (Bytes) GobEncode() ([]byte, error) { return nil, ErrMarshal }
