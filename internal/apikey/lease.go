package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// Lease holds what only leased keys have.
type Lease struct {
	Epoch   int       // the role's epoch when the key was issued
	EndedAt time.Time // when Vault said that the lease had ended
}

// Role is the template of leased keys.
type Role struct {
	Tenant tenant.Name
	Kind   Kind
	Name   Name
	UID    string // the UID of the role's tenant

	Description string
	Owner       string // who is responsible for the role's keys
	Scheme      signing.Scheme
	TTL         time.Duration
	MaxTTL      time.Duration
	MaxLeased   int // how many of its keys may live; 0: as many as the tenant may have
	Replay      bool
	Metadata    Pairs
	Limits

	// Epoch counts how often the role has revoked all its keys. A key of an earlier epoch is revoked. A count
	// is exact even if clocks are not. RevokedBefore is the time of the last revocation, and Reasons are the
	// reasons.
	Epoch         int
	RevokedBefore time.Time
	Reasons       Interned[Reasons]
	CreatedAt     time.Time
	DeletedAt     time.Time // a deleted role is kept as a marker, because its epoch is still needed
	Revision      int
}

// Span is how long a leased key may live.
type Span struct {
	TTL time.Duration // the first lease, and each renewal that names no increment
	Max time.Duration // from issue, renewals included
	By  string        // the cap that sets Max
}

// Span returns how long the role's keys live under the caps of today. mount is the mount's longest lease.
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

// Issue returns a new leased key of the role. The issue itself counts as the reveal.
func (r *Role) Issue(keyID string, span Span, by Actor, now time.Time) *Key {
	s := Settings{
		OverlapFrom: OverlapUnknown,
		Description: r.Description, Owner: r.Owner, Metadata: r.Metadata, Scheme: r.Scheme, TTL: span.TTL,
		Reveal: RevealNever, Replay: r.Replay, Rules: Intern(Rules{Limits: r.Limits}),
	}
	k := New(Ref{Tenant: r.Tenant, Kind: r.Kind, Name: r.Name}, r.UID, s, keyID, by, now)
	k.Versions[0].RevealedAt, k.Versions[0].RevealedTo = k.CreatedAt, Intern(by.as(""))
	k.Lease = &Lease{Epoch: r.Epoch}
	return k
}

// Renew returns the leased key k with its end moved to now + increment, but not beyond the span. cut reports
// that the increment was shortened. role is nil if the role is gone.
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

// End returns the leased key k after its lease has ended. The key is revoked, unless it has expired already.
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

// StateUnder is like [Key.VersionState], but includes what a leased key's role has revoked. role is nil for a
// named key.
func (k *Key) StateUnder(role *Role, v *Version, now time.Time) State {
	if k.RevokedByRole(role) && !v.Secret.Erased() {
		return Revoked
	}
	return k.VersionState(v, now)
}

// Check refuses a role whose ttl and max_ttl contradict each other or the caps.
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

// CheckMaxLeased refuses a role that may have more leased keys than its tenant.
func (r *Role) CheckMaxLeased(most int) error {
	if r.MaxLeased > most {
		return refusal.Errorf(
			refusal.Invalid,
			"max_leased: %d is over the %d leased keys that the tenant may have",
			r.MaxLeased,
			most,
		)
	}
	return nil
}
