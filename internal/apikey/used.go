package apikey

import (
	"fmt"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// UsageKnown is what is known of the last use of any version of a key. The zero value: nothing is known.
type UsageKnown struct {
	Known bool
	At    time.Time // the latest possible use; zero: none
	Last  time.Time // the last known use; zero: none
}

// Full reports whether a rotation of k may drop versions, and what is known of their uses with them. Such a
// rotation needs [Rotation.Seen].
func (k *Key) Full() bool { return len(k.Versions) > KeptEnded }

// dropped updates k's last use when versions are dropped. k must be an edited copy. An unknown use cannot be
// later than the version's end.
func (k *Key) dropped(versions []Version, seen UsageKnown, now time.Time) {
	// If no version was used, the time at which the key was made marks the uses as known.
	used := latest(k.CreatedAt, k.droppedUse())
	//mutate:false "uses that are dropped and known" TestUsesOfDroppedVersions
	if seen.Known {
		k.noteUse(latest(used, seen.At), seen.Last)
		return
	}
	for i := range versions {
		//mutate:skip "uses that are dropped and not known" TestUsesOfDroppedVersions
		used = latest(used, versions[i].endedAt(k, now))
	}
	k.noteUse(used, time.Time{})
}

// noteUse sets k's latest possible use. k must be an edited copy. It also notes whether that is a known use:
// last, or the one noted before. Uses are known to the minute.
func (k *Key) noteUse(at, last time.Time) {
	at = second(at)
	before := k.UseKnown && at.Equal(k.UsedAt)
	//mutate:true:2 "times that are no use" TestUsesThatAreShown
	k.UseKnown = before || !last.Before(at.Truncate(time.Minute))
	k.UsedAt = at
}

// LastKnownUse returns the last known use of any version, also of dropped ones. last is the last use of the
// versions on record. The zero time means that no use is known.
func (k *Key) LastKnownUse(last time.Time) time.Time {
	//mutate:false "uses of dropped versions" TestUsesThatAreShown
	if k.UseKnown {
		return latest(last, k.UsedAt)
	}
	return last
}

// droppedUse returns the latest possible use of the versions that were dropped. Records that are older than
// UsedAt do not hold it; their versions were dropped with the last rotation at the latest.
func (k *Key) droppedUse() time.Time {
	//mutate:false "uses that were dropped before they were kept" TestUsesOfDroppedVersions
	if k.UsedAt.IsZero() && len(k.Versions) < k.Newest().Number {
		return k.LastRotation
	}
	return k.UsedAt
}

// lastUse returns the latest possible use of the key, from c and from its record. The zero time means never.
func (k *Key) lastUse(c MaintainInput) time.Time {
	//mutate:false "reports of keys whose uses are dropped" TestReportsOfDroppedUses
	if at := k.droppedUse(); at.After(k.CreatedAt) {
		return latest(c.used(), at)
	}
	return c.used()
}

// disableIdle returns k disabled if it was unused for too long. Otherwise it returns k with its last use, from
// which the next check is computed. It returns k itself if no check is due.
func (k *Key) disableIdle(p Policy, care MaintainInput, now time.Time) *Key {
	if !k.IdleCheckDue(p, now) {
		return k
	}
	c := k.edit()
	if used := care.used(); used.Add(p.Idle).After(now) {
		c.noteUse(used, care.LastUsed)
		return c
	}
	c.DisabledAt, c.DisabledReason = second(now), fmt.Sprintf("not used for %s", tenant.Spell(p.Idle))
	c.record(c.DisabledAt, Actor{}, "disable", "", c.DisabledReason)
	return c
}

// IdleCheckDue reports whether an idle check is due.
func (k *Key) IdleCheckDue(p Policy, now time.Time) bool {
	at := k.idleCheckAt(p)
	return !at.IsZero() && !now.Before(at)
}

// idleCheckAt returns when the next idle check is due, or the zero time. Calls do not write the key's record:
// the check finds the use and sets the next check. Time in which the tenant is not active does not count,
// because nobody can use the key then.
func (k *Key) idleCheckAt(p Policy) time.Time {
	//mutate:false:1 "idle keys of tenants that are not active" TestIdleTimeWhileNotActive
	if p.Paused || p.Idle == 0 || k.Lease != nil || k.State() != Active {
		return time.Time{}
	}
	//mutate:zero:4 "idle keys of tenants that were resumed" TestIdleTimeWhileNotActive
	since := latest(k.CreatedAt, k.EnabledAt, k.droppedUse(), p.Resumed)
	return since.Add(p.Idle)
}

func latest(all ...time.Time) time.Time {
	last := time.Time{}
	for _, at := range all {
		if at.After(last) {
			last = at
		}
	}
	return last
}
