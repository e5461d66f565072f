package apikey

import "time"

// Event is something that will happen to a key, or that needs somebody to act.
type Event struct {
	KeyID string // "" for the key as a whole
	What  string
	At    time.Time
}

// The kinds of events.
const (
	EventExpires    = "expires"            // a version that still verifies ends
	EventRotates    = "rotates"            // the schedule will make the next version
	EventFailed     = "rotation_failed"    // the last scheduled rotation failed; the next try is then
	EventLate       = "rotation_late"      // the rotation came, or will come, after half of the overlap
	EventUnrevealed = "unrevealed"         // nobody has fetched the current version, and somebody must by then
	EventDestroyed  = "destroyed"          // the deleted key will be erased
	EventOldInUse   = "old_version_in_use" // an older version that was used within the last day ends
)

// inUseFor is how long after its last use a version counts as in use.
const inUseFor = 24 * time.Hour

// Events returns what happens to k until a time, and what needs somebody to act at now.
func (k *Key) Events(retention time.Duration, now, until time.Time) []Event {
	var all []Event
	add := func(keyID, what string, at time.Time) {
		if !at.IsZero() && !at.After(until) {
			all = append(all, Event{keyID, what, at})
		}
	}
	newest := k.Newest()
	if k.State() == Active || k.State() == Disabled {
		for i := range k.Versions {
			if v := &k.Versions[i]; v.RevokedAt.IsZero() && !v.Secret.Erased() && !v.expired(now) {
				add(v.KeyID, EventExpires, v.ExpiresAt)
			}
		}
	}
	if k.Failed != nil && k.State() == Active {
		add(newest.KeyID, EventFailed, k.Failed.RetryAt)
	} else {
		add(newest.KeyID, EventRotates, k.NextRotation())
	}
	switch late := k.RotationLate(now) && k.State() == Active; {
	case late && k.late(now):
		add(newest.KeyID, EventLate, k.NextRotation())
	case late:
		add(newest.KeyID, EventLate, k.LastRotation)
	}
	if k.State() == Active && k.Unrevealed(now) && k.Reveal != RevealNever {
		add(newest.KeyID, EventUnrevealed, k.neededBy(now))
	}
	if !k.DeletedAt.IsZero() {
		add("", EventDestroyed, k.GoneAt(retention))
	}
	return all
}

// OldVersions returns the versions of k that a newer one has replaced, that still verify, and that end until a time.
func (k *Key) OldVersions(now, until time.Time) []*Version {
	var old []*Version
	for i := range k.Versions {
		v := &k.Versions[i]
		//mutate:false "old versions that end too far off to be told" TestOldVersionsInUse
		if v.ExpiresAt.After(until) {
			continue
		}
		if k.VersionState(v, now) == Overlapping {
			old = append(old, v)
		}
	}
	return old
}

// InUse returns the event that v, one of OldVersions, is still in use, and whether it is. That is judged by its last
// use; zero: none.
func (v *Version) InUse(lastUse, now time.Time) (Event, bool) {
	return Event{v.KeyID, EventOldInUse, v.ExpiresAt}, lastUse.After(now.Add(-inUseFor))
}

// neededBy returns when the last older version that still verifies ends. If there is none, the newest version
// is needed already, and neededBy returns when it was made.
func (k *Key) neededBy(now time.Time) time.Time {
	newest := k.Newest()
	at := newest.IssuedAt
	for i := range k.Versions[:len(k.Versions)-1] {
		if v := &k.Versions[i]; v.RevokedAt.IsZero() && !v.expired(now) && v.ExpiresAt.After(at) {
			at = v.ExpiresAt
		}
	}
	return at
}
