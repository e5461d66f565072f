package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// Grant is what the calls of one version are judged by, except for the call itself and the time. The engine
// makes it from a key and the tenant, role and mount that the key belongs to. A gateway decodes it from the
// engine's answer. A Grant is never changed.
type Grant struct {
	// Standing is Valid, or the verdict on all calls at any time: UnknownKey, TenantSuspended, VerdictRevoked,
	// VerdictDisabled or VerdictExpired.
	Standing  Verdict
	ExpiresAt time.Time // zero: never
	MAC       MAC
	Scheme    signing.Scheme
	Compat    signing.Compat // the deviations from the scheme that are accepted
	Scopes    match.Scopes
	Published [3]match.Globs // the mount's, the provider's, the tenant's; a path must match each that is not empty
	CIDRs     match.Ranges
	User      string        // the user that calls act as; empty: any user
	Replay    bool          // a call is accepted once
	Past      time.Duration // how old a call may be
	Future    time.Duration // how far a call's time stamp may lie in the future
}

// MAC checks the tags of calls under one key, as [signing.MACKey] does.
type MAC interface {
	SignedAs(c *signing.Call, compat signing.Compat) (matched signing.Compat, ok bool)
}

// secretMAC checks tags under a secret, and derives the MAC key anew for each call.
type secretMAC struct{ secret.Bytes }

// SignedAs implements [MAC].
func (s secretMAC) SignedAs(c *signing.Call, compat signing.Compat) (signing.Compat, bool) {
	return c.SignedAs(s.Reveal(), compat)
}

// Unknown returns the grant for calls that name an unknown key. Its MAC costs as much as a known key's and
// never changes the verdict.
func Unknown(mac MAC) Grant { return Grant{Standing: UnknownKey, MAC: mac} }

// unknownKey is a random secret that nobody has.
var unknownKey = secretMAC{secret.Random()}

// GrantOf returns the version with a key ID, and its grant. If no version with that ID can verify, it returns
// nil and the grant of an unknown key. k or t is nil if there is no such key or tenant. role is nil for a named
// key, or if the leased key's role is gone.
func GrantOf(keyID string, k *Key, t *tenant.Tenant, role *Role, c *tenant.Config) (Grant, *Version) {
	if k == nil || t == nil || t.State() == tenant.Deleted {
		return Unknown(unknownKey), nil
	}
	v := k.Version(keyID)
	if v == nil || v.Secret.Erased() {
		return Unknown(unknownKey), nil
	}
	caps, limits := t.Caps(c), k.Rules.Get().Limits
	return Grant{
		Standing: k.standing(v, t, role), ExpiresAt: v.ExpiresAt, MAC: secretMAC{v.Secret},
		Scheme: k.Scheme, Compat: k.compat(v), Scopes: limits.Scopes, Published: k.published(c, t),
		CIDRs: limits.CIDRs, User: limits.User,
		Replay: k.Replay, Past: caps.WindowPast, Future: caps.WindowFuture,
	}, v
}

// standing returns the verdict that k's, v's, t's and role's states give every call. The order of the cases is
// the precedence.
func (k *Key) standing(v *Version, t *tenant.Tenant, role *Role) Verdict {
	switch {
	//mutate:false "suspended tenants" TestVerdictPrecedence
	case t.State() != tenant.Active:
		return TenantSuspended
	//mutate:false:2 "revoked versions" TestVerdictPrecedence|TestRevokeOldVersion
	//mutate:false:3 "leased keys that their role has revoked" TestSeenIsAskedLast
	case !k.RevokedAt.IsZero() || !v.RevokedAt.IsZero() || k.RevokedByRole(role):
		return VerdictRevoked
	//mutate:false:2 "disabled versions" TestSeenIsAskedLast
	//mutate:false:3 "deleted keys" TestSeenIsAskedLast
	case !k.DisabledAt.IsZero() || !v.DisabledAt.IsZero() || !k.DeletedAt.IsZero():
		return VerdictDisabled
	default:
		return Valid
	}
}

// standingAt is like standing, and then judges whether the version has expired.
func (k *Key) standingAt(v *Version, t *tenant.Tenant, role *Role, now time.Time) Verdict {
	g := Grant{Standing: k.standing(v, t, role), ExpiresAt: v.ExpiresAt}
	return g.at(now)
}

// RevokedByRole reports whether k is a leased key that its role has revoked.
func (k *Key) RevokedByRole(role *Role) bool {
	return k.Lease != nil && role != nil && role.Epoch > k.Lease.Epoch
}

// MaySign returns the version that signs at now and Valid, or nil and the verdict that says why k cannot sign.
func (k *Key) MaySign(t *tenant.Tenant, now time.Time) (*Version, Verdict) {
	v := k.Newest()
	if verdict := k.standingAt(v, t, nil, now); verdict != Valid {
		return nil, verdict
	}
	return v, Valid
}

// PublishedLists returns the lists of path globs; a path must match every one of them. It is never nil.
func (g *Grant) PublishedLists() [][]string {
	lists := [][]string{}
	for _, globs := range g.Published {
		if !globs.Empty() {
			lists = append(lists, globs.List())
		}
	}
	return lists
}
