// Package apikey holds the rules for keys and their versions. The rules are pure: the time is an argument, and
// storage and Vault are unknown here. A [Key] is never changed; every operation returns a new one.
package apikey

import (
	"slices"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
)

// State is the state of a key or a version.
type State string

// The states. A key is active, disabled, revoked or deleted. A version is current, overlapping, expired,
// destroyed, disabled or revoked.
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

// Version is one secret of a key, with its own public ID.
type Version struct {
	KeyID     string
	Number    int // 1, 2, …
	Secret    secret.Bytes
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: never

	RotatedFrom, RotatedTo string // key IDs

	RevealedAt time.Time
	// who fetched the secret last, so that a retry of the same request can be recognized; records from the
	// cache have the name alone, and for leased keys the entity
	RevealedTo     Interned[Actor]
	DisabledAt     time.Time
	DisabledReason string
	RevokedAt      time.Time
	RevokedReason  string
	Marks          Interned[VersionFlags]
}

// VersionFlags are facts that are true of few versions.
type VersionFlags struct {
	ExtendedAt    time.Time // when ExpiresAt was moved later, which is allowed once
	ShortenedAt   time.Time // when somebody last moved ExpiresAt earlier
	HandedOverAt  time.Time // when the secret was first handed out sealed to the key's recipients
	SealedOnly    bool      // the reveal was sealed to a recipient's key
	Imported      bool      // the secret was made elsewhere
	ProviderKnows bool      // the provider imported it, and therefore knows the secret
}

// setFlags changes the flags of v, which must be part of an edited copy.
func (v *Version) setFlags(change func(*VersionFlags)) {
	m := v.Marks.Get()
	change(&m)
	v.Marks = Intern(m)
}

// Key is a named series of versions, or a leased key with a single one.
type Key struct {
	Ref
	UID string // the UID of the key's tenant
	Settings
	Versions []Version // oldest first; the last one is the newest
	Lease    *Lease    // nil for a named key

	CreatedAt      time.Time
	EnabledAt      time.Time // when the key was last enabled; zero: it was never disabled
	DisabledAt     time.Time
	DisabledReason string
	RevokedAt      time.Time
	RevokedReason  string
	DeletedAt      time.Time
	LastRotation   time.Time
	RotatedLate    bool      // the last rotation came after half of the overlap
	UseKnown       bool      // UsedAt is a known use, and not just an upper bound
	UsedAt         time.Time // the latest possible use, as of the last idle check or the last drop of versions
	Failed         *Failure  // of the rotation that is due; nil: no failure

	Revision int
	History  []Change // newest last; empty in records that come from the cache
}

// Failure is a failed scheduled rotation. It is immutable.
type Failure struct {
	Error   string
	Count   int       // failures in a row
	RetryAt time.Time // when the next try is due
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

// Current returns the version that signs at now, which may be disabled. It returns nil if the newest version is
// revoked or has expired; then somebody has to rotate.
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

// VersionState returns the state of v, one of k's versions. If several apply, it returns the first of revoked,
// disabled, expired.
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

// Live returns how many versions verify at now, counting disabled ones.
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

// Unrevealed reports whether nobody has fetched the version that signs.
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

// edit returns a copy of k. Its caller may change the copy until it hands it out.
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
