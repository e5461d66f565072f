package enginetest

import (
	"maps"
	"testing"
)

// Cost is what some requests cost: operations of storage, callbacks into Vault.
type Cost struct {
	Gets, Puts, Lists, Deletes int
	Callbacks                  map[string]int
}

// Cost does something and returns what it cost.
func (w *World) Cost(do func()) Cost {
	w.T.Helper()
	now := func() Cost {
		return Cost{
			w.Storage.Count(Get),
			w.Storage.Count(Put),
			w.Storage.Count(List),
			w.Storage.Count(Delete),
			w.Vault.Made(),
		}
	}
	before := now()
	do()
	after := now()
	maps.DeleteFunc(after.Callbacks, func(what string, n int) bool { return n == before.Callbacks[what] })
	for what := range after.Callbacks {
		after.Callbacks[what] -= before.Callbacks[what]
	}
	return Cost{
		after.Gets - before.Gets, after.Puts - before.Puts, after.Lists - before.Lists, after.Deletes - before.Deletes,
		after.Callbacks,
	}
}

// AtMost checks a cost against bounds; callbacks are counted in sum.
func (c Cost) AtMost(t *testing.T, what string, most Cost, callbacks int) {
	t.Helper()
	n := 0
	for _, made := range c.Callbacks {
		n += made
	}
	if c.Gets > most.Gets || c.Puts > most.Puts || c.Lists > most.Lists || c.Deletes > most.Deletes || n > callbacks {
		t.Errorf("%s: %+v, want at most %+v and %d callbacks", what, c, most, callbacks)
	}
}

// Exactly checks a cost to the operation: what is not done is as telling as what is.
func (c Cost) Exactly(t *testing.T, what string, want Cost) {
	t.Helper()
	if c.Gets != want.Gets || c.Puts != want.Puts || c.Lists != want.Lists || c.Deletes != want.Deletes {
		t.Errorf("%s: %+v, want %+v", what, c, want)
	}
}
