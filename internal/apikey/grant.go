package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// Grant is what the calls of one version may do: all that they are judged by, but for the
// call itself and the time. The engine makes it of a key and those that the key belongs
// to; a gateway decodes it from what the engine hands out. It is not changed.
type Grant struct {
	// Standing is Valid, or what stands against all calls whatever the time: UnknownKey,
	// TenantSuspended, IsRevoked, IsDisabled, or IsExpired.
	Standing  Verdict
	ExpiresAt time.Time // zero: never
	MAC       MAC
	Scheme    signing.Scheme
	Compat    signing.Compat // the deviations from the scheme that are let in
	Scopes    match.Scopes
	Published [3]match.Globs // the mount's, the provider's, the tenant's; a path must match each that is not empty
	CIDRs     match.Ranges
	User      string        // whom calls act as; empty: anybody
	Replay    bool          // a call is good once
	Past      time.Duration // how old a call may be
	Future    time.Duration // how far ahead a caller's clock may be
}

// MAC checks the tags of calls under one key, as [signing.MACKey] does.
type MAC interface {
	SignedAs(c *signing.Call, compat signing.Compat) (matched signing.Compat, ok bool)
}

// secretMAC derives its MACs from a secret, one at a time.
type secretMAC struct{ secret.Bytes }

// SignedAs implements [MAC].
func (s secretMAC) SignedAs(c *signing.Call, compat signing.Compat) (signing.Compat, bool) {
	return c.SignedAs(s.Reveal(), compat)
}

// Unknown is what calls of unknown keys are judged by. The MAC costs what one of a known
// key costs, and decides nothing.
func Unknown(mac MAC) Grant { return Grant{Standing: UnknownKey, MAC: mac} }

// unknownKey signs nothing that anybody has.
var unknownKey = secretMAC{secret.Random()}

// GrantOf returns what the version with a key ID may do, and the version; nil and the grant
// of an unknown key where there is none that verifies. Of the arguments k, t and role may
// be nil: then there is no such key or tenant, or the leased key's role is gone.
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

// standing judges the states, in the order that is also their precedence.
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

// standingAt is standing, with the version's end judged last.
func (k *Key) standingAt(v *Version, t *tenant.Tenant, role *Role, now time.Time) Verdict {
	g := Grant{Standing: k.standing(v, t, role), ExpiresAt: v.ExpiresAt}
	return g.at(now)
}

// RevokedByRole reports whether the role has revoked the leased keys issued before.
func (k *Key) RevokedByRole(role *Role) bool {
	return k.Lease != nil && role != nil && role.Epoch > k.Lease.Epoch
}

// MaySign returns the version that signs at now and Valid, or the verdict that stands
// against signing.
func (k *Key) MaySign(t *tenant.Tenant, now time.Time) (*Version, Verdict) {
	v := k.Newest()
	if verdict := k.standingAt(v, t, nil, now); verdict != Valid {
		return nil, verdict
	}
	return v, Valid
}

// PublishedLists returns the lists that a path must match each of, never nil.
func (g *Grant) PublishedLists() [][]string {
	lists := [][]string{}
	for _, globs := range g.Published {
		if !globs.Empty() {
			lists = append(lists, globs.List())
		}
	}
	return lists
}
