package verify

import (
	"runtime"
	"slices"
	"time"
)

// gathering is a flight that has landed and waits for its callers to be back, who mostly have another call at once. To
// Vault a request of many calls costs little more than one of few; without, some would fly while the others wait, in turn.
type collectWindow struct {
	calls int         // that have to wait
	ready chan *batch // gets one, with these on board
}

// longestGathering bounds it where Vault is slow: callers who have another call are there sooner.
const maxCollectWindow = 10 * time.Millisecond

// seldom is how many landings in a row have no gathering at the most, where callers did not come back in time.
const maxSkippedWindows = 63

// fly asks about those on board, and then about those who wait, until nobody does.
func (v *Verifier) sendBatches(b *batch) {
	for b != nil {
		sent := time.Now()
		answers, err := v.send(b)
		took := time.Since(sent)
		b.cancel()
		w := v.openWindow(len(b.questions)) // before the first of them can be back
		for i, q := range b.questions {
			if err != nil {
				q.answer <- rawAnswer{err: err}
			} else {
				q.answer <- answers[i]
			}
		}
		b = v.awaitBatch(w, min(took/2, maxCollectWindow))
	}
}

// land begins a gathering for so many who are about to be answered, or returns nil: for one alone, when as many wait, and
// when it came to nothing before.
func (v *Verifier) openWindow(back int) *collectWindow {
	v.mu.Lock()
	defer v.mu.Unlock()
	if back == 1 || v.waiting.Len() >= back {
		return nil
	}
	if v.windowsToSkip > 0 {
		v.windowsToSkip--
		return nil
	}
	calls := back - back/8 // Some may be done.
	if len(v.windows) == 0 {
		calls += v.waiting.Len()
	}
	w := &collectWindow{min(calls, maxItems, v.options.Queue), make(chan *batch, 1)}
	v.windows = append(v.windows, w)
	return w
}

// takeOff returns the next flight, nil when nobody waits. For a gathering it waits until that is complete, but not longer
// than it may.
func (v *Verifier) awaitBatch(w *collectWindow, most time.Duration) *batch {
	if w == nil {
		runtime.Gosched() // Those who have another call come along.
	} else {
		timer := time.NewTimer(most)
		defer timer.Stop()
		select {
		case b := <-w.ready:
			return b
		case <-timer.C:
		case <-v.ctx.Done():
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if w != nil {
		i := slices.Index(v.windows, w)
		if i < 0 { // It was completed meanwhile.
			return <-w.ready
		}
		v.windows = slices.Delete(v.windows, i, i+1)
		v.skippedLast = min(2*v.skippedLast+1, maxSkippedWindows)
		v.windowsToSkip = v.skippedLast
	}
	b := v.nextBatch()
	if b == nil {
		v.inFlight--
	}
	return b
}

// complete has the first gathering take off if nobody is missing. The lock is held.
func (v *Verifier) closeFullWindow() {
	if len(v.windows) > 0 && v.waiting.Len() >= v.windows[0].calls {
		v.windows[0].ready <- v.nextBatch()
		v.windows = slices.Delete(v.windows, 0, 1)
		v.skippedLast /= 2
	}
}
