package sweep

import "time"

// Status is how the sweep is doing on this node, since it started.
type Status struct {
	Lag     time.Duration // since when something may be due that was not done
	Due     int           // entries that were due at the last tick, and left for the next
	Rotated int64         // keys, by schedule
	Failed  int64         // attempts to do what was due
	Erased  int64         // secrets of ended versions, and whole keys
}

// Status returns how the sweep is doing at now.
func (w *Sweeper) Status(now time.Time) Status {
	since := w.store.DoneUntil()
	if since.IsZero() {
		since = w.started
	}
	return Status{
		Lag: max(0, now.Sub(since)).Truncate(time.Second), Due: int(w.waiting.Load()),
		Rotated: w.rotated.Load(), Failed: w.failed.Load(), Erased: w.erased.Load(),
	}
}
