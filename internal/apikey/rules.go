package apikey

import (
	"time"
	"unique"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Rules are those of a key's settings that most keys have none of, or share with others.
type Rules struct {
	Limits
	Recipients       tenant.Lines // age or SSH public keys that secrets are sealed to
	Window           Window
	IdleDisableAfter time.Duration // unused for so long, the key is disabled; 0: as the tenant and the mount say
}

// Limits say which of the calls that a key signs are let through. An empty one limits
// nothing, and has calls signed as the scheme says.
type Limits struct {
	Scopes match.Scopes // METHOD /path/glob
	CIDRs  match.Ranges // where calls come from
	User   string       // whom the caller acts as
	Compat tenant.Lines // the variants of the scheme that are let in
}

// Window returns the hours in which k's versions are to expire.
func (k *Key) Window() Window { return k.Rules.Get().Window }

// Interned holds a value of which all that are equal share one copy, and takes eight bytes:
// there may be a record of it in memory for each of a million keys. The zero Interned holds
// the zero value. It is comparable, as the value is.
type Interned[T comparable] struct{ h unique.Handle[T] }

// Intern returns v to be held.
func Intern[T comparable](v T) Interned[T] {
	var none T
	if v == none {
		return Interned[T]{}
	}
	return Interned[T]{unique.Make(v)}
}

// Get returns what is held.
func (s Interned[T]) Get() T {
	if s == (Interned[T]{}) {
		var none T
		return none
	}
	return s.h.Value()
}

// Equal reports whether both hold equal values.
func (s Interned[T]) Equal(o Interned[T]) bool { return s == o }
