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
	k.Versions = []Version{fresh(keyID, 1, s.TTL, s.Rules.Get().Window, now)}
	k.record(now, by, "create", keyID, "")
	return k
}

func fresh(keyID string, number int, life time.Duration, window Window, now time.Time) Version {
	v := Version{KeyID: keyID, Number: number, Secret: secret.Random(), IssuedAt: now}
	if life > 0 {
		v.ExpiresAt = window.Cut(now, now.Add(life))
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
}

// Rotate returns k with a new current version. Older versions end at the earlier of
// their own expiry and now + overlap. A CurrentKeyID that is not the newest version's is
// a conflict that names the current one.
func (k *Key) Rotate(r Rotation, by Actor, now time.Time) (*Key, error) {
	if err := k.writable(); err != nil {
		return nil, err
	}
	newest := k.Newest()
	if r.CurrentKeyID != "" && r.CurrentKeyID != newest.KeyID {
		return nil, refusal.Errorf(refusal.Conflict, "current_key_id: it is %s now; the key has been rotated already", newest.KeyID)
	}
	now = second(now)
	c := k.edit()
	c.endBy(k.Window().Cut(now, now.Add(r.Overlap)))
	if live := c.Live(now); r.MaxLive > 0 && live+1 > r.MaxLive {
		return nil, refusal.Errorf(refusal.Invalid, "max_versions: %d versions of this key would stay live beside the new one and %d is the most; "+
			"revoke one, or rotate with a shorter overlap", live, r.MaxLive)
	}
	v := fresh(r.NewKeyID, newest.Number+1, r.Life, k.Window(), now)
	v.RotatedFrom = newest.KeyID
	c.Newest().RotatedTo = r.NewKeyID
	c.Versions = append(c.Versions, v)
	c.LastRotation, c.RotatedLate, c.Failed = now, false, nil
	c.trim(now)
	c.record(now, by, "rotate", r.NewKeyID, r.Reason)
	return c, nil
}

// endBy moves every version's end to at, if it lies later.
func (k *Key) endBy(at time.Time) {
	for i := range k.Versions {
		v := &k.Versions[i]
		if v.ExpiresAt.IsZero() || v.ExpiresAt.After(at) {
			v.ExpiresAt = at
		}
	}
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
