package apikey

import (
	"net/netip"
	"time"

	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// Verdict is what verification found. The zero value is none of them.
type Verdict string

// The verdicts, in the order in which they are judged.
const (
	Malformed       Verdict = "malformed"
	UnknownKey      Verdict = "unknown_key"
	BadSignature    Verdict = "bad_signature"
	TenantSuspended Verdict = "tenant_suspended"
	IsRevoked       Verdict = "revoked"
	IsDisabled      Verdict = "disabled"
	IsExpired       Verdict = "expired"
	TooOld          Verdict = "too_old"
	TooNew          Verdict = "too_new"
	SourceDenied    Verdict = "source_denied"
	OutOfScope      Verdict = "out_of_scope"
	Replayed        Verdict = "replayed"
	Valid           Verdict = "valid"
)

// Verdicts are all of them, in that order.
var Verdicts = []Verdict{
	Malformed, UnknownKey, BadSignature, TenantSuspended, IsRevoked, IsDisabled, IsExpired, TooOld, TooNew,
	SourceDenied, OutOfScope, Replayed, Valid,
}

// Signed reports whether the verdict was reached on a right signature, so that the
// answer may tell about the key.
func (v Verdict) Signed() bool {
	return v != Malformed && v != UnknownKey && v != BadSignature
}

// nobody is what an unknown key's calls are checked with, so that they cost the same.
var nobody = secret.Random()

// Case is a call with all that judging it needs.
type Case struct {
	Call   *signing.Call
	MAC    *signing.MACKey // of the version that the call names, for who has it ready; of an unknown key any. nil: made of the secret
	Head   *signing.Head   // of a request; nil: the call is a message
	From   netip.Addr      // where it came from; the zero value is not known
	Mount  *tenant.Config  // its settings
	Key    *Key            // nil: unknown
	Tenant *tenant.Tenant  // nil or deleted: its keys are unknown
	Role   *Role           // of a leased key; nil when gone
	Past   time.Duration
	Future time.Duration
	Since  time.Time // calls stamped before are too old; zero: none
	Strict bool      // a call is only good once, whatever the key says
	// Seen reports whether the call has been seen before, recording it. It is asked last
	// and only for calls that are otherwise valid.
	Seen func() bool

	// Steps counts what judging it has looked at beside the signature: bytes, segments, ranges.
	Steps int
	// Matched holds, once the case is judged and the signature was right, the variants that
	// it took.
	Matched signing.Compat
}

// Judge returns the verdict on the case and, where the signature is right, the version
// that made it. One MAC is computed whatever the outcome; where a key lets variants in,
// as many as those that fit the call make.
func (c *Case) Judge(now time.Time) (Verdict, *Version) {
	v := c.version()
	if v == nil {
		//mutate:skip "one MAC for unknown keys too" TestUnknownKeyComputesAMAC
		c.spend()
		return c.unsigned(UnknownKey), nil
	}
	//mutate:before "nothing told before the signature" TestVerdictPrecedence
	//mutate:more => if verdict := c.Key.standing(v, c.Tenant, c.Role, now); verdict != Valid { return verdict, v }
	matched, signed := c.signed(v, c.Key.compat(v))
	//mutate:false:1 "the signature" TestEveryVerdictIsReached|TestVerdictPrecedence
	//mutate:false:2 "the key's scheme" TestCallOfAnotherSchemeIsABadSignature
	if !signed || c.Call.Scheme != c.Key.Scheme {
		return c.unsigned(BadSignature), nil
	}
	c.Matched = matched
	if verdict := c.Key.standing(v, c.Tenant, c.Role, now); verdict != Valid {
		return verdict, v
	}
	if verdict := c.clock(now); verdict != Valid {
		return verdict, v
	}
	//mutate:false "addresses" TestEveryVerdictIsReached|TestVerdictPrecedence
	if !c.within() {
		return SourceDenied, v
	}
	//mutate:false "scopes" TestEveryVerdictIsReached|TestVerdictPrecedence
	if c.OutOf() != InBounds {
		return OutOfScope, v
	}
	//mutate:false:3 "replays" TestEveryVerdictIsReached|TestSeenIsAskedLast
	if (c.Key.Replay || c.Strict) && c.Call.Nonce != "" && c.Seen != nil && c.Seen() {
		return Replayed, v
	}
	return Valid, v
}

// spend computes the MAC that a known key's call costs; it decides nothing.
func (c *Case) spend() {
	if c.MAC != nil {
		c.MAC.Signed(c.Call)
		return
	}
	c.Call.SignedBy(nobody.Reveal())
}

// signed computes one MAC, or where the key lets variants in as many as they make.
func (c *Case) signed(v *Version, compat signing.Compat) (signing.Compat, bool) {
	if c.MAC != nil {
		return c.MAC.SignedAs(c.Call, compat)
	}
	return c.Call.SignedAs(v.Secret.Reveal(), compat)
}

// unsigned returns the verdict on a call without a right tag. One of a deviating form is malformed, whether or not there is a key
// that lets the form in: only who can sign learns that.
func (c *Case) unsigned(strict Verdict) Verdict {
	//mutate:false "nothing told of forms before the signature" TestFormsAreMalformedUnlessLetIn
	if len(c.Call.Form) > 0 {
		return Malformed
	}
	return strict
}

func (c *Case) version() *Version {
	if c.Key == nil || c.Tenant == nil || c.Tenant.State() == tenant.Deleted {
		return nil
	}
	if v := c.Key.Version(c.Call.KeyID); v != nil && !v.Secret.Erased() {
		return v
	}
	return nil
}

// clock judges the time stamp, where the scheme has one.
func (c *Case) clock(now time.Time) Verdict {
	stamp := c.Call.Time
	if stamp.IsZero() {
		return Valid
	}
	switch age := now.Sub(stamp); {
	//mutate:false:3 "calls after their own end" TestExpiresOfACall
	//mutate:false:1 "old calls" TestClockWindow
	//mutate:false:2 "calls from before the start" TestSince
	case age > c.Past || stamp.Before(c.Since) || !c.Call.Expires.IsZero() && !now.Before(c.Call.Expires):
		return TooOld
	//mutate:false "calls from the future" TestClockWindow
	case age < -c.Future:
		return TooNew
	default:
		return Valid
	}
}

// standing judges the states, in the order that is also their precedence.
func (k *Key) standing(v *Version, t *tenant.Tenant, role *Role, now time.Time) Verdict {
	switch {
	//mutate:false "suspended tenants" TestVerdictPrecedence
	case t.State() != tenant.Active:
		return TenantSuspended
	//mutate:false:2 "revoked versions" TestVerdictPrecedence|TestRevokeOldVersion
	//mutate:false:3 "leased keys that their role has revoked" TestSeenIsAskedLast
	case !k.RevokedAt.IsZero() || !v.RevokedAt.IsZero() || k.Outlived(role):
		return IsRevoked
	//mutate:false:2 "disabled versions" TestSeenIsAskedLast
	//mutate:false:3 "deleted keys" TestSeenIsAskedLast
	case !k.DisabledAt.IsZero() || !v.DisabledAt.IsZero() || !k.DeletedAt.IsZero():
		return IsDisabled
	//mutate:false "expired versions" TestExpiryIsExactToTheSecond
	case v.expired(now):
		return IsExpired
	default:
		return Valid
	}
}

// Outlived reports whether the role has revoked the leased keys issued before.
func (k *Key) Outlived(role *Role) bool {
	return k.Lease != nil && role != nil && role.Epoch > k.Lease.Epoch
}

// MaySign returns the version that signs at now and Valid, or the verdict that stands
// against signing.
func (k *Key) MaySign(t *tenant.Tenant, now time.Time) (*Version, Verdict) {
	v := k.Newest()
	if verdict := k.standing(v, t, nil, now); verdict != Valid {
		return nil, verdict
	}
	return v, Valid
}
