// Package tenant knows who keys belong to: tenant names, what a tenant may do, and the
// mount's own settings that bound it.
package tenant

import (
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Mine is the word that stands for the caller's own tenant in a path; no tenant may be
// called so.
const Mine = "my"

const maxName = 64

// Name is a valid tenant name: [a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?, and not "my".
// It holds nothing that means something in a policy glob or a storage path.
type Name string

// ParseName returns s as a Name, or a refusal that says what a name looks like.
func ParseName(s string) (Name, error) {
	if s == Mine {
		return "", refusal.Errorf(
			refusal.Invalid,
			"tenant: %q means the caller's own tenant and cannot be a name",
			Mine,
		)
	}
	if !validName(s) {
		return "", refusal.Errorf(
			refusal.Invalid,
			"tenant: %q is no name; it has 1 to 64 of a-z, 0-9 and -, and begins and ends with a letter or digit",
			refusal.Quote(s),
		)
	}
	return Name(s), nil
}

func validName(s string) bool {
	if len(s) == 0 || len(s) > maxName || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
