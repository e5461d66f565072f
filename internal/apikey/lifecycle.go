package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/secret"
)

// New returns a key with one new version. The settings must have been resolved, and their date checked. Times are
// whole seconds in UTC.
func New(ref Ref, uid string, s Settings, keyID string, by Actor, now time.Time) *Key {
	now = second(now)
	k := &Key{Ref: ref, UID: uid, Settings: s, CreatedAt: now}
	k.Versions = []Version{k.fresh(keyID, 1, s.FirstLife(now), now)}
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

// Change returns k with new settings, which must have been resolved. The versions keep their ends.
func (k *Key) Change(s Settings, by Actor, now time.Time) (*Key, error) {
	if err := k.writable(); err != nil {
		return nil, err
	}
	if s.Scheme != k.Scheme {
		return nil, refusal.Errorf(refusal.Invalid,
			"scheme: cannot change, it is %s for good; make a new key for another scheme", k.Scheme)
	}
	//mutate:false "another date" TestDatesStay
	if err := k.keepsDate(&s); err != nil {
		return nil, err
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

// keepsDate refuses another date than k was made with.
func (k *Key) keepsDate(s *Settings) error {
	const instead = "expire ends a version earlier, and extend lets one live longer"
	date := k.Date.Get()
	switch {
	case s.Date == k.Date:
		return nil
	case date.IsZero():
		return refusal.Errorf(refusal.Invalid, "expires_at: is taken when a key is made; afterwards %s", instead)
	default:
		return refusal.Errorf(
			refusal.Invalid, "expires_at: cannot change, it is %s as given when the key was made; %s",
			date.Format(time.RFC3339), instead,
		)
	}
}

// Rotation says how a key is rotated.
type Rotation struct {
	NewKeyID     string
	CurrentKeyID string        // if given, it must be the newest version's ID; otherwise somebody else rotated first
	Overlap      time.Duration // how long older versions keep verifying; 0 ends them now
	Life         time.Duration // of the new version; 0: no expiry
	MaxLive      int           // how many versions may be live afterwards; 0: no limit
	Reason       string        // kept in the history
	Seen         UsageKnown    // only needed if the key is [Key.Full]

	OverlapGiven bool          // the caller chose Overlap, so it is not exceeded; otherwise it is the key's setting
	LeastOverlap time.Duration // the shortest overlap that a window may leave: see [LeastOverlap]
}

// Rotate returns k with a new current version. Older versions end at now + overlap, or at their own expiry if
// that is earlier. An expiry window may move that end earlier, but leaves half of the overlap and LeastOverlap.
// With the key's own overlap, an older version that ends within the schedule's spread after that time keeps its
// end. If CurrentKeyID is not the newest version's ID, Rotate refuses with a conflict that names the newest
// one.
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

// Disable returns k disabled as a whole, or one version of it. Repeating it changes nothing, except that it
// adds a reason if there is none.
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

// end sets the time at which something was ended, and the reason. A time or a reason that is already set stays.
// It reports whether anything changed.
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

// toggle returns an edited copy of k, and pointers into it to the time and reason of the disabling: of the
// whole key, or of one version.
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

// Revoke returns k revoked for good, or one version of it. It works in every state, also on a deleted key.
// Repeating it keeps the first time and the first reason.
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

// WhyDisabled returns why the whole key, or one version of it, was disabled; "" if there is no reason.
func (k *Key) WhyDisabled(keyID string) string {
	if v := k.Version(keyID); v != nil {
		return v.DisabledReason
	}
	return k.DisabledReason
}

// WhyRevoked is like [Key.WhyDisabled], for a revocation.
func (k *Key) WhyRevoked(keyID string) string {
	if v := k.Version(keyID); v != nil {
		return v.RevokedReason
	}
	return k.RevokedReason
}

// Reason returns why the key as a whole is revoked, or else why it is disabled; "" if no reason was given or it
// is neither.
func (k *Key) Reason() string {
	//mutate:false "reasons of what is revoked" TestReasons
	if !k.RevokedAt.IsZero() {
		return k.RevokedReason
	}
	return k.DisabledReason
}

// VersionReason is like [Key.Reason], for v, one of k's versions. It returns "" if v is revoked only because
// the whole key is.
func (k *Key) VersionReason(v *Version) string {
	//mutate:false:1 "reasons of versions that are revoked" TestReasons
	//mutate:false:2 "reasons of versions of keys that are revoked" TestReasons
	if !v.RevokedAt.IsZero() || !k.RevokedAt.IsZero() {
		return v.RevokedReason
	}
	return v.DisabledReason
}

// Delete returns k marked as deleted. It verifies as disabled, and its name stays taken until the key is
// destroyed.
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

// Restore undoes a delete within the retention. The key comes back disabled, and its versions keep their ends.
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

// writable refuses changes of a deleted or revoked key.
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
