package client

import (
	"runtime"
	"slices"
	"time"
)

// gathering is a flight that has landed and waits for its callers to be back, who mostly have another call at once. To
// Vault a request of many calls costs little more than one of few; without, some would fly while the others wait, in turn.
type gathering struct {
	calls int          // that have to wait
	ready chan *flight // gets one, with these on board
}

// longestGathering bounds it where Vault is slow: callers who have another call are there sooner.
const longestGathering = 10 * time.Millisecond

// seldom is how many landings in a row have no gathering at the most, where callers did not come back in time.
const seldom = 63

// fly asks about those on board, and then about those who wait, until nobody does.
func (v *Verifier) fly(f *flight) {
	for f != nil {
		sent := time.Now()
		answers, err := v.ask(f)
		took := time.Since(sent)
		f.giveUp()
		g := v.land(len(f.questions)) // before the first of them can be back
		for i, q := range f.questions {
			if err != nil {
				q.answer <- judged{err: err}
			} else {
				q.answer <- answers[i]
			}
		}
		f = v.takeOff(g, min(took/2, longestGathering))
	}
}

// land begins a gathering for so many who are about to be answered, or returns nil: for one alone, when as many wait, and
// when it came to nothing before.
func (v *Verifier) land(back int) *gathering {
	v.mu.Lock()
	defer v.mu.Unlock()
	if back == 1 || v.waiting.Len() >= back {
		return nil
	}
	if v.skip > 0 {
		v.skip--
		return nil
	}
	calls := back - back/8 // Some may be done.
	if len(v.gatherings) == 0 {
		calls += v.waiting.Len()
	}
	g := &gathering{min(calls, maxItems, v.options.Queue), make(chan *flight, 1)}
	v.gatherings = append(v.gatherings, g)
	return g
}

// takeOff returns the next flight, nil when nobody waits. For a gathering it waits until that is complete, but not longer
// than it may.
func (v *Verifier) takeOff(g *gathering, most time.Duration) *flight {
	if g == nil {
		runtime.Gosched() // Those who have another call come along.
	} else {
		timer := time.NewTimer(most)
		defer timer.Stop()
		select {
		case f := <-g.ready:
			return f
		case <-timer.C:
		case <-v.ctx.Done():
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if g != nil {
		i := slices.Index(v.gatherings, g)
		if i < 0 { // It was completed meanwhile.
			return <-g.ready
		}
		v.gatherings = slices.Delete(v.gatherings, i, i+1)
		v.missed = min(2*v.missed+1, seldom)
		v.skip = v.missed
	}
	f := v.board()
	if f == nil {
		v.flights--
	}
	return f
}

// complete has the first gathering take off if nobody is missing. The lock is held.
func (v *Verifier) complete() {
	if len(v.gatherings) > 0 && v.waiting.Len() >= v.gatherings[0].calls {
		v.gatherings[0].ready <- v.board()
		v.gatherings = slices.Delete(v.gatherings, 0, 1)
		v.missed /= 2
	}
}
