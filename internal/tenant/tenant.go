package tenant

import (
	"crypto/rand"
	"errors"
	"math"
	"strconv"
	"time"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Caps are limits that the provider sets for a tenant, or the tenant for itself. Zero means not set.
type Caps struct {
	MaxKeys      int
	MaxLeased    int
	MaxVersions  int
	MaxTTL       time.Duration
	WindowPast   time.Duration
	WindowFuture time.Duration
	IdleAfter    time.Duration // keys unused for so long are disabled
	LocalVerify  Consent       // whether gateways may fetch the tenant's keys and verify locally
	// path globs; calls of external keys must match the mount's, these and the tenant's own
	Published match.Globs
}

// Consent is yes, no or not set.
type Consent int8

// The values of Consent.
const (
	Unsaid Consent = 0
	Yes    Consent = 1
	No     Consent = -1
)

// State is the state of a tenant.
type State string

// The states of a tenant.
const (
	Active    State = "active"
	Suspended State = "suspended"
	Deleted   State = "deleted"
)

// Tenant is one tenant's record. It is immutable: changes are made to a copy.
type Tenant struct {
	Name        Name
	UID         string // random; every record of the tenant carries it
	DisplayName string
	Provider    Caps // set by the provider's administrator
	Own         Caps // set by the tenant; can only be tighter
	CreatedAt   time.Time

	SuspendedBy     string // entity ID
	SuspendedByName string // for the provider's eyes
	SuspendedAt     time.Time
	SuspendedReason string
	ResumedAt       time.Time // when it became active again; zero: it always was
	DeletedAt       time.Time
	ErasedSince     time.Time // when the erasure of its keys began; from then on it cannot be restored

	Revision int
}

// New returns a fresh active tenant with a random UID.
func New(name Name, now time.Time) *Tenant {
	return &Tenant{Name: name, UID: rand.Text(), CreatedAt: now}
}

// State returns the tenant's state. Deleted outranks suspended.
func (t *Tenant) State() State {
	switch {
	case !t.DeletedAt.IsZero():
		return Deleted
	case !t.SuspendedAt.IsZero():
		return Suspended
	default:
		return Active
	}
}

// Caps returns the limits that apply to the tenant: the tighter of its own and the provider's. Where the
// provider sets none, the mount's apply.
func (t *Tenant) Caps(c *Config) Caps {
	p := t.ProviderCaps(c)
	return Caps{
		MaxKeys:      tighter(p.MaxKeys, t.Own.MaxKeys),
		MaxLeased:    tighter(p.MaxLeased, t.Own.MaxLeased),
		MaxVersions:  tighter(p.MaxVersions, t.Own.MaxVersions),
		MaxTTL:       tighter(p.MaxTTL, t.Own.MaxTTL),
		WindowPast:   tighter(p.WindowPast, t.Own.WindowPast),
		WindowFuture: tighter(p.WindowFuture, t.Own.WindowFuture),
		IdleAfter:    Strictest(p.IdleAfter, t.Own.IdleAfter),
		LocalVerify:  t.localVerify(c),
		Published:    or(t.Own.Published, p.Published),
	}
}

// ProviderCaps returns the provider's limits for the tenant. Where the provider sets none, the mount's apply.
// The provider cannot raise the mount's longest life.
func (t *Tenant) ProviderCaps(c *Config) Caps {
	longest := max(c.Internal.MaxTTL, c.External.MaxTTL)
	return Caps{
		MaxKeys:      or(t.Provider.MaxKeys, c.MaxKeys),
		MaxLeased:    or(t.Provider.MaxLeased, c.MaxLeased),
		MaxVersions:  or(t.Provider.MaxVersions, c.MaxVersions),
		MaxTTL:       min(or(t.Provider.MaxTTL, longest), longest),
		WindowPast:   or(t.Provider.WindowPast, c.WindowPast),
		WindowFuture: or(t.Provider.WindowFuture, c.WindowFuture),
		IdleAfter:    or(t.Provider.IdleAfter, c.IdleAfter),
		LocalVerify:  t.Provider.LocalVerify,
		Published:    or(t.Provider.Published, c.External.Published),
	}
}

// localVerify returns Yes if the mount allows it, the provider or the tenant says yes, and neither says no.
func (t *Tenant) localVerify(c *Config) Consent {
	provider, own := t.Provider.LocalVerify, t.Own.LocalVerify
	//mutate:true:2 "a provider who has said no to local verification" TestLocalVerify
	if c.LocalVerify && provider != No && own != No && (provider == Yes || own == Yes) {
		return Yes
	}
	return No
}

// CheckOwn refuses own limits that are looser than the provider's, unless they are unchanged. A limit that the
// provider has lowered since does not block changes of other limits.
func (t *Tenant) CheckOwn(before Caps, c *Config) error {
	own, p := t.Own, t.ProviderCaps(c)
	if own.LocalVerify == Yes && p.LocalVerify == No && before.LocalVerify != Yes {
		return refusal.Errorf(
			refusal.Invalid,
			"allow_local_verify: a tenant may only tighten its limits, and the provider has said no",
		)
	}
	return errors.Join(
		tightens("max_keys", own.MaxKeys, before.MaxKeys, p.MaxKeys, strconv.Itoa),
		tightens("max_leased", own.MaxLeased, before.MaxLeased, p.MaxLeased, strconv.Itoa),
		tightens("max_versions", own.MaxVersions, before.MaxVersions, p.MaxVersions, strconv.Itoa),
		tightens("max_ttl", own.MaxTTL, before.MaxTTL, p.MaxTTL, Spell),
		tightens("window_past", own.WindowPast, before.WindowPast, p.WindowPast, Spell),
		tightens("window_future", own.WindowFuture, before.WindowFuture, p.WindowFuture, Spell),
		tightens("idle_disable_after", own.IdleAfter, before.IdleAfter, or(p.IdleAfter, math.MaxInt64), Spell),
	)
}

func tightens[T int | time.Duration](name string, own, before, most T, spell func(T) string) error {
	if own <= most || own == before {
		return nil
	}
	return refusal.Errorf(
		refusal.Invalid,
		"%s: a tenant may only tighten its limits, and the provider's is %s",
		name,
		spell(most),
	)
}

// IdleDisableAfter returns how long the tenant's keys may go unused, or 0 for no limit.
func (t *Tenant) IdleDisableAfter(c *Config) time.Duration { return t.Caps(c).IdleAfter }

// Strictest returns the shortest of the times that are not 0, or 0 if all are.
func Strictest(all ...time.Duration) time.Duration {
	least := time.Duration(0)
	for _, d := range all {
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}

// DueAt returns when the tenant next needs maintenance: its erasure, or a check of what its keys missed while
// it was not active. The zero time means never.
func (t *Tenant) DueAt(retention time.Duration) time.Time {
	if t.State() == Deleted {
		return t.DeletedAt.Add(retention)
	}
	return t.ResumedAt
}

// Gone reports whether everything of the tenant is due for erasure at now.
func (t *Tenant) Gone(retention time.Duration, now time.Time) bool {
	return !t.ErasedSince.IsZero() || t.State() == Deleted && !now.Before(t.DeletedAt.Add(retention))
}

func or[T comparable](set, otherwise T) T {
	var none T
	if set == none {
		return otherwise
	}
	return set
}

func tighter[T int | time.Duration](provider, own T) T {
	if own == 0 {
		return provider
	}
	return min(provider, own)
}
