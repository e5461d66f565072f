package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// Lease is what a leased key has besides a key's own.
type Lease struct {
	Epoch   int       // the role's when the key was issued
	EndedAt time.Time // when Vault said the lease was over
}

// Role is the template of leased keys.
type Role struct {
	Tenant tenant.Name
	Kind   Kind
	Name   Name
	UID    string // of the tenant it was made under

	Description string
	Owner       string // who answers for its keys
	Scheme      signing.Scheme
	TTL         time.Duration
	MaxTTL      time.Duration
	Replay      bool
	Metadata    Pairs
	Limits

	// Epoch counts the revocations of all keys issued before; RevokedBefore is when the
	// last one was, and Reasons why. A key of an earlier epoch is revoked. Counting is exact where clocks
	// are not.
	Epoch         int
	RevokedBefore time.Time
	Reasons       Interned[Reasons]
	CreatedAt     time.Time
	DeletedAt     time.Time // a deleted role stays as a marker, for its epoch
	Revision      int
}

// Span is how long a leased key may live.
type Span struct {
	TTL time.Duration // at first, and with each renewal that asks for nothing else
	Max time.Duration // from issue, renewals included
	By  string        // the cap that sets Max
}

// Span returns how long keys of the role live under the caps as they are now. Mount is
// the mount's own longest lease.
func (r *Role) Span(c *tenant.Config, t *tenant.Tenant, mount time.Duration) Span {
	s := Span{TTL: r.TTL, Max: r.MaxTTL, By: "the role's max_ttl"}
	if most, by := maxTTL(r.Kind, c, t); most < s.Max {
		s.Max, s.By = most, by
	}
	if mount < s.Max {
		s.Max, s.By = mount, "the mount's max_lease_ttl"
	}
	s.TTL = min(s.TTL, s.Max)
	return s
}

// Issue returns a fresh leased key of the role. It has been revealed by being issued.
func (r *Role) Issue(keyID string, span Span, by Actor, now time.Time) *Key {
	s := Settings{
		OverlapFrom: OverlapUnknown,
		Description: r.Description, Owner: r.Owner, Metadata: r.Metadata, Scheme: r.Scheme, TTL: span.TTL,
		Reveal: RevealNever, Replay: r.Replay, Rules: Intern(Rules{Limits: r.Limits}),
	}
	k := New(Ref{Tenant: r.Tenant, Kind: r.Kind, Name: r.Name}, r.UID, s, keyID, by, now)
	k.Versions[0].RevealedAt, k.Versions[0].RevealedTo = k.CreatedAt, &Actor{
		EntityID: by.EntityID,
		Accessor: by.Accessor,
	}
	k.Lease = &Lease{Epoch: r.Epoch}
	return k
}

// Renew returns the leased key k living until now + increment, cut to the span, and
// whether it was cut. Role is nil when it is gone.
func (k *Key) Renew(
	role *Role,
	t *tenant.Tenant,
	span Span,
	increment time.Duration,
	now time.Time,
) (renewed *Key, cut bool, err error) {
	if verdict := k.standingAt(k.Newest(), t, role, now); verdict != Valid {
		return nil, false, refusal.Errorf(refusal.Invalid, "%s: the key is not renewed", verdict)
	}
	if role == nil || !role.DeletedAt.IsZero() {
		return nil, false, refusal.Errorf(
			refusal.Invalid,
			"role: %q is gone, and with it the renewal of its keys",
			k.Name,
		)
	}
	now = second(now)
	if increment <= 0 {
		increment = span.TTL
	}
	end, limit := now.Add(increment), k.CreatedAt.Add(span.Max)
	if cut = end.After(limit); cut {
		end = limit
	}
	if !end.After(now) {
		return nil, false, refusal.Errorf(
			refusal.Invalid,
			"expired: the key has lived as long as %s lets it; ask for a new one",
			span.By,
		)
	}
	c := k.edit()
	c.Versions[0].ExpiresAt = end
	c.Revision++
	return c, cut, nil
}

// End returns the leased key k after its lease is over: revoked, unless its own time has
// run out, in which case it has expired.
func (k *Key) End(now time.Time) *Key {
	if !k.Lease.EndedAt.IsZero() {
		return k
	}
	c := k.edit()
	lease := *k.Lease
	lease.EndedAt = second(now)
	c.Lease = &lease
	if !c.Versions[0].expired(now) && c.RevokedAt.IsZero() {
		c.RevokedAt, c.RevokedReason = second(now), leaseEnded
		c.record(second(now), Actor{}, "lease-end", "", "")
		return c
	}
	c.Revision++
	return c
}

// StateUnder is [Key.VersionState] with what a leased key's role has revoked since; role
// is nil for a named key.
func (k *Key) StateUnder(role *Role, v *Version, now time.Time) State {
	if k.RevokedByRole(role) && !v.Secret.Erased() {
		return Revoked
	}
	return k.VersionState(v, now)
}

// Check refuses a role whose lives contradict each other or the caps.
func (r *Role) Check(c *tenant.Config, t *tenant.Tenant) error {
	if r.TTL > r.MaxTTL {
		return refusal.Errorf(
			refusal.Invalid,
			"ttl: %s is over max_ttl %s",
			tenant.Spell(r.TTL),
			tenant.Spell(r.MaxTTL),
		)
	}
	if most, by := maxTTL(r.Kind, c, t); r.MaxTTL > most {
		return refusal.Errorf(
			refusal.Invalid,
			"max_ttl: %s is over the cap of %s set by %s",
			tenant.Spell(r.MaxTTL),
			tenant.Spell(most),
			by,
		)
	}
	if err := r.check(r.Scheme); err != nil {
		return err
	}
	return r.compatible(false)
}
