package apikey

import "time"

// Event is something that is going to happen to a key, or waits for somebody.
type Event struct {
	KeyID string // "" for the key as a whole
	What  string
	At    time.Time
}

// What events tell.
const (
	EventExpires    = "expires"         // a version that still verifies ends
	EventRotates    = "rotates"         // the schedule makes the next version
	EventFailed     = "rotation_failed" // it could not, and tries again then
	EventLate       = "rotation_late"   // it came, or is to come, when half of the overlap had passed
	EventUnrevealed = "unrevealed"      // the current version has reached nobody, and has to by then
	EventDestroyed  = "destroyed"       // the deleted key is erased for good
)

// Events returns what happens to k until a time, or waits for somebody at now.
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

// neededBy returns when the last older version ends that still verifies, and the birth of
// the newest where there is none: then it is needed already.
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
