package tenant

import (
	"iter"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// mostOfClaim bounds an accessor, and the key of its metadata.
const mostOfClaim = 128

// Claims say which metadata of callers' aliases names their tenants, each as accessor:key. A login writes that metadata
// from what the auth method was told, such as a claim of a JWT.
type Claims struct{ Lines }

// ParseClaims returns the list as claims, or a refusal that names the field.
func ParseClaims(field string, list []string) (Claims, error) {
	for i, line := range list {
		accessor, key, _ := strings.Cut(line, ":")
		if !validAccessor(accessor) || key == "" || len(key) > mostOfClaim {
			return Claims{}, refusal.Errorf(
				refusal.Invalid,
				"%s: item %d: give accessor:key, as auth_jwt_1a2b3c4d:tenant; vault auth list tells the accessor",
				field, i+1,
			)
		}
	}
	return ClaimsOf(list), nil
}

// ClaimsOf returns the claims of a list that was parsed once.
func ClaimsOf(list []string) Claims { return Claims{LinesOf(list)} }

// Each yields the accessor of each auth mount and the key of the metadata.
func (c Claims) Each() iter.Seq2[string, string] {
	return func(yield func(accessor, key string) bool) {
		for line := range c.All() {
			if accessor, key, ok := strings.Cut(line, ":"); ok && !yield(accessor, key) {
				return
			}
		}
	}
}

func validAccessor(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return s != "" && len(s) <= mostOfClaim && strings.TrimLeft(s, letters) == ""
}
