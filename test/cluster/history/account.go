package history

import (
	"slices"
	"strings"
	"time"
)

// A leader's first tick comes 60 s after it has begun to lead, which is a little before clients see it, and each sweep
// is given so long.
const (
	tick  = 60 * time.Second
	ahead = 5 * time.Second
	sweep = 15 * time.Second
	// idle is how long a leader may lead without having done anything.
	idle = 30 * time.Second
)

// certain returns how often a key must have been rotated by schedule, whatever the moments in which a right engine
// looks at it. Each rotation is taken to be as late as it may be: an engine that was earlier has the next one earlier
// too.
func (c *checker) certain(s *series) int {
	if len(s.versions) == 0 || !s.latest.AutoRotate {
		return 0
	}
	wait := time.Duration(s.latest.TTL-s.latest.Overlap) * time.Second
	due, n := s.versions[0].IssuedAt.Add(wait), 0
	for _, term := range c.terms {
		if term.Outcome == Unknown {
			continue
		}
		for at := term.Start.Add(tick); !at.Add(sweep).After(term.End); at = at.Add(tick) {
			if due.Before(at.Add(-ahead)) {
				due = at.Add(sweep + wait)
				n++
			}
		}
	}
	return n
}

// checkSchedule checks that enough was rotated by schedule. A key that was changed by hand as well has no certain
// number.
func (c *checker) checkSchedule() {
	for _, name := range sorted(c.series) {
		s := c.series[name]
		if slices.ContainsFunc(s.attempts, func(e *Event) bool { return e.Op != Create }) {
			continue
		}
		done, certain := 0, c.certain(s)
		for _, change := range s.changes {
			if change.Operation == string(Rotate) && change.Request == "" {
				done++
			}
		}
		c.summary.Certain += certain
		if c.options.Rotations < 0 && done < certain {
			c.blame(Missed, name, "rotated %d times by schedule, and was due %d times", done, certain)
		}
	}
	if c.summary.BySchedule < c.options.Rotations {
		c.blame(
			Missed,
			"all",
			"%d rotations by schedule, and there have to be %d",
			c.summary.BySchedule,
			c.options.Rotations,
		)
	}
	for _, v := range c.versions {
		if v.change.Operation == string(Rotate) && v.change.Request != "" {
			c.summary.ByHand++
		}
	}
}

// checkTerms checks that every leader that led for a while has acknowledged a write and accepted a call.
func (c *checker) checkTerms() {
	for _, term := range c.terms {
		var wrote, judged bool
		for _, e := range c.events {
			if e.Outcome == Done && e.Start.After(term.Start) && e.End.Before(term.End) {
				wrote = wrote || e.write()
				judged = judged || e.Call != nil && e.Call.Verdict == "valid"
			}
		}
		if term.Outcome != Unknown && term.End.Sub(term.Start) > idle && (!wrote || !judged) {
			c.blame(Idle, term.Node, "led from %s to %s; acknowledged a write: %t, accepted a call: %t",
				clock(term.Start), clock(term.End), wrote, judged)
		}
	}
}

// checkAccount checks that the accountant, after the last change, has seen every key and its history, has made a call
// with every version and leased key that had been handed out, and that there is nothing which nobody made.
func (c *checker) checkAccount() {
	var last time.Time
	for _, e := range c.events {
		if e.write() && e.End.After(last) {
			last = e.End
		}
	}
	seen, handed := map[string]bool{}, map[string]bool{}
	listed := map[bool][]string{}
	for _, e := range c.events {
		if e.Outcome == Done && (e.Op == Reveal || e.Op == Issue) {
			handed[e.KeyID] = true
		}
		if e.Client != Accountant || e.Outcome != Done || e.Start.Before(last) {
			continue
		}
		seen[string(e.Op)+e.Key] = true
		if e.Call != nil && !e.Call.Forged {
			seen[e.KeyID] = true
		}
		listed[e.Leased] = append(listed[e.Leased], e.Names...)
	}
	for _, keyID := range sorted(handed) {
		if !seen[keyID] {
			c.blame(Unaccounted, keyID, "was handed out, and is not asked about in the end")
		}
	}
	c.checkNamed(listed[false], seen)
	c.checkLeased(listed[true])
}

// checkNamed checks the list of named keys, and that each was read.
func (c *checker) checkNamed(listed []string, seen map[string]bool) {
	for _, name := range listed {
		if c.series[name] == nil {
			c.blame(Unasked, name, "is there, and nobody made it")
		}
	}
	for _, name := range sorted(c.series) {
		s, there := c.series[name], slices.Contains(listed, name)
		made := slices.ContainsFunc(s.attempts, func(e *Event) bool { return e.Op == Create && e.Outcome == Done })
		switch {
		case made && !there:
			c.blame(LostWrite, name, "was made, and is not there in the end")
		case there && (!seen[string(Read)+name] || !seen[string(Changes)+name]):
			c.blame(Unaccounted, name, "is not asked about in the end")
		}
	}
}

// checkLeased checks that the leased keys which nobody got are no more than those whose answers were lost.
func (c *checker) checkLeased(listed []string) {
	lost := 0
	for _, e := range c.events {
		if e.Op == Issue && e.Outcome == Unknown {
			lost++
		}
	}
	stray := slices.DeleteFunc(slices.Clone(listed), func(keyID string) bool { return c.leased[keyID] != nil })
	if len(stray) > lost {
		c.blame(
			Unasked,
			strings.Join(stray, " "),
			"%d leased keys that nobody got, and %d answers were lost",
			len(stray),
			lost,
		)
	}
}
