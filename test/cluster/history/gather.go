package history

import (
	"cmp"
	"slices"
	"time"
)

// series is all that the history says of a named key.
type series struct {
	key      string
	attempts []*Event // to write it, whatever came of them
	shows    []*Event // that answer it
	logs     []*Event // that answer its own history
	changes  []Change // of all of them
	versions []*version
	latest   *Series // of the highest revision shown
}

// version is all that the history says of a version.
type version struct {
	Version
	series  *series
	next    *version
	born    window
	revoked window
	change  Change            // that made it
	ends    map[int]time.Time // its expires_at, by the number of the version that was the newest then
}

// own returns the end that the version was born with.
func (v *version) own() time.Time {
	return v.IssuedAt.Add(time.Duration(v.series.latest.TTL) * time.Second)
}

// gather pieces the keys together from all events about them.
func (c *checker) gather() {
	for _, e := range c.events {
		switch {
		case e.Op == Lead:
			c.terms = append(c.terms, e)
		case e.Op == Issue || e.Op == Renew || e.Op == Return:
			c.gatherLease(e)
		case e.Key != "":
			c.gatherSeries(e)
		}
		if e.Outcome == Done && e.write() && e.Request != "" {
			c.requests[e.Request] = e
		}
	}
	for _, name := range sorted(c.series) {
		c.link(c.series[name])
	}
	for _, e := range c.events {
		c.observe(e)
	}
}

func (c *checker) gatherSeries(e *Event) {
	s := c.series[e.Key]
	if s == nil {
		s = &series{key: e.Key, latest: new(Series)}
		c.series[e.Key] = s
	}
	if e.write() {
		s.attempts = append(s.attempts, e)
	}
	if e.Outcome != Done {
		return
	}
	if e.Op == Changes {
		s.logs = append(s.logs, e)
		for _, change := range e.Log {
			if !slices.Contains(s.changes, change) {
				s.changes = append(s.changes, change)
			}
		}
	}
	if e.Series == nil || len(e.Series.Versions) == 0 {
		return
	}
	s.shows = append(s.shows, e)
	if e.Series.Revision > s.latest.Revision {
		s.latest = e.Series
	}
	newest := e.Series.Versions[len(e.Series.Versions)-1].Number
	for _, shown := range e.Series.Versions {
		v := c.versions[shown.KeyID]
		if v == nil {
			v = &version{Version: shown, series: s, ends: map[int]time.Time{}}
			c.versions[shown.KeyID] = v
			s.versions = append(s.versions, v)
		}
		v.RotatedTo = cmp.Or(v.RotatedTo, shown.RotatedTo)
		if end, ok := v.ends[newest]; !ok || shown.ExpiresAt.Before(end) {
			v.ends[newest] = shown.ExpiresAt
		}
	}
}

// link puts the versions of a key in order, and finds when they were made and revoked.
func (c *checker) link(s *series) {
	slices.SortStableFunc(s.versions, func(a, b *version) int { return cmp.Compare(a.Number, b.Number) })
	for i, v := range s.versions {
		if i+1 < len(s.versions) {
			v.next = s.versions[i+1]
		}
		v.born = window{v.IssuedAt, forever}
	}
	slices.SortStableFunc(s.changes, func(a, b Change) int { return a.Time.Compare(b.Time) })
	for _, change := range s.changes {
		v := c.versions[change.KeyID]
		if v == nil {
			continue
		}
		when := window{change.Time, forever}
		if e := c.requests[change.Request]; e != nil {
			when = window{e.Start, e.End}
		}
		switch {
		case change.Operation == string(Revoke) && v.revoked.from.IsZero():
			v.revoked = when
		case change.Operation == string(Create), change.Operation == string(Rotate):
			v.change, v.born = change, when
		}
	}
}

// observe closes the windows of what an event shows to have happened.
func (c *checker) observe(e *Event) {
	if e.Outcome != Done {
		return
	}
	born := func(keyID string) {
		if v := c.versions[keyID]; v != nil && e.End.Before(v.born.to) {
			v.born.to = e.End
		}
	}
	revoked := func(keyID string) {
		if v := c.versions[keyID]; v != nil && !v.revoked.from.IsZero() && e.End.Before(v.revoked.to) {
			v.revoked.to = e.End
		}
	}
	if e.Series != nil {
		for _, shown := range e.Series.Versions {
			born(shown.KeyID)
			if !shown.RevokedAt.IsZero() {
				revoked(shown.KeyID)
			}
		}
	}
	for _, change := range e.Log {
		born(change.KeyID)
		if change.Operation == string(Revoke) {
			revoked(change.KeyID)
		}
	}
	if e.Op == Sign || e.Op == Reveal {
		born(e.KeyID)
	}
	if e.Call != nil && e.Call.known() {
		born(e.KeyID)
		born(e.Call.Successor)
		if e.Call.Verdict == "revoked" {
			revoked(e.KeyID)
		}
	}
}

// known reports whether the verdict says that the engine knows the version.
func (c *Call) known() bool {
	return c.Verdict != "unknown_key" && c.Verdict != "bad_signature" && c.Verdict != "malformed"
}
