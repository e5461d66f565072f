package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Rule is what a right engine keeps.
type Rule string

// The rules.
const (
	Clock       Rule = "clock"       // no time lies outside its request, or runs backwards
	Stale       Rule = "stale"       // nothing older is shown after something newer
	Fork        Rule = "fork"        // one revision is one state
	LostWrite   Rule = "lost-write"  // what was acknowledged has happened, and stays
	Unasked     Rule = "unasked"     // every change was asked for, or due
	Twice       Rule = "twice"       // a version is replaced once
	Early       Rule = "early"       // no schedule runs before its time
	Missed      Rule = "missed"      // what is due when a leader looks is done
	Vanished    Rule = "vanished"    // a version stays
	Expiry      Rule = "expiry"      // a version's end moves as rotations say, and only earlier
	Judgement   Rule = "judgement"   // inside its version's life a call verifies, outside it does not
	Replay      Rule = "replay"      // one leader accepts a call once
	Signer      Rule = "signer"      // the current version signs and is handed out, no other
	Refusal     Rule = "refusal"     // nothing is refused without a reason
	Unaccounted Rule = "unaccounted" // in the end every key and version has been asked about, and nothing else is there
	Idle        Rule = "idle"        // every leader does some work
)

// Violation is a rule that the history breaks.
type Violation struct {
	Rule Rule
	Key  string // or key ID
	Text string
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Rule, v.Key, v.Text) }

// Options say what the history has to show beside keeping to the rules.
type Options struct {
	// Rotations is how many rotations by schedule there must be at least. Below 0 it is as many, of every key, as its
	// lives and the leaders' make certain.
	Rotations int
}

// Summary counts what a history holds.
type Summary struct {
	Events, Unknown, Terms      int
	Keys, Versions, Leased      int
	Writes                      int // acknowledged
	ByHand, BySchedule, Certain int // rotations, and how many by schedule were certain
	// calls accepted, refused for their version's state, refused as replayed, accepted after a failover
	Inside, Outside, Twice, Again int
}

// forever is the end of a window in which something has happened that no event shows.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// window is when something has happened: not before from, and not after to. The zero window is never.
type window struct{ from, to time.Time }

// surely reports whether it had happened before e began, and maybe whether it can have happened before e ended.
func (w window) surely(e *Event) bool { return !w.from.IsZero() && w.to.Before(e.Start) }
func (w window) maybe(e *Event) bool  { return !w.from.IsZero() && !w.from.After(e.End) }

type checker struct {
	options  Options
	events   []*Event // by their start
	terms    []*Event
	series   map[string]*series
	versions map[string]*version
	leased   map[string]*leased
	requests map[string]*Event // acknowledged writes by Vault's ID of them
	summary  Summary
	found    []Violation
}

// Check returns all that is wrong with a history.
func Check(events []*Event, options Options) ([]Violation, Summary) {
	c := &checker{
		options: options, events: slices.Clone(events), series: map[string]*series{}, versions: map[string]*version{},
		leased: map[string]*leased{}, requests: map[string]*Event{},
	}
	slices.SortStableFunc(c.events, func(a, b *Event) int { return a.Start.Compare(b.Start) })
	c.gather()
	for _, name := range sorted(c.series) {
		s := c.series[name]
		c.checkShown(s)
		c.checkChanges(s)
		c.checkVersions(s)
	}
	for _, e := range c.events {
		c.checkClock(e)
		switch e.Outcome {
		case Done:
			c.checkAnswer(e)
		case Refused:
			c.checkRefusal(e)
		case Unknown:
		}
	}
	c.checkReplay()
	c.checkSchedule()
	c.checkAccount()
	c.checkTerms()
	c.count()
	return c.found, c.summary
}

func (c *checker) blame(rule Rule, key, format string, args ...any) {
	c.found = append(c.found, Violation{rule, key, fmt.Sprintf(format, args...)})
}

// checkClock checks the times of an event, and that the server's own lies between them.
func (c *checker) checkClock(e *Event) {
	if e.End.Before(e.Start) {
		c.blame(Clock, cmp.Or(e.Key, e.KeyID), "%s ended %s before it began", e.Op, e.Start.Sub(e.End))
	}
	if e.Call == nil || e.Call.JudgedAt.IsZero() {
		return
	}
	if at := e.Call.JudgedAt; at.Before(e.Start.Truncate(time.Second)) || at.After(e.End) {
		c.blame(Clock, e.KeyID, "judged at %s, between %s and %s", clock(at), clock(e.Start), clock(e.End))
	}
}

// checkAnswer checks an answer that depends on what a version or a leased key was at the time.
func (c *checker) checkAnswer(e *Event) {
	if e.Op == Verify {
		c.checkVerdict(e)
	}
	if e.Op == Sign || e.Op == Reveal {
		c.checkSigner(e)
	}
}

func (c *checker) count() {
	s := &c.summary
	s.Terms, s.Keys, s.Versions, s.Leased = len(c.terms), len(c.series), len(c.versions), len(c.leased)
	for _, e := range c.events {
		if e.Op == Lead {
			continue
		}
		s.Events++
		switch {
		case e.Outcome == Unknown:
			s.Unknown++
		case e.Outcome == Refused:
		case e.write():
			s.Writes++
		case e.Call != nil:
			switch e.Call.Verdict {
			case "valid":
				s.Inside++
			case "replayed":
				s.Twice++
			case "bad_signature":
			default:
				s.Outside++
			}
		}
	}
}

// write reports whether the event changes something.
func (e *Event) write() bool {
	return slices.Contains([]Op{Create, Rotate, Revoke, Issue, Renew, Return}, e.Op)
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
