package sweep

import "time"

// Status is how the sweep is doing on this node, since it started.
type Status struct {
	Lag     time.Duration // since when something may be due that was not done
	Due     int           // entries and keys that were due at the last tick, and are not done
	Oldest  time.Duration // since when the oldest rotation of those waits
	Rotated int64         // keys, by schedule
	Late    int64         // of those, when half of the overlap had passed
	Failed  int64         // attempts to do what was due
	Erased  int64         // secrets of ended versions, and whole keys
}

// Status returns how the sweep is doing at now.
func (w *Sweeper) Status(now time.Time) Status {
	since := w.store.DoneUntil()
	if since.IsZero() {
		since = w.started
	}
	due, oldest := w.waiting(now)
	return Status{
		Lag:     max(0, now.Sub(since)).Truncate(time.Second),
		Due:     due,
		Oldest:  max(0, now.Sub(oldest)).Truncate(time.Second),
		Rotated: w.rotated.Load(),
		Late:    w.late.Load(),
		Failed:  w.failed.Load(),
		Erased:  w.erased.Load(),
	}
}

// waiting returns how much was due and is not done, and since when the oldest rotation of
// that waits.
func (w *Sweeper) waiting(now time.Time) (due int, oldest time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	oldest = now
	for at, n := range w.waits {
		due += n.all
		if n.rotations > 0 && at.Before(oldest) {
			oldest = at
		}
	}
	return due, oldest
}
