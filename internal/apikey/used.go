package apikey

import (
	"fmt"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// UsageKnown is what is known of the last use of any version of a key. The zero UsageKnown is that nothing is.
type UsageKnown struct {
	Known bool
	At    time.Time // that there may have been; zero: none
	Last  time.Time // that is known; zero: none is
}

// Full reports whether a rotation of k may drop versions, and with them what is known of their uses. Who rotates it
// then says what that is.
func (k *Key) Full() bool { return len(k.Versions) > KeptEnded }

// dropped notes on k, an edited copy, when versions may have been used that are dropped from it now. Of a use that
// nobody knows of, it is certain that it was no later than the version's end.
func (k *Key) dropped(versions []Version, seen UsageKnown, now time.Time) {
	// Where there was no use, the making of the key stands for that: uses are known then.
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

// noteUse notes on k, an edited copy, until when it may have been used, and whether that was a use: the last one that
// is known, or the one noted before. Uses are known to the minute.
func (k *Key) noteUse(at, last time.Time) {
	at = second(at)
	before := k.UseKnown && at.Equal(k.UsedAt)
	//mutate:true:2 "times that are no use" TestUsesThatAreShown
	k.UseKnown = before || !last.Before(at.Truncate(time.Minute))
	k.UsedAt = at
}

// LastKnownUse returns when a version was used last, be it on record or not, as far as that is known: last is that of
// the versions on record. It is zero where no use is known.
func (k *Key) LastKnownUse(last time.Time) time.Time {
	//mutate:false "uses of dropped versions" TestUsesThatAreShown
	if k.UseKnown {
		return latest(last, k.UsedAt)
	}
	return last
}

// droppedUse returns when a version may have been used last that is on record no more, as far as UsedAt tells. Records
// of before it was kept do not tell: these versions went with the last rotation at the latest.
func (k *Key) droppedUse() time.Time {
	//mutate:false "uses that were dropped before they were kept" TestUsesOfDroppedVersions
	if k.UsedAt.IsZero() && len(k.Versions) < k.Newest().Number {
		return k.LastRotation
	}
	return k.UsedAt
}

// lastUse returns when the key may have been used last, by what is known and by what is on its record; zero: never.
func (k *Key) lastUse(c MaintainInput) time.Time {
	//mutate:false "reports of keys whose uses are dropped" TestReportsOfDroppedUses
	if at := k.droppedUse(); at.After(k.CreatedAt) {
		return latest(c.used(), at)
	}
	return c.used()
}

// disableIdle returns k disabled when it was not used for as long as it may go unused, or with its last use, from which
// the next look is reckoned; k itself until it is time for a look.
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

// IdleCheckDue reports whether it is time to look whether the key is still used.
func (k *Key) IdleCheckDue(p Policy, now time.Time) bool {
	at := k.idleCheckAt(p)
	return !at.IsZero() && !now.Before(at)
}

// idleCheckAt returns when to look whether the key is still used, or the zero time. A key in use is not written with
// every call: the look finds the use, and waits anew. While the tenant is not active nobody can use the key, which does
// not count.
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
