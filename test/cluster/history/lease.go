package history

import (
	"slices"
	"time"
)

// late is how long after its answer was given up a request to a lease may still do something: the leader that works on
// it ends only when it is killed.
const late = 60 * time.Second

// leased is all that the history says of a leased key.
type leased struct {
	issued  *Event
	renewed []*Event // or tried to
	given   []*Event // back, or tried to
}

func (c *checker) gatherLease(e *Event) {
	if e.Op == Issue {
		if e.Outcome == Done {
			c.leased[e.KeyID] = &leased{issued: e}
		}
		return
	}
	l := c.leased[e.KeyID]
	switch {
	case l == nil || e.Outcome == Refused:
	case e.Op == Renew:
		l.renewed = append(l.renewed, e)
	default:
		l.given = append(l.given, e)
	}
}

// lives returns until when the key certainly lives for e, unless it is given back, and until when it may.
func (l *leased) lives(e *Event) (surely, maybe time.Time) {
	surely, maybe = l.issued.Expires, l.issued.Expires
	for _, r := range l.renewed {
		length := time.Duration(r.Seconds) * time.Second
		// The lease is as long as what was left of the key when it was made, in whole seconds.
		least, most := r.Start.Add(length-2*time.Second), r.End.Add(length)
		if r.Outcome == Unknown {
			most = most.Add(late)
		}
		if r.Outcome == Done && r.End.Before(e.Start) && least.After(surely) {
			surely = least
		}
		if !r.Start.After(e.End) && most.After(maybe) {
			maybe = most
		}
	}
	return surely, maybe
}

// verdicts returns what a right engine can have answered to a call made with the key. A key that has ended is erased
// some time later, and then unknown.
func (l *leased) verdicts(e *Event) []string {
	var may []string
	surely, maybe := l.lives(e)
	from, to := e.judged()
	if from.Before(maybe) && !l.returned(e) {
		may = append(may, "valid")
	}
	if !to.Before(surely) || l.returning(e) {
		may = append(may, "revoked", "expired", "unknown_key")
	}
	return may
}

// returned reports whether the lease had been revoked before e, and returning whether it may have been by its end.
func (l *leased) returned(e *Event) bool {
	return slices.ContainsFunc(l.given, func(g *Event) bool { return g.Outcome == Done && g.End.Before(e.Start) })
}

func (l *leased) returning(e *Event) bool {
	return slices.ContainsFunc(l.given, func(g *Event) bool { return !g.Start.After(e.End) })
}

// over reports whether the lease may have ended by the end of e.
func (l *leased) over(e *Event) bool {
	surely, _ := l.lives(e)
	return l.returning(e) || !e.End.Before(surely)
}
