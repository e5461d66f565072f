package middleware

import (
	"context"
	"time"

	"vault-plugin-secrets-apikeys/client/judge"
)

// Principal is who made a call that the middleware let through.
type Principal struct {
	Tenant    string
	Kind      string // internal or external
	Name      string // of the key
	KeyID     string // of the version that signed
	Version   int
	Scheme    string
	Variant   string            // the deviations that the key allows and the call made use of, joined by commas
	User      string            // whom the key's callers act as; "" when the key does not say
	Metadata  map[string]string // of the key; shared: do not change it
	ExpiresAt time.Time         // when the version ends; zero: never
}

func principalOf(v judge.Verdict) Principal {
	return Principal{
		Tenant: v.Tenant, Kind: v.Kind, Name: v.Name, KeyID: v.KeyID, Version: v.Version, Scheme: v.Scheme,
		Variant: v.Variant, User: v.User, Metadata: v.Metadata, ExpiresAt: v.ExpiresAt,
	}
}

type principalKey struct{}

func withPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns who made the call that a request's context belongs to, or false where no middleware let it
// through.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
