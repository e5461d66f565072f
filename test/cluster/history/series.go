package history

import (
	"reflect"
	"slices"
	"time"
)

// before calls visit for every event, in the order of their start, after it has called passed for all that had ended by
// then.
func before(events []*Event, passed, visit func(*Event)) {
	ended := slices.Clone(events)
	slices.SortStableFunc(ended, func(a, b *Event) int { return a.End.Compare(b.End) })
	for _, e := range events {
		for len(ended) > 0 && ended[0].End.Before(e.Start) {
			passed(ended[0])
			ended = ended[1:]
		}
		visit(e)
	}
}

// checkShown checks that what is shown of a key goes forward: revisions, and the versions in it.
func (c *checker) checkShown(s *series) {
	last := new(Event)
	last.Series = new(Series)
	states := map[int]*Series{}
	before(s.shows, func(e *Event) {
		if e.Series.Revision > last.Series.Revision {
			last = e
		}
	}, func(e *Event) {
		was, now := last.Series, e.Series
		if now.Revision < was.Revision || (e.Op == Create || e.Op == Rotate) && now.Revision == was.Revision {
			c.blame(
				Stale,
				s.key,
				"%s at %s answers revision %d after %d was shown",
				e.Op,
				clock(e.Start),
				now.Revision,
				was.Revision,
			)
		}
		if same := states[now.Revision]; same == nil {
			states[now.Revision] = now
		} else if !same.equal(now) {
			c.blame(Fork, s.key, "revision %d is shown in two forms, at %s the second", now.Revision, clock(e.Start))
		}
		for _, v := range was.Versions {
			if now.version(v.KeyID) == nil && now.ended(e.End) < KeptEnded {
				c.blame(Vanished, s.key, "version %d, %s, is gone at %s", v.Number, v.KeyID, clock(e.Start))
			}
		}
	})
}

func (s *Series) version(keyID string) *Version {
	for i := range s.Versions {
		if s.Versions[i].KeyID == keyID {
			return &s.Versions[i]
		}
	}
	return nil
}

func (s *Series) ended(now time.Time) int {
	n := 0
	for i := range s.Versions {
		if v := &s.Versions[i]; !v.RevokedAt.IsZero() || !now.Before(v.ExpiresAt) {
			n++
		}
	}
	return n
}

// equal compares all but what the passing of time changes.
func (s *Series) equal(t *Series) bool {
	timeless := func(s *Series) []Version {
		all := slices.Clone(s.Versions)
		for i := range all {
			all[i].State = ""
		}
		return all
	}
	return s.TTL == t.TTL && s.Overlap == t.Overlap && s.AutoRotate == t.AutoRotate &&
		reflect.DeepEqual(timeless(s), timeless(t))
}

// checkChanges checks the key's own history against what was asked for.
func (c *checker) checkChanges(s *series) {
	for _, change := range s.changes {
		switch change.Operation {
		case string(Reveal):
		case string(Create), string(Rotate), string(Revoke):
			c.checkCause(s, change)
		default:
			c.blame(Unasked, s.key, "%s of %s at %s", change.Operation, change.KeyID, clock(change.Time))
		}
	}
	for _, e := range s.attempts {
		if e.Outcome == Done {
			c.checkKept(s, e)
		}
	}
}

// checkCause checks that a change was acknowledged, or asked for with no answer, or made by the schedule.
func (c *checker) checkCause(s *series, change Change) {
	if change.Request == "" {
		c.checkScheduled(s, change)
		return
	}
	if e := c.requests[change.Request]; e != nil {
		if string(e.Op) != change.Operation || e.Key != s.key {
			c.blame(Unasked, s.key, "%s of %s has the request ID of %s %s", change.Operation, change.KeyID, e.Op, e.Key)
		}
		if change.Time.Before(e.Start.Truncate(time.Second)) || change.Time.After(e.End) {
			c.blame(Clock, s.key, "%s of %s is said to be of %s, and was asked for from %s to %s",
				change.Operation, change.KeyID, clock(change.Time), clock(e.Start), clock(e.End))
		}
		return
	}
	about := change.KeyID
	switch v := c.versions[change.KeyID]; {
	case Op(change.Operation) == Create:
		about = ""
	case Op(change.Operation) == Rotate && v != nil:
		about = v.RotatedFrom
	}
	asked := slices.ContainsFunc(s.attempts, func(e *Event) bool {
		return e.Outcome == Unknown && string(e.Op) == change.Operation && e.KeyID == about &&
			!change.Time.Before(e.Start.Truncate(time.Second))
	})
	if !asked {
		c.blame(Unasked, s.key, "nobody asked for %s of %s at %s", change.Operation, change.KeyID, clock(change.Time))
	}
}

// checkKept checks that an acknowledged write stands in the key's own history, and stays there until newer ones push it
// out.
func (c *checker) checkKept(s *series, e *Event) {
	same := func(change Change) bool {
		if e.Op == Revoke && change.Operation == string(Revoke) && change.KeyID == e.KeyID {
			return true // Revoking again changes nothing.
		}
		return change.Request == e.Request
	}
	at := slices.IndexFunc(s.changes, same)
	if at < 0 {
		c.blame(LostWrite, s.key, "%s %s, acknowledged at %s, is in no history", e.Op, e.KeyID, clock(e.End))
		return
	}
	if e.Op == Rotate || e.Op == Create {
		c.checkMade(s, e, s.changes[at])
	}
	for _, log := range s.logs {
		full := len(log.Log) >= KeptChanges && !s.changes[at].Time.After(log.Log[0].Time)
		if e.End.Before(log.Start) && !full && !slices.ContainsFunc(log.Log, same) {
			c.blame(
				LostWrite,
				s.key,
				"%s %s, acknowledged at %s, is not in the history at %s",
				e.Op,
				e.KeyID,
				clock(e.End),
				clock(log.Start),
			)
		}
	}
}

// checkMade checks that the answer to a write shows the version it has made.
func (c *checker) checkMade(s *series, e *Event, change Change) {
	var made *Version
	if e.Series != nil {
		made = e.Series.version(change.KeyID)
	}
	switch {
	case made == nil:
		c.blame(
			LostWrite,
			s.key,
			"the answer to %s at %s does not show %s, which it made",
			e.Op,
			clock(e.End),
			change.KeyID,
		)
	case made.RotatedFrom != e.KeyID:
		c.blame(Unasked, s.key, "%s of %s at %s has replaced %q", e.Op, e.KeyID, clock(e.End), made.RotatedFrom)
	}
}
