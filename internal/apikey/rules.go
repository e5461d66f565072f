package apikey

import (
	"time"
	"unique"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Rules are settings that most keys leave empty or share with other keys.
type Rules struct {
	Limits
	Recipients       tenant.Lines // age or SSH public keys that secrets are sealed to
	Window           Window
	IdleDisableAfter time.Duration // a key unused for so long is disabled; 0: as the tenant or mount says
}

// Limits say which calls of a key are accepted. The zero Limits restrict nothing, and accept no deviation from
// the scheme.
type Limits struct {
	Scopes match.Scopes // "METHOD /path/glob"
	CIDRs  match.Ranges // addresses that calls may come from
	User   string       // the user that calls act as
	Compat tenant.Lines // accepted variants of the scheme
}

// Window returns the hours in which k's versions are to expire.
func (k *Key) Window() Window { return k.Rules.Get().Window }

// Interned holds a value in eight bytes: equal values share one copy. There may be a million cached keys, so
// this saves much memory. The zero Interned holds the zero value. Interned values compare as the values do.
type Interned[T comparable] struct{ h unique.Handle[T] }

// Intern returns an Interned that holds v.
func Intern[T comparable](v T) Interned[T] {
	var none T
	if v == none {
		return Interned[T]{}
	}
	return Interned[T]{unique.Make(v)}
}

// Get returns the value.
func (s Interned[T]) Get() T {
	if s == (Interned[T]{}) {
		var none T
		return none
	}
	return s.h.Value()
}

// Equal reports whether both hold equal values.
func (s Interned[T]) Equal(o Interned[T]) bool { return s == o }
