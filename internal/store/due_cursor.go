package store

import (
	"slices"
	"sync"
	"time"
)

// dueCursor is how far this node has worked through the due index. Going on from there, a
// sweep with nothing to do lists a minute or two, however large the index is. It is in
// memory: after a start the index is listed once as a whole.
type dueCursor struct {
	mu      sync.Mutex
	sweptTo time.Time // the minute that was swept last; what is due before it is done, or open; zero: not known
	open    map[time.Time]uint64
	noted   uint64
}

// longestGap is how much time may have passed since the last sweep for its minutes to be
// looked at one by one.
const longestGap = 2 * time.Hour

// reopen has the minute of an entry looked at that was written, or may have been, behind the
// sweep's back. It is called after the write: a sweep that overlaps it may have missed it.
func (a *dueCursor) reopen(due time.Time) {
	minute := due.Truncate(time.Minute)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sweptTo.IsZero() || minute.Before(a.sweptTo) {
		a.add(minute)
	}
}

func (a *dueCursor) add(minute time.Time) {
	if a.open == nil {
		a.open = make(map[time.Time]uint64)
	}
	a.noted++
	a.open[minute.UTC()] = a.noted
}

// begin opens the minutes from the last sweep to now, and reports false where the index
// has to be listed to know which they are.
func (a *dueCursor) begin(now time.Time) bool {
	minute := now.UTC().Truncate(time.Minute)
	a.mu.Lock()
	defer a.mu.Unlock()
	from, known := a.sweptTo, !a.sweptTo.IsZero() && minute.Sub(a.sweptTo) <= longestGap
	a.sweptTo = minute // also when the clock was set back: time then comes by again
	if !known {
		return false
	}
	for m := from; !m.After(minute); m = m.Add(time.Minute) {
		a.add(m)
	}
	if minute.Before(from) {
		a.add(minute)
	}
	return true
}

// openAll opens the minutes of a whole index.
func (a *dueCursor) openAll(minutes []time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range minutes {
		a.add(m)
	}
}

// reset has the next sweep list the index.
func (a *dueCursor) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweptTo = time.Time{}
}

// Minute is a minute of the due index that may hold something to do.
type Minute struct {
	At    time.Time
	noted uint64
}

// minutes returns the open minutes up to now, oldest first.
func (a *dueCursor) minutes(now time.Time) []Minute {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Minute
	for at, noted := range a.open {
		if !at.After(now) {
			all = append(all, Minute{at, noted})
		}
	}
	slices.SortFunc(all, func(x, y Minute) int { return x.At.Compare(y.At) })
	return all
}

// finish closes a minute, unless an entry was written into it since it was returned.
func (a *dueCursor) finish(m Minute) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open[m.At] == m.noted {
		delete(a.open, m.At)
	}
}

// since returns the minute since which something may be undone; zero: not known.
func (a *dueCursor) since() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	since := a.sweptTo
	for at := range a.open {
		if at.Before(since) {
			since = at
		}
	}
	return since
}
