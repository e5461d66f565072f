package verify

import (
	"runtime"
	"slices"
	"time"
)

// collectWindow delays the next batch until the callers that were just answered may have sent another call, which most
// of them do at once. A request of many calls costs Vault little more than one of few. Without the window the callers
// would split into two groups, of which one always waits for the other.
type collectWindow struct {
	calls int         // that fill the window
	ready chan *batch // gets one batch, with these calls
}

// maxCollectWindow bounds the window where Vault is slow: callers that have another call are back sooner.
const maxCollectWindow = 10 * time.Millisecond

// maxSkippedWindows is how many answers in a row open no window at the most, where callers did not come back in time.
const maxSkippedWindows = 63

// sendBatches sends a batch, and then those of the questions that wait, until none does.
func (v *Verifier) sendBatches(b *batch) {
	for b != nil {
		sent := time.Now()
		answers, err := v.send(b)
		took := time.Since(sent)
		b.cancel()
		w := v.openWindow(len(b.questions)) // before the first caller can be back
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

// openWindow opens a window for the callers that are about to be answered, or returns nil: for a single caller, when as
// many already wait, and for a while after a window that did not fill.
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
	calls := back - back/8 // Some callers may be done.
	if len(v.windows) == 0 {
		calls += v.waiting.Len()
	}
	w := &collectWindow{min(calls, maxItems, v.options.queue), make(chan *batch, 1)}
	v.windows = append(v.windows, w)
	return w
}

// awaitBatch returns the next batch, or nil when no question waits. It waits until the window is full, but for most at
// the longest.
func (v *Verifier) awaitBatch(w *collectWindow, most time.Duration) *batch {
	if w == nil {
		runtime.Gosched() // Callers that have another call may join.
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
		if i < 0 { // It has filled meanwhile.
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

// closeFullWindow hands the first window its batch if it is full. The lock is held.
func (v *Verifier) closeFullWindow() {
	if len(v.windows) > 0 && v.waiting.Len() >= v.windows[0].calls {
		v.windows[0].ready <- v.nextBatch()
		v.windows = slices.Delete(v.windows, 0, 1)
		v.skippedLast /= 2
	}
}
