package apikey

import (
	"hash/fnv"
	"math"
	"time"

	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// KeptEnded is how many ended versions a record keeps. Older ones are dropped.
const KeptEnded = 20

// NextRotation returns when the schedule replaces the current version, or the zero time. It is up to a tenth of
// the overlap earlier than expiry - overlap. The key ID decides how much, so that keys made together do not
// rotate together.
func (k *Key) NextRotation() time.Time {
	v := k.Newest()
	off := !k.AutoRotate || k.Lease != nil || k.State() != Active
	if off || v.ExpiresAt.IsZero() || !v.RevokedAt.IsZero() {
		return time.Time{}
	}
	overlap := k.HeldOverlap()
	next := v.ExpiresAt.Add(-overlap - spread(v.KeyID, overlap/spreadOver)).Truncate(time.Second)
	//mutate:false "rotations that are due since before an end was moved" TestExpireOfARotatingKey
	if moved := v.Marks.Get().ShortenedAt; next.Before(moved) {
		return moved // and is not late from the start
	}
	return next
}

// HeldOverlap returns the overlap that the schedule leaves between the newest version and the next. It is at
// most half of the version's life, which a cap may have shortened since the overlap was chosen.
func (k *Key) HeldOverlap() time.Duration {
	v := k.Newest()
	if !k.AutoRotate || v.ExpiresAt.IsZero() {
		return k.Overlap
	}
	return min(k.Overlap, v.ExpiresAt.Sub(v.IssuedAt)/2)
}

// RotationDue reports whether the schedule wants a new version at now.
func (k *Key) RotationDue(now time.Time) bool {
	next := k.NextRotation()
	return !next.IsZero() && !now.Before(next) && !Waiting(k.Failed.retryAt(), now)
}

// late reports whether a rotation at now leaves holders less than half of the overlap to fetch the new secret.
func (k *Key) late(now time.Time) bool {
	next := k.NextRotation()
	return !next.IsZero() && now.After(next.Add(k.HeldOverlap()/2))
}

// RotationLate reports whether the last rotation came late, or the one that is due is late already.
func (k *Key) RotationLate(now time.Time) bool { return k.RotatedLate || k.late(now) }

// Period returns the time between scheduled rotations. Without a schedule it returns how soon to read the key
// again, because somebody may rotate it by hand. It is never 0, which Vault's operator for Kubernetes takes for
// never.
func (k *Key) Period(reread time.Duration) time.Duration {
	if !k.AutoRotate || k.TTL == 0 {
		return reread
	}
	life := k.TTL
	if v := k.Newest(); !v.ExpiresAt.IsZero() {
		life = min(life, v.ExpiresAt.Sub(v.IssuedAt))
	}
	return life - k.HeldOverlap()
}

const (
	// rotationTakes is the longest delay of a scheduled rotation: Vault calls the sweep once a minute.
	rotationTakes = 75 * time.Second
	// overdue is how soon to read again if a rotation is late.
	overdue = time.Minute
)

// FreshFor returns how long a reader may keep v before reading again: at most reread, and not beyond the next
// rotation or v's end.
func (k *Key) FreshFor(v *Version, reread time.Duration, now time.Time) time.Duration {
	fresh, next := reread, k.NextRotation()
	switch {
	case !next.IsZero() && !now.Before(next):
		fresh = min(fresh, overdue)
	case !next.IsZero():
		fresh = min(fresh, next.Add(rotationTakes).Sub(now))
	}
	//mutate:false "the end of a version, in how long to keep it" TestFreshFor
	if !v.ExpiresAt.IsZero() {
		fresh = min(fresh, v.ExpiresAt.Sub(now))
	}
	return max(tenant.LeastReread, fresh.Truncate(time.Second))
}

// rereadTakes is how much later than told a reader may read again: Vault's operator for Kubernetes sleeps once
// more for the time that it was told before.
const rereadTakes = 2 * time.Minute

// ShortOverlap reports whether a version may end while a reader that reads again when told still uses it.
// needed is the shortest overlap that prevents that.
func ShortOverlap(overlap, reread time.Duration) (needed time.Duration, short bool) {
	needed = reread + rereadTakes
	return needed, overlap < needed
}

// spreadOver is the part of the overlap, one in spreadOver, over which the rotations of keys made together are
// spread.
const spreadOver = 10

func spread(keyID string, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(keyID))
	return most / math.MaxUint32 * time.Duration(h.Sum32())
}

// Policy holds the settings, besides a key's own, that maintenance of the key depends on.
type Policy struct {
	Retention time.Duration // how long an ended secret and a deleted key are kept
	Idle      time.Duration // how long a key may go unused; 0: no limit
	Paused    bool          // the tenant is not active: nothing is rotated, and no key counts as unused
	Resumed   time.Time     // when it became active again; zero: it always was
}

// Policy returns the policy for k under today's settings.
func (k *Key) Policy(c *tenant.Config, t *tenant.Tenant) Policy {
	return Policy{
		Retention: c.Retention, Idle: tenant.Strictest(t.IdleDisableAfter(c), k.Rules.Get().IdleDisableAfter),
		Paused: t.State() != tenant.Active, Resumed: t.ResumedAt,
	}
}

// RotateAt returns when the schedule rotates the key, or tries again. The zero time means never.
func (k *Key) RotateAt(p Policy) time.Time {
	next := k.NextRotation()
	if p.Paused || next.IsZero() {
		return time.Time{}
	}
	if at := k.Failed.retryAt(); at.After(next) {
		return at
	}
	return next
}

// ChoreAt returns when the key next needs maintenance other than a rotation: erasing an ended version's secret,
// destroying a deleted key or an ended leased one, or an idle check. The zero time means never.
func (k *Key) ChoreAt(p Policy) time.Time {
	due := time.Time{}
	for _, at := range []time.Time{k.GoneAt(p.Retention), k.idleCheckAt(p)} {
		if !at.IsZero() {
			due = earlier(due, at)
		}
	}
	for i := range k.Versions {
		if at := k.eraseAt(&k.Versions[i], p.Retention); !at.IsZero() {
			due = earlier(due, at)
		}
	}
	return due
}

// DueAt returns when the key next needs maintenance: a rotation or a chore. The zero time means never.
func (k *Key) DueAt(p Policy) time.Time {
	due := k.ChoreAt(p)
	if at := k.RotateAt(p); !at.IsZero() {
		due = earlier(due, at)
	}
	return due
}

// leaseTail is how long the record of an ended leased key is kept, so that the key is not unknown at once.
// Together with the sweep that follows, it stays within an hour.
const leaseTail = 50 * time.Minute

// GoneAt returns when the whole record will be destroyed, or the zero time.
func (k *Key) GoneAt(retention time.Duration) time.Time {
	switch {
	case k.Lease != nil && !k.Lease.EndedAt.IsZero():
		return k.Lease.EndedAt.Add(leaseTail)
	case !k.DeletedAt.IsZero():
		return k.DeletedAt.Add(retention)
	default:
		return time.Time{}
	}
}

// Gone reports whether the record is due for destruction at now.
func (k *Key) Gone(retention time.Duration, now time.Time) bool {
	at := k.GoneAt(retention)
	return !at.IsZero() && !now.Before(at)
}

// LeaseOverdue reports whether k is a leased key whose lease must have ended long ago, although Vault has not
// said so.
func (k *Key) LeaseOverdue(now time.Time) bool {
	const patience = time.Hour // Vault retries a failed revocation for a while
	return k.Lease != nil && k.Newest().expired(now.Add(-patience))
}

// eraseAt returns when v's secret is due for erasure: retention after its end. The end of a version that has
// not ended yet is its expiry.
func (k *Key) eraseAt(v *Version, retention time.Duration) time.Time {
	if v.Secret.Erased() || k.Lease != nil {
		return time.Time{}
	}
	if end := v.endedAt(k, v.ExpiresAt); !end.IsZero() {
		return end.Add(retention)
	}
	return time.Time{}
}

// Erase returns k without the secrets whose retention has passed at now. It returns k itself if there is none.
func (k *Key) Erase(retention time.Duration, now time.Time) *Key {
	var c *Key
	for i := range k.Versions {
		if at := k.eraseAt(&k.Versions[i], retention); !at.IsZero() && !now.Before(at) {
			if c == nil {
				c = k.edit()
			}
			c.Versions[i].Secret = secret.Bytes{}
		}
	}
	if c == nil {
		return k
	}
	c.Revision++
	return c
}

// trim drops the oldest ended versions over [KeptEnded], and keeps what seen knows of their uses.
func (k *Key) trim(seen UsageKnown, now time.Time) {
	over := -KeptEnded
	for i := range k.Versions {
		if !k.Versions[i].endedAt(k, now).IsZero() {
			over++
		}
	}
	if over <= 0 {
		return
	}
	var kept, dropped []Version
	for i := range k.Versions {
		if v := &k.Versions[i]; len(dropped) < over && !v.endedAt(k, now).IsZero() {
			dropped = append(dropped, *v)
		} else {
			kept = append(kept, *v)
		}
	}
	k.dropped(dropped, seen, now)
	k.Versions = kept
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
