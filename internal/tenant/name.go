// Package tenant holds tenants: their names and limits, and the mount's settings that bound them.
package tenant

import (
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Mine stands for the caller's own tenant in a path. No tenant may have this name.
const Mine = "my"

const maxName = 64

// Name is a valid tenant name: [a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?, and not "my". It contains no character that
// has a meaning in a policy glob or a storage path.
type Name string

// ParseName returns s as a Name, or a refusal that describes valid names.
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
