package history

import (
	"fmt"
	"slices"
	"time"
)

// zero is when all histories in these tests begin; their times are seconds after it.
var zero = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return zero.Add(time.Duration(seconds * float64(time.Second))) }

// takes is how long each request takes.
const takes = 100 * time.Millisecond

// world is an engine that does no more than these tests need. It does what it is told, right or wrong, and records what
// clients see of it.
type world struct {
	now    float64
	keys   map[string]*Series
	logs   map[string][]Change
	leases []string
	events []*Event
	count  int
}

// step is something that happens at a time. Steps are named, so that a test can leave one out or find its event.
type step struct {
	at   float64
	name string
	do   func(*world) *Event
}

// play plays the steps in the order of their times, and returns the world and the events by the names of their steps.
func play(steps []step) (*world, map[string]*Event) {
	w := &world{keys: map[string]*Series{}, logs: map[string][]Change{}}
	named := map[string]*Event{}
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b step) int { return at(a.at).Compare(at(b.at)) })
	for _, s := range steps {
		w.now = s.at
		if e := s.do(w); e != nil {
			named[s.name] = e
		}
	}
	return w, named
}

// add records an event that begins now.
func (w *world) add(e Event) *Event {
	e.Start, e.End = at(w.now), at(w.now).Add(takes)
	if e.Outcome == "" {
		e.Outcome = Done
	}
	if e.Client == "" {
		e.Client = "client"
	}
	w.events = append(w.events, &e)
	return &e
}

func (w *world) second() time.Time { return at(w.now).Truncate(time.Second) }

// show returns the key as it is now.
func (w *world) show(key string) *Series {
	shown := *w.keys[key]
	shown.Versions = slices.Clone(shown.Versions)
	return &shown
}

func (w *world) log(key, operation, keyID, request string) {
	w.keys[key].Revision++
	w.logs[key] = append(w.logs[key], Change{w.second(), operation, keyID, request})
}

func (w *world) request() string {
	w.count++
	return fmt.Sprintf("request-%d", w.count)
}

// version adds a version to the key, named KEY-NUMBER.
func (w *world) version(key, operation, request string, overlap int) {
	s, now := w.keys[key], w.second()
	v := Version{
		KeyID: fmt.Sprintf("%s-%d", key, len(s.Versions)+1), Number: len(s.Versions) + 1,
		IssuedAt: now, ExpiresAt: now.Add(time.Duration(s.TTL) * time.Second),
	}
	cut := now.Add(time.Duration(overlap) * time.Second)
	for i := range s.Versions {
		if cut.Before(s.Versions[i].ExpiresAt) {
			s.Versions[i].ExpiresAt = cut
		}
	}
	if n := len(s.Versions); n > 0 {
		v.RotatedFrom, s.Versions[n-1].RotatedTo = s.Versions[n-1].KeyID, v.KeyID
	}
	s.Versions = append(s.Versions, v)
	w.log(key, operation, v.KeyID, request)
}

func create(key string, s Series) func(*world) *Event {
	return func(w *world) *Event {
		w.keys[key] = &s
		request := w.request()
		w.version(key, "create", request, s.Overlap)
		return w.add(Event{Op: Create, Key: key, Request: request, Series: w.show(key)})
	}
}

func rotate(key, keyID string, overlap int) func(*world) *Event {
	return func(w *world) *Event {
		request := w.request()
		w.version(key, "rotate", request, overlap)
		return w.add(Event{Op: Rotate, Key: key, KeyID: keyID, Overlap: overlap, Request: request, Series: w.show(key)})
	}
}

// lostRotate is a rotation that happens, or does not, and whose answer is lost.
func lostRotate(key, keyID string, overlap int, happens bool) func(*world) *Event {
	return func(w *world) *Event {
		if happens {
			w.version(key, "rotate", w.request(), overlap)
		}
		return w.add(Event{Op: Rotate, Key: key, KeyID: keyID, Overlap: overlap, Outcome: Unknown})
	}
}

// schedule rotates the key without being asked.
func schedule(key string) func(*world) *Event {
	return func(w *world) *Event {
		w.version(key, "rotate", "", w.keys[key].Overlap)
		return nil
	}
}

func revoke(key string, number int) func(*world) *Event {
	return func(w *world) *Event {
		v, request := &w.keys[key].Versions[number-1], w.request()
		v.RevokedAt = w.second()
		w.log(key, "revoke", v.KeyID, request)
		return w.add(Event{Op: Revoke, Key: key, KeyID: v.KeyID, Request: request, Series: w.show(key)})
	}
}

func ask(op Op, key, keyID string) func(*world) *Event {
	return func(w *world) *Event {
		e := Event{Op: op, Key: key, KeyID: keyID}
		if op == Read {
			e.Series = w.show(key)
		}
		if op == Changes {
			e.Log = slices.Clone(w.logs[key])
		}
		return w.add(e)
	}
}

func refused(op Op, key, keyID, says string) func(*world) *Event {
	return func(w *world) *Event {
		return w.add(Event{Op: op, Key: key, KeyID: keyID, Outcome: Refused, Status: 400, Says: says})
	}
}

func verify(keyID, call, verdict, successor string) func(*world) *Event {
	return func(w *world) *Event {
		return w.add(Event{Op: Verify, KeyID: keyID, Call: &Call{
			ID: call, Nonce: true, Signed: at(w.now), Verdict: verdict, Successor: successor, JudgedAt: w.second(),
		}})
	}
}

func forged(keyID, verdict string) func(*world) *Event {
	return func(w *world) *Event {
		return w.add(
			Event{
				Op:    Verify,
				KeyID: keyID,
				Call:  &Call{ID: "forged", Forged: true, Signed: at(w.now), Verdict: verdict},
			},
		)
	}
}

func lease(op Op, keyID string, seconds int, outcome Outcome) func(*world) *Event {
	return func(w *world) *Event {
		e := Event{Op: op, KeyID: keyID, Seconds: seconds, Outcome: outcome}
		if op == Issue {
			w.leases = append(w.leases, keyID)
			e.Expires = w.second().Add(time.Duration(seconds) * time.Second)
			if outcome != Done {
				e.KeyID = ""
			}
		}
		return w.add(e)
	}
}

func lead(node string, seconds float64) func(*world) *Event {
	return func(w *world) *Event {
		e := w.add(Event{Op: Lead, Node: node})
		e.End = at(w.now + seconds)
		return e
	}
}

// account is what the accountant asks in the end; verdicts are those of the calls it makes.
func account(verdicts map[string]string) func(*world) *Event {
	return func(w *world) *Event {
		w.add(Event{Client: Accountant, Op: List, Names: sorted(w.keys)})
		w.add(Event{Client: Accountant, Op: List, Leased: true, Names: w.leases})
		for _, key := range sorted(w.keys) {
			ask(Read, key, "")(w).Client = Accountant
			ask(Changes, key, "")(w).Client = Accountant
		}
		for _, keyID := range sorted(verdicts) {
			successor := ""
			for _, s := range w.keys {
				if v := s.version(keyID); v != nil {
					successor = v.RotatedTo
				}
			}
			verify(keyID, "account-"+keyID, verdicts[keyID], successor)(w).Client = Accountant
		}
		return nil
	}
}
