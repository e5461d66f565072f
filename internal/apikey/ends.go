package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// lifeEnd returns when a version ends that lives for life from now: cut back into the window where that leaves
// half of the life, and twice the overlap, so that what is rotated by schedule keeps all of its overlap.
func (s *Settings) lifeEnd(life time.Duration, now time.Time) time.Time {
	//mutate:instead:1 "half of a life that a window cuts" TestWindowsLeaveHalfOfALife => 2*s.Overlap
	//mutate:instead:2 "the overlap in a life that a window cuts" TestWindowsLeaveHalfOfALife => life/2
	least := max(life/2, 2*s.Overlap)
	return s.Rules.Get().Window.Cut(now.Add(least), now.Add(life))
}

// LeastOverlap returns how much of an overlap a window leaves at the least, besides half: what the mount asks for,
// and what apps need that read a secret again when told.
func LeastOverlap(c *tenant.Config) time.Duration {
	needed, _ := ShortOverlap(0, c.RereadAfter())
	return max(c.MinOverlap, needed)
}

// overlapEnd returns when older versions end after a rotation at now, and up to when one keeps its own end.
func (k *Key) overlapEnd(r *Rotation, now time.Time) (end, own time.Time) {
	window, full := k.Window(), now.Add(r.Overlap)
	if window == "" {
		return full, full
	}
	//mutate:instead:1 "half of an overlap that a window cuts" TestWindowsLeaveHalfOfAnOverlap => r.LeastOverlap
	//mutate:instead:2 "the least of an overlap that a window cuts" TestWindowsLeaveHalfOfAnOverlap => r.Overlap/2
	least := max(r.Overlap/2, r.LeastOverlap)
	end = window.Cut(now.Add(least), full)
	//mutate:false "overlaps that were asked for" TestWindowsLeaveHalfOfAnOverlap
	if r.OverlapGiven {
		return end, full
	}
	// The schedule rotates up to a spread early, from an end that has been cut already.
	return end, full.Add(r.Overlap/spreadOver + time.Second)
}

// endOlder moves the ends of k's versions, which are older than the one that a rotation at now makes.
func (k *Key) endOlder(r *Rotation, now time.Time) {
	end, own := k.overlapEnd(r, now)
	for i := range k.Versions {
		v := &k.Versions[i]
		if v.ExpiresAt.IsZero() || v.ExpiresAt.After(own) {
			v.ExpiresAt = end
		}
	}
}
