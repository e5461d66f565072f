package backend_test

import (
	"strings"
	"testing"
	"time"
)

// A rotation that leaves less than half of the overlap is told, while it waits and then,
// until the next one by hand or in time.
func TestLateRotationIsTold(t *testing.T) {
	for name, row := range map[string]struct {
		late time.Duration
		told bool
	}{
		"in time":            {0, false},
		"half of it is left": {rotateLap / 2, false},
		"less than half":     {rotateLap/2 + time.Second, true},
	} {
		clocked(t, name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			acme.key(billing, scheduled)
			w.sweep()
			until(acme.read(billing).str("next_rotation"))
			wait(row.late)
			tells := func(want bool) {
				t.Helper()
				acme.read(billing).is(fields{"rotation_late": want})
				if got := hasItem(acme.read("my/due").rows("items"), "billing", "rotation_late"); got != want {
					t.Errorf("an event: %t", got)
				}
			}
			tells(row.told)
			w.sweep()
			tells(row.told)
			late := 0
			if row.told {
				late = 1
			}
			w.root().read("status").is(fields{"rotated": 1, "rotated_late": late, "oldest_rotation_seconds": 0})
			w.restart()
			tells(row.told)
			acme.write(billing+"/rotate", nil)
			tells(false)
		})
	}
}

// The mount is unloaded: nothing is swept any more.
func TestUnloadedMountIsNotSwept(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, scheduled)
		w.sweep()
		until(acme.read(billing).str("next_rotation"))
		w.engine.Cleanup(t.Context())
		if n := w.operations(w.sweep); n > 0 {
			t.Errorf("%d operations", n)
		}
		acme.stands(billing, "current")
		w.restart()
		w.sweep()
		acme.stands(billing, "overlapping current")
	})
}

// Entries of the due index as an older version has written them are read, and made into
// today's.
func TestDueEntriesOfTheOldForm(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, scheduled)
		for _, path := range w.entries("due/") {
			entry, err := w.storage.Get(t.Context(), path)
			w.must(err)
			w.lose(path)
			w.put(path[:strings.LastIndex(path, ":r")], string(entry.Value))
		}
		w.restart()
		until(acme.read(billing).str("next_rotation"))
		w.sweep()
		acme.stands(billing, "overlapping current")
		w.onlyTrueEntries()
	})
}
