package history

import (
	"slices"
	"time"
)

// checkVersions checks that each version was made once, replaced once, and ends when it has to.
func (c *checker) checkVersions(s *series) {
	from := map[string]*version{}
	for i, v := range s.versions {
		if other := from[v.RotatedFrom]; other != nil {
			c.blame(Twice, s.key, "versions %s and %s both replace %q", other.KeyID, v.KeyID, v.RotatedFrom)
		}
		from[v.RotatedFrom] = v
		if v.Number != i+1 {
			c.blame(Vanished, s.key, "version %s has number %d where %d comes next", v.KeyID, v.Number, i+1)
		}
		if i > 0 {
			if was := s.versions[i-1]; v.RotatedFrom != was.KeyID || was.RotatedTo != "" && was.RotatedTo != v.KeyID {
				c.blame(Twice, s.key, "%s, the next after %s, replaces %q", v.KeyID, was.KeyID, v.RotatedFrom)
			}
			if v.IssuedAt.Before(s.versions[i-1].IssuedAt) {
				c.blame(Clock, s.key, "version %d was issued before version %d", v.Number, v.Number-1)
			}
		}
		made := slices.DeleteFunc(slices.Clone(s.changes), func(change Change) bool {
			return change.KeyID != v.KeyID || change.Operation != string(Create) && change.Operation != string(Rotate)
		})
		if len(made) != 1 {
			c.blame(
				Unasked,
				s.key,
				"version %d, %s, was made %d times by the key's history",
				v.Number,
				v.KeyID,
				len(made),
			)
		}
		c.checkEnds(v)
	}
	for _, change := range s.changes {
		if (change.Operation == string(Create) || change.Operation == string(Rotate)) &&
			c.versions[change.KeyID] == nil {
			c.blame(
				Vanished,
				s.key,
				"%s at %s made %s, which is nowhere",
				change.Operation,
				clock(change.Time),
				change.KeyID,
			)
		}
	}
}

// checkEnds checks a version's expires_at: the one it was born with, and after each rotation the earlier of that and
// what the overlap leaves.
func (c *checker) checkEnds(v *version) {
	may := []time.Time{v.own()}
	for w := v; w != nil; w = w.next {
		if w != v {
			may = w.leaves(may)
		}
		shown, ok := v.ends[w.Number]
		if !ok {
			continue
		}
		if !slices.ContainsFunc(may, shown.Equal) {
			c.blame(
				Expiry,
				v.series.key,
				"version %d ends at %s after version %d, and should at %s",
				v.Number,
				clock(shown),
				w.Number,
				clock(may[0]),
			)
		}
		may = []time.Time{shown}
	}
}

// leaves returns the ends that an older version may have once v has replaced its predecessor.
func (v *version) leaves(may []time.Time) []time.Time {
	overlaps := []int{v.series.latest.Overlap}
	if v.change.Request != "" {
		overlaps = nil
		for _, e := range v.series.attempts {
			if e.Op == Rotate && e.KeyID == v.RotatedFrom && (e.Outcome == Unknown || e.Request == v.change.Request) {
				overlaps = append(overlaps, e.Overlap)
			}
		}
	}
	if len(overlaps) == 0 {
		return may // Nobody has asked for v, which is found elsewhere.
	}
	var left []time.Time
	for _, was := range may {
		for _, overlap := range overlaps {
			cut := v.IssuedAt.Add(time.Duration(overlap) * time.Second)
			if cut.After(was) {
				cut = was
			}
			left = append(left, cut)
		}
		if v.change.Request == "" {
			left = append(left, was) // The schedule may as well leave the predecessor its own time.
		}
	}
	return left
}

// checkScheduled checks a rotation that nobody asked for.
func (c *checker) checkScheduled(s *series, change Change) {
	if Op(change.Operation) != Rotate || !s.latest.AutoRotate {
		c.blame(Unasked, s.key, "%s of %s at %s names no request", change.Operation, change.KeyID, clock(change.Time))
		return
	}
	c.summary.BySchedule++
	v := c.versions[change.KeyID]
	if v == nil {
		return
	}
	old := c.versions[v.RotatedFrom]
	if old == nil {
		return
	}
	overlap := time.Duration(s.latest.Overlap) * time.Second
	if due := old.own().Add(-overlap - overlap/10).Truncate(time.Second); change.Time.Before(due) {
		c.blame(
			Early,
			s.key,
			"version %d was replaced at %s and is due at %s",
			old.Number,
			clock(change.Time),
			clock(due),
		)
	}
	if !old.revoked.from.IsZero() && old.revoked.to.Before(change.Time) {
		c.blame(
			Unasked,
			s.key,
			"version %d was replaced by schedule at %s, after it was revoked",
			old.Number,
			clock(change.Time),
		)
	}
}

// latestEnd returns the latest end that the version can have had for e, and earliestEnd the earliest.
func (v *version) latestEnd(e *Event) time.Time {
	end := v.own()
	for w := v.next; w != nil; w = w.next {
		if shown, ok := v.ends[w.Number]; ok && w.born.surely(e) && shown.Before(end) {
			end = shown
		}
	}
	return end
}

func (v *version) earliestEnd(e *Event) time.Time {
	end := v.own()
	for w := v.next; w != nil && w.born.maybe(e); w = w.next {
		shown, ok := v.ends[w.Number]
		if !ok {
			shown = v.lastEnd() // It was not looked at between two rotations.
		}
		if shown.Before(end) {
			end = shown
		}
	}
	return end
}

func (v *version) lastEnd() time.Time {
	end := v.own()
	for _, shown := range v.ends {
		if shown.Before(end) {
			end = shown
		}
	}
	return end
}
