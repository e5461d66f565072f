package sweep

import "time"

// Status describes the sweeps of this node since its start.
type Status struct {
	Lag     time.Duration // the age of the oldest minute that may not be done
	Due     int           // entries and keys that were due at the last tick and are not done
	Oldest  time.Duration // how long the oldest of these rotations has waited
	Rotated int64         // keys rotated by schedule
	Late    int64         // of these, the ones rotated after half of the overlap
	Failed  int64         // failed attempts
	Erased  int64         // erased secrets of ended versions, and erased keys
}

// Status returns the status at now.
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

// waiting returns how many due entries are not done, and the minute of the oldest rotation among them, or now.
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
