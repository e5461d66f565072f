package history

import (
	"slices"
	"strings"
	"time"
)

// judged returns when a call was judged, as closely as the server's own time, cut to seconds, allows.
func (e *Event) judged() (from, to time.Time) {
	from, to = e.Start, e.End
	if at := e.Call.JudgedAt; !at.IsZero() {
		if at.After(from) {
			from = at
		}
		if end := at.Add(time.Second - 1); end.Before(to) {
			to = end
		}
	}
	return from, to
}

// callWindow is the clock window for calls in the past, as the mount has it by default.
const callWindow = 300 * time.Second

// checkVerdict checks a verdict against what the version was when the call was judged.
func (c *checker) checkVerdict(e *Event) {
	if e.Call == nil {
		return
	}
	may := c.verdicts(e)
	verdict := e.Call.Verdict
	if verdict == "replayed" && slices.Contains(may, "valid") {
		return // checkReplay looks at it.
	}
	if verdict == "too_old" && e.End.Sub(e.Call.Signed) > callWindow {
		return
	}
	if !slices.Contains(may, verdict) {
		c.blame(Judgement, e.KeyID, "a call is %s from %s to %s at %s, and should be %s",
			verdict, clock(e.Start), clock(e.End), e.Node, strings.Join(may, " or "))
	}
	c.checkSuccessor(e)
}

// verdicts returns what a right engine can have answered, without regard to replays.
func (c *checker) verdicts(e *Event) []string {
	if e.Call.Forged {
		return []string{"bad_signature"}
	}
	if l := c.leased[e.KeyID]; l != nil {
		return l.verdicts(e)
	}
	v := c.versions[e.KeyID]
	if v == nil {
		return []string{"of a version that is shown somewhere"}
	}
	if v.revoked.surely(e) {
		return []string{"revoked"}
	}
	var may []string
	if v.revoked.maybe(e) {
		may = append(may, "revoked")
	}
	from, to := e.judged()
	if !to.Before(v.earliestEnd(e)) {
		may = append(may, "expired")
	}
	if from.Before(v.latestEnd(e)) {
		may = append(may, "valid")
	}
	return may
}

// checkSuccessor checks that the holder of a replaced version learns which one has replaced it.
func (c *checker) checkSuccessor(e *Event) {
	v := c.versions[e.KeyID]
	if v == nil || !e.Call.known() {
		return
	}
	told, next := e.Call.Successor, v.next
	switch {
	case told == "" && next != nil && next.born.surely(e):
		c.blame(Judgement, e.KeyID, "at %s no successor is told, and there was %s", clock(e.Start), next.KeyID)
	case told != "" && (next == nil || told != next.KeyID || !next.born.maybe(e)):
		c.blame(Judgement, e.KeyID, "at %s the successor told is %s", clock(e.Start), told)
	}
}

// checkSigner checks that what signed, or was handed out, was the current version and inside its life.
func (c *checker) checkSigner(e *Event) {
	v := c.versions[e.KeyID]
	if v == nil || v.series.key != e.Key {
		c.blame(Vanished, e.Key, "%s at %s is with %s, which the key does not show", e.Op, clock(e.Start), e.KeyID)
		return
	}
	switch {
	case !v.current(e):
		c.blame(Signer, e.Key, "%s at %s is with version %d, which was replaced", e.Op, clock(e.Start), v.Number)
	case v.revoked.surely(e):
		c.blame(Signer, e.Key, "%s at %s is with version %d, which was revoked", e.Op, clock(e.Start), v.Number)
	case !e.Start.Before(v.latestEnd(e)):
		c.blame(Signer, e.Key, "%s at %s is with version %d, which had expired", e.Op, clock(e.Start), v.Number)
	}
}

// current reports whether v can have been the newest version for e.
func (v *version) current(e *Event) bool {
	return v.born.maybe(e) && (v.next == nil || !v.next.born.surely(e))
}

// checkRefusal checks that there was a reason for a refusal.
func (c *checker) checkRefusal(e *Event) {
	reasons := map[Op]func(*Event) bool{
		Create: c.taken, Rotate: c.replaced, Sign: c.ended, Reveal: c.ended, Renew: c.over, Return: c.over,
	}
	if reason := reasons[e.Op]; reason == nil || !reason(e) {
		c.blame(
			Refusal,
			e.Key+e.KeyID,
			"%s from %s to %s at %s: %d %s",
			e.Op,
			clock(e.Start),
			clock(e.End),
			e.Node,
			e.Status,
			e.Says,
		)
	}
}

// taken reports whether the key of e may have been made by another request.
func (c *checker) taken(e *Event) bool {
	return slices.ContainsFunc(c.series[e.Key].attempts, func(other *Event) bool {
		return other != e && other.Op == Create && other.Outcome != Refused && other.Start.Before(e.End)
	})
}

// replaced reports whether the version of e may have been rotated by then.
func (c *checker) replaced(e *Event) bool {
	v := c.versions[e.KeyID]
	return v != nil && v.next != nil && v.next.born.maybe(e)
}

// ended reports whether what may have been the current version for e may have ended as the refusal says.
func (c *checker) ended(e *Event) bool {
	return slices.ContainsFunc(c.series[e.Key].versions, func(v *version) bool {
		return v.current(e) && (strings.Contains(e.Says, "expired") && !e.End.Before(v.earliestEnd(e)) ||
			strings.Contains(e.Says, "revoked") && v.revoked.maybe(e))
	})
}

// over reports whether the lease of e may have ended by then.
func (c *checker) over(e *Event) bool {
	l := c.leased[e.KeyID]
	return l != nil && l.over(e)
}

// checkReplay checks that a call is accepted once by each leader, and refused as replayed only when it came before.
func (c *checker) checkReplay() {
	calls := map[string][]*Event{}
	for _, e := range c.events {
		if e.Call == nil || e.Call.Forged {
			continue
		}
		for _, other := range calls[e.Call.ID] {
			if e.Call.Nonce && e.Call.Verdict == "valid" && other.Call.Verdict == "valid" {
				if !c.failover(other.Start, e.End) {
					c.blame(
						Replay,
						e.KeyID,
						"call %s is accepted at %s and at %s by the same leader",
						e.Call.ID,
						clock(other.Start),
						clock(e.Start),
					)
				}
				c.summary.Again++
			}
		}
		calls[e.Call.ID] = append(calls[e.Call.ID], e)
	}
	for _, id := range sorted(calls) {
		for _, e := range calls[id] {
			came := slices.ContainsFunc(calls[id], func(other *Event) bool {
				return other != e && !other.Start.After(e.End) &&
					(other.Call.Verdict == "valid" || other.Outcome == Unknown)
			})
			if e.Call.Verdict == "replayed" && (!e.Call.Nonce || !came) {
				c.blame(Replay, e.KeyID, "call %s is replayed at %s, and nobody had sent it", id, clock(e.Start))
			}
		}
	}
}

// failover reports whether a leader has ended between two times.
func (c *checker) failover(from, to time.Time) bool {
	return slices.ContainsFunc(c.terms, func(term *Event) bool { return !term.End.Before(from) && !term.End.After(to) })
}
