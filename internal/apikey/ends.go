package apikey

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// FirstLife returns how long the first version lives that is issued at a whole second, unless a window cuts it: until
// the date that was given, or for the ttl. 0 means no expiry.
func (s *Settings) FirstLife(issued time.Time) time.Duration {
	if date := s.Date.Get(); !date.IsZero() {
		return date.Sub(issued)
	}
	return s.TTL
}

// lifeEnd returns when a version that is made now ends. The expiry window may move the end earlier, but leaves
// at least half of the life and at least twice the overlap, so that a scheduled rotation keeps its whole
// overlap.
func (s *Settings) lifeEnd(life time.Duration, now time.Time) time.Time {
	//mutate:instead:1 "half of a life that a window cuts" TestWindowsLeaveHalfOfALife => 2*s.Overlap
	//mutate:instead:2 "the overlap in a life that a window cuts" TestWindowsLeaveHalfOfALife => life/2
	least := max(life/2, 2*s.Overlap)
	return s.Rules.Get().Window.Cut(now.Add(least), now.Add(life))
}

// LeastOverlap returns the shortest overlap that a window may leave, besides half of the overlap: the mount's
// minimum, and the time that apps need to read a secret again.
func LeastOverlap(c *tenant.Config) time.Duration {
	needed, _ := ShortOverlap(0, c.RereadAfter())
	return max(c.MinOverlap, needed)
}

// overlapEnd returns when older versions end after a rotation at now. A version that ends no later than own
// keeps its end.
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
	// The schedule rotates early, by up to a spread. The ends that it starts from are already cut.
	return end, full.Add(r.Overlap/spreadOver + time.Second)
}

// endOlder moves the ends of k's versions that are older than the one made by a rotation at now.
func (k *Key) endOlder(r *Rotation, now time.Time) {
	end, own := k.overlapEnd(r, now)
	for i := range k.Versions {
		v := &k.Versions[i]
		if v.ExpiresAt.IsZero() || v.ExpiresAt.After(own) {
			v.ExpiresAt = end
		}
	}
}
