// Package apikey is the core: keys, their versions and what may happen to them. It is
// pure: the time is an argument, storage and Vault are unknown here, and a [Key] never
// changes: every operation returns a new one.
package apikey

import (
	"slices"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
)

// State is where a key or a version stands.
type State string

// The states. A key is active, disabled, revoked or deleted; a version is anything but
// active and deleted.
const (
	Active      State = "active"
	Current     State = "current"
	Overlapping State = "overlapping"
	Disabled    State = "disabled"
	Expired     State = "expired"
	Revoked     State = "revoked"
	Destroyed   State = "destroyed"
	Deleted     State = "deleted"
)

// Version is one secret of a key with a public ID of its own.
type Version struct {
	KeyID     string
	Number    int // 1, 2, …
	Secret    secret.Bytes
	IssuedAt  time.Time
	ExpiresAt time.Time // the version's one clock; zero: no expiry

	RotatedFrom, RotatedTo string // key IDs

	RevealedAt time.Time
	// who took the secret last, for a retry of that very request; in records from the cache only of leased keys, and
	// then the entity alone
	RevealedTo     *Actor
	DisabledAt     time.Time
	DisabledReason string
	RevokedAt      time.Time
	RevokedReason  string
	Marks          Interned[VersionFlags]
}

// VersionFlags are what has happened to few versions.
type VersionFlags struct {
	ExtendedAt    time.Time // when ExpiresAt was moved later, which happens once
	HandedOverAt  time.Time // when the secret was first given out sealed to the key's recipients
	SealedOnly    bool      // when it was revealed, it was to a recipient's key
	Imported      bool      // the secret was made elsewhere
	ProviderKnows bool      // and by the provider, who has not forgotten it
}

// setFlags changes what is noted of v, which must be of an edited copy.
func (v *Version) setFlags(change func(*VersionFlags)) {
	m := v.Marks.Get()
	change(&m)
	v.Marks = Intern(m)
}

// Key is a named series of versions, or a leased key with a single one.
type Key struct {
	Ref
	UID string // of the tenant it was made under
	Settings
	Versions []Version // oldest first; the last one is the newest
	Lease    *Lease    // nil for a named key

	CreatedAt      time.Time
	EnabledAt      time.Time // when it was last switched on again; zero: never off
	DisabledAt     time.Time
	DisabledReason string
	RevokedAt      time.Time
	RevokedReason  string
	DeletedAt      time.Time
	LastRotation   time.Time
	RotatedLate    bool      // that one came when half of the overlap had passed
	UseKnown       bool      // UsedAt is when a version was used, and not only a time after which none was
	UsedAt         time.Time // the last use that there may have been, as of the last look or the last drop of versions
	Failed         *Failure  // of the rotation that is due; nil: it has not failed

	Revision int
	History  []Change // newest last; empty in records that come from the cache
}

// Failure is how rotating by schedule has gone wrong. It is immutable.
type Failure struct {
	Error   string
	Count   int       // in a row
	RetryAt time.Time // when it is tried again
}

// State returns the state of the key as a whole.
func (k *Key) State() State {
	switch {
	case !k.DeletedAt.IsZero():
		return Deleted
	case !k.RevokedAt.IsZero():
		return Revoked
	case !k.DisabledAt.IsZero():
		return Disabled
	default:
		return Active
	}
}

// Newest returns the version made last.
func (k *Key) Newest() *Version { return &k.Versions[len(k.Versions)-1] }

// Current returns the version that signs at now, or nil: there is none after it was
// revoked or has expired, until somebody rotates. It may be disabled.
func (k *Key) Current(now time.Time) *Version {
	v := k.Newest()
	if !v.RevokedAt.IsZero() || v.expired(now) || !k.RevokedAt.IsZero() {
		return nil
	}
	return v
}

// Version returns the version with the given key ID, or nil.
func (k *Key) Version(keyID string) *Version {
	for i := range k.Versions {
		if k.Versions[i].KeyID == keyID {
			return &k.Versions[i]
		}
	}
	return nil
}

// VersionState returns the state of v, one of k's versions. Where several apply, the one
// judged first shows: revoked, disabled, expired.
func (k *Key) VersionState(v *Version, now time.Time) State {
	switch {
	case v.Secret.Erased():
		return Destroyed
	case !v.RevokedAt.IsZero() || !k.RevokedAt.IsZero():
		return Revoked
	case !v.DisabledAt.IsZero() || !k.DisabledAt.IsZero() || !k.DeletedAt.IsZero():
		return Disabled
	case v.expired(now):
		return Expired
	case v == k.Newest():
		return Current
	default:
		return Overlapping
	}
}

// Live returns how many versions still verify, or would but for being disabled.
func (k *Key) Live(now time.Time) int {
	n := 0
	for i := range k.Versions {
		v := &k.Versions[i]
		if v.RevokedAt.IsZero() && !v.expired(now) && !v.Secret.Erased() {
			n++
		}
	}
	return n
}

// Unrevealed reports whether the version that signs has reached nobody.
func (k *Key) Unrevealed(now time.Time) bool {
	v := k.Current(now)
	return v != nil && v.RevealedAt.IsZero() && v.Marks.Get().HandedOverAt.IsZero()
}

// expired is exact to the second: at ExpiresAt the version has ended.
func (v *Version) expired(now time.Time) bool {
	return !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt)
}

// endedAt returns when v stopped verifying for good, or the zero time.
func (v *Version) endedAt(k *Key, now time.Time) time.Time {
	ended := time.Time{}
	for _, at := range []time.Time{v.RevokedAt, k.RevokedAt} {
		if !at.IsZero() && (ended.IsZero() || at.Before(ended)) {
			ended = at
		}
	}
	if v.expired(now) && (ended.IsZero() || v.ExpiresAt.Before(ended)) {
		ended = v.ExpiresAt
	}
	return ended
}

// edit returns a copy of k that may be changed until it is handed out.
func (k *Key) edit() *Key {
	c := *k
	c.Versions = slices.Clone(k.Versions)
	c.History = slices.Clone(k.History)
	return &c
}

// pick returns the version with the key ID, or a refusal.
func (k *Key) pick(keyID string) (*Version, error) {
	if v := k.Version(keyID); v != nil && !v.Secret.Erased() {
		return v, nil
	}
	return nil, refusal.Errorf(refusal.NotFound, "key_id: key %q has no such version", k.Name)
}
