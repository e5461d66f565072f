package apikey

import (
	"crypto/rand"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Kind says who holds a key.
type Kind string

// The kinds of keys.
const (
	Internal Kind = "internal" // the provider's own software
	External Kind = "external" // third parties and integrators
)

// Kinds are all kinds, in the order in which they are listed.
var Kinds = []Kind{External, Internal}

// ParseKind returns the kind called s.
func ParseKind(s string) (Kind, error) {
	if k := Kind(s); k == Internal || k == External {
		return k, nil
	}
	return "", refusal.Errorf(refusal.NotFound, "kind: %q is neither internal nor external", refusal.Quote(s))
}

// Config returns the mount's settings for keys of this kind.
func (k Kind) Config(c *tenant.Config) tenant.KindConfig {
	if k == Internal {
		return c.Internal
	}
	return c.External
}

// Name is a valid name of a key or a role: 1 to 64 of a-z, 0-9, -, _ and single dots inside. It begins and ends
// with a letter or digit.
type Name string

// ParseName returns s, a part of a path, as a Name. what names the part in the refusal: "name" or "role".
func ParseName(what, s string) (Name, error) {
	if !validName(s) {
		return "", refusal.Errorf(refusal.Invalid, "%s: %q is no name; %s", what, refusal.Quote(s), nameForm)
	}
	return Name(s), nil
}

// ParseNameField returns s, the value of a field, as a Name. The refusal does not quote it, because it could be
// a secret in the wrong field.
func ParseNameField(field, s string) (Name, error) {
	if !validName(s) {
		return "", refusal.Errorf(refusal.Invalid, "%s: is no name; %s", field, nameForm)
	}
	return Name(s), nil
}

const nameForm = "it has 1 to 64 of a-z, 0-9, -, _ and single dots, and begins and ends with a letter or digit"

func validName(s string) bool {
	ok := len(s) > 0 && len(s) <= 64 && alnum(s[0]) && alnum(s[len(s)-1]) && !strings.Contains(s, "..")
	for i := 0; ok && i < len(s); i++ {
		ok = alnum(s[i]) || strings.IndexByte("-_.", s[i]) >= 0
	}
	return ok
}

func alnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// Ref identifies a key by tenant, kind and name. A leased key has its role's name.
type Ref struct {
	Tenant tenant.Name
	Kind   Kind
	Name   Name
}

const (
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	keyIDLength = 16
)

// NewKeyID returns 16 random characters of [0-9A-Za-z] (95 bits).
func NewKeyID() string {
	id := make([]byte, 0, keyIDLength)
	var pool [24]byte
	for {
		_, _ = rand.Read(pool[:])
		for _, b := range pool {
			// 248 is the largest multiple of 62 in a byte. Without this check, the first letters would be more
			// likely.
			if b >= 248 {
				continue
			}
			if id = append(id, base62[b%62]); len(id) == keyIDLength {
				return string(id)
			}
		}
	}
}
