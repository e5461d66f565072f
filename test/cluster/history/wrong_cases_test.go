package history

import (
	"slices"
)

// verdict gives the event of a step another verdict.
func verdict(name, is string) func(*world, map[string]*Event) {
	return func(_ *world, e map[string]*Event) { e[name].Call.Verdict = is }
}

// handOutLess takes away what depends on versions that were not made.
func handOutLess(w *world, _ map[string]*Event) {
	w.events = slices.DeleteFunc(w.events, func(e *Event) bool {
		return e.Op == Reveal && e.Key == "due" && w.keys["due"].version(e.KeyID) == nil
	})
}

// strike removes a request from all histories of a key.
func (w *world) strike(key, request string) {
	for _, e := range w.events {
		if e.Key == key {
			e.Log = slices.DeleteFunc(e.Log, func(c Change) bool { return c.Request == request })
		}
	}
}

// last returns the last event of a kind about a key.
func (w *world) last(op Op, key string) *Event {
	var last *Event
	for _, e := range w.events {
		if e.Op == op && e.Key == key {
			last = e
		}
	}
	return last
}

// ends has a version end at another time wherever so many versions are shown.
func (w *world) ends(keyID string, newest int, seconds float64) {
	for _, e := range w.events {
		if e.Series != nil && len(e.Series.Versions) == newest {
			if v := e.Series.version(keyID); v != nil {
				v.ExpiresAt = at(seconds)
			}
		}
	}
}
