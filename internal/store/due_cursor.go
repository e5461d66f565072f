package store

import (
	"slices"
	"sync"
	"time"
)

// dueCursor is how far this node has swept the due index. Sweeps continue from there, so that a sweep without work
// lists only a minute or two of a large index. It is in memory: the first sweep after a start lists the whole index.
type dueCursor struct {
	mu      sync.Mutex
	sweptTo time.Time // the last swept minute; earlier ones are done or open; zero: not known
	open    map[time.Time]uint64
	noted   uint64
}

// longestGap is the longest time since the last sweep for which the minutes in between are opened one by one.
const longestGap = 2 * time.Hour

// reopen opens the minute of an entry that was written, or may have been, behind the sweep. Call it after the write,
// because a sweep that runs meanwhile may have missed the entry.
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

// begin opens the minutes from the last sweep to now. It reports false if the whole index must be listed.
func (a *dueCursor) begin(now time.Time) bool {
	minute := now.UTC().Truncate(time.Minute)
	a.mu.Lock()
	defer a.mu.Unlock()
	from, known := a.sweptTo, !a.sweptTo.IsZero() && minute.Sub(a.sweptTo) <= longestGap
	a.sweptTo = minute // also if the clock was set back: these minutes come again
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

// openAll opens the given minutes.
func (a *dueCursor) openAll(minutes []time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range minutes {
		a.add(m)
	}
}

// reset makes the next sweep list the whole index.
func (a *dueCursor) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweptTo = time.Time{}
}

// Minute is a minute of the due index that may have due entries.
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

// finish closes a minute, unless an entry was written into it since minutes returned it.
func (a *dueCursor) finish(m Minute) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open[m.At] == m.noted {
		delete(a.open, m.At)
	}
}

// since returns the first minute that may not be done; zero: not known.
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
