package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
)

// New returns a key with one fresh version. The settings must have been resolved; times
// are whole seconds in UTC.
func New(ref Ref, uid string, s Settings, keyID string, by Actor, now time.Time) *Key {
	now = second(now)
	k := &Key{Ref: ref, UID: uid, Settings: s, CreatedAt: now}
	k.Versions = []Version{k.fresh(keyID, 1, s.TTL, now)}
	k.record(now, by, "create", keyID, "")
	return k
}

func (k *Key) fresh(keyID string, number int, life time.Duration, now time.Time) Version {
	v := Version{KeyID: keyID, Number: number, Secret: secret.Random(), IssuedAt: now}
	if life > 0 {
		v.ExpiresAt = k.lifeEnd(life, now)
	}
	return v
}

// Change returns k with new settings, already resolved. Versions keep their clocks.
func (k *Key) Change(s Settings, by Actor, now time.Time) (*Key, error) {
	if err := k.writable(); err != nil {
		return nil, err
	}
	if s.Scheme != k.Scheme {
		return nil, refusal.Errorf(refusal.Invalid,
			"scheme: cannot change, it is %s for good; make a new key for another scheme", k.Scheme)
	}
	c := k.edit()
	c.Settings = s
	if err := c.CheckCompat(k); err != nil {
		return nil, err
	}
	if !s.AutoRotate {
		c.Failed = nil
	}
	c.record(second(now), by, "change", "", "")
	return c, nil
}

// Rotation says how a key is rotated.
type Rotation struct {
	NewKeyID     string
	CurrentKeyID string        // when given, the newest version's, or somebody was faster
	Overlap      time.Duration // how long older versions go on verifying; 0 ends them now
	Life         time.Duration // of the new version; 0 is no expiry
	MaxLive      int           // how many versions may be live afterwards; 0 is no limit
	Reason       string        // kept in the history
	Seen         UsageKnown    // matters where the key is [Key.Full]

	OverlapGiven bool          // it was asked for, and is the most; or else it is the key's own
	LeastOverlap time.Duration // that a window leaves when it cuts Overlap: see [LeastOverlap]
}

// Rotate returns k with a new current version. Older versions end at the earlier of
// their own expiry and now + overlap. A window cuts that back where half of the overlap and
// LeastOverlap stay; and the key's own overlap leaves an end alone that comes after it by no
// more than the schedule's spread. A CurrentKeyID that is not the newest version's is
// a conflict that names the current one.
func (k *Key) Rotate(r Rotation, by Actor, now time.Time) (*Key, error) {
	if err := k.writable(); err != nil {
		return nil, err
	}
	newest := k.Newest()
	if r.CurrentKeyID != "" && r.CurrentKeyID != newest.KeyID {
		return nil, refusal.Errorf(
			refusal.Conflict,
			"current_key_id: it is %s now; the key has been rotated already",
			newest.KeyID,
		)
	}
	now = second(now)
	c := k.edit()
	c.endOlder(&r, now)
	if live := c.Live(now); r.MaxLive > 0 && live+1 > r.MaxLive {
		return nil, refusal.Errorf(
			refusal.Invalid,
			"max_versions: %d versions of this key would stay live beside the new one and %d is the most; "+
				"revoke one, or rotate with a shorter overlap",
			live,
			r.MaxLive,
		)
	}
	v := k.fresh(r.NewKeyID, newest.Number+1, r.Life, now)
	v.RotatedFrom = newest.KeyID
	c.Newest().RotatedTo = r.NewKeyID
	c.Versions = append(c.Versions, v)
	c.trim(r.Seen, now)
	c.LastRotation, c.RotatedLate, c.Failed = now, false, nil
	c.record(now, by, "rotate", r.NewKeyID, r.Reason)
	return c, nil
}

// Disable returns k disabled as a whole, or one version of it. What is disabled already
// stays as it is, but for a reason where it has none.
func (k *Key) Disable(keyID, reason string, by Actor, now time.Time) (*Key, error) {
	c, at, why, err := k.toggle(keyID)
	if err != nil {
		return nil, err
	}
	if !end(at, why, reason, now) {
		return k, nil
	}
	c.record(second(now), by, "disable", keyID, reason)
	return c, nil
}

// end notes that something was ended now, or why, where that was ended without a reason. It
// reports whether that changes anything: the first time and the first reason stand.
func end(at *time.Time, why *string, reason string, now time.Time) bool {
	switch {
	case at.IsZero():
		*at, *why = second(now), reason
	case reason != "" && *why == "":
		*why = reason
	default:
		return false
	}
	return true
}

// Enable undoes [Key.Disable].
func (k *Key) Enable(keyID string, by Actor, now time.Time) (*Key, error) {
	c, at, why, err := k.toggle(keyID)
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		return k, nil
	}
	*at, *why = time.Time{}, ""
	if keyID == "" {
		c.EnabledAt = second(now)
	}
	c.record(second(now), by, "enable", keyID, "")
	return c, nil
}

// toggle returns an edited copy of k and where in it the disabling of the whole key, or
// of one version, is kept.
func (k *Key) toggle(keyID string) (c *Key, at *time.Time, why *string, err error) {
	if err := k.writable(); err != nil {
		return nil, nil, nil, err
	}
	c = k.edit()
	if keyID == "" {
		return c, &c.DisabledAt, &c.DisabledReason, nil
	}
	v, err := c.pick(keyID)
	if err != nil {
		return nil, nil, nil, err
	}
	if !v.RevokedAt.IsZero() {
		return nil, nil, nil, refusal.Errorf(refusal.Invalid, "revoked: version %s is revoked for good", keyID)
	}
	return c, &v.DisabledAt, &v.DisabledReason, nil
}

// Revoke returns k revoked for good, or one version of it. It works in every state, also
// on a deleted key, and keeps the first time and the first reason when repeated.
func (k *Key) Revoke(keyID, reason string, by Actor, now time.Time) (*Key, error) {
	c := k.edit()
	at, why := &c.RevokedAt, &c.RevokedReason
	if keyID != "" {
		v, err := c.pick(keyID)
		if err != nil {
			return nil, err
		}
		at, why = &v.RevokedAt, &v.RevokedReason
	}
	if !end(at, why, reason, now) {
		return k, nil
	}
	c.record(second(now), by, "revoke", keyID, reason)
	return c, nil
}

// WhyDisabled returns the reason that is kept for the disabling of the whole key, or of one
// version of it; "" where there is none.
func (k *Key) WhyDisabled(keyID string) string {
	if v := k.Version(keyID); v != nil {
		return v.DisabledReason
	}
	return k.DisabledReason
}

// WhyRevoked is as [Key.WhyDisabled], for a revocation.
func (k *Key) WhyRevoked(keyID string) string {
	if v := k.Version(keyID); v != nil {
		return v.RevokedReason
	}
	return k.RevokedReason
}

// Reason returns why the key as a whole is revoked, or else disabled; "" where nobody said why, or it is neither.
func (k *Key) Reason() string {
	//mutate:false "reasons of what is revoked" TestReasons
	if !k.RevokedAt.IsZero() {
		return k.RevokedReason
	}
	return k.DisabledReason
}

// VersionReason is as [Key.Reason], for v, one of k's versions; "" where it is revoked with the key.
func (k *Key) VersionReason(v *Version) string {
	//mutate:false:1 "reasons of versions that are revoked" TestReasons
	//mutate:false:2 "reasons of versions of keys that are revoked" TestReasons
	if !v.RevokedAt.IsZero() || !k.RevokedAt.IsZero() {
		return v.RevokedReason
	}
	return v.DisabledReason
}

// Delete returns k marked deleted: it verifies as disabled and keeps its name until it
// is destroyed.
func (k *Key) Delete(by Actor, now time.Time) (*Key, error) {
	if !k.DeletedAt.IsZero() {
		return k, nil
	}
	if k.DeletionProtected {
		return nil, refusal.Errorf(refusal.Invalid, "deletion_protected: set it to false first")
	}
	c := k.edit()
	c.DeletedAt = second(now)
	c.record(c.DeletedAt, by, "delete", "", "")
	return c, nil
}

// Restore undoes a delete within the retention. The key comes back disabled, and no
// clock has stood still.
func (k *Key) Restore(retention time.Duration, by Actor, now time.Time) (*Key, error) {
	if k.DeletedAt.IsZero() {
		return k, nil
	}
	//mutate:false "the time to restore a key" TestRestoreEndsWithTheRetention
	if !now.Before(k.DeletedAt.Add(retention)) {
		return nil, refusal.Errorf(refusal.Invalid, "deleted: the time to restore it ended at %s",
			k.DeletedAt.Add(retention).Format(time.RFC3339))
	}
	c := k.edit()
	c.DeletedAt = time.Time{}
	if c.DisabledAt.IsZero() {
		c.DisabledAt, c.DisabledReason = second(now), "restored"
	}
	c.record(second(now), by, "restore", "", "")
	return c, nil
}

// writable refuses what a deleted or revoked key does not take any more.
func (k *Key) writable() error {
	switch {
	case !k.DeletedAt.IsZero():
		return refusal.Errorf(refusal.Invalid, "deleted: restore the key first")
	case !k.RevokedAt.IsZero():
		return refusal.Errorf(refusal.Invalid, "revoked: the key is revoked for good; make a new one")
	default:
		return nil
	}
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
