package sweep_test

import (
	"fmt"
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
			acme := w.Tenant("acme")
			acme.Key(billing, scheduled)
			w.Sweep()
			until(acme.Read(billing).Str("next_rotation"))
			wait(row.late)
			tells := func(want bool) {
				t.Helper()
				acme.Read(billing).Is(fields{"rotation_late": want})
				if got := hasItem(acme.Read("my/due").Rows("items"), "billing", "rotation_late"); got != want {
					t.Errorf("an event: %t", got)
				}
			}
			tells(row.told)
			w.Sweep()
			tells(row.told)
			late := 0
			if row.told {
				late = 1
			}
			w.Root().Read("status").Is(fields{"rotated": 1, "rotated_late": late, "oldest_rotation_seconds": 0})
			w.Restart()
			tells(row.told)
			acme.Write(billing+"/rotate", nil)
			tells(false)
		})
	}
}

// Entries of the due index as an older version has written them are read, and made into
// today's.
func TestDueEntriesOfTheOldForm(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, scheduled)
		for _, path := range w.Entries("due/") {
			entry, err := w.Storage.Get(t.Context(), path)
			w.Must(err)
			lose(w, path)
			w.Put(path[:strings.LastIndex(path, ":r")], string(entry.Value))
		}
		w.Restart()
		until(acme.Read(billing).Str("next_rotation"))
		w.Sweep()
		acme.Stands(billing, "overlapping current")
		onlyTrueEntries(w)
	})
}

// An idle tick costs the same few operations however many keys there are: the minute
// before is looked at once more, and this one. The first tick lists the index.
func TestIdleTicksAreFlat(t *testing.T) {
	for _, keys := range []int{10, 500} {
		clocked(t, fmt.Sprint(keys), func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			w.Root().Patch("config", fields{"max_keys": keys})
			for n := range keys {
				acme.Trying().Write(fmt.Sprintf("my/external/keys/key-%d", n), scheduled).Expect(200, "")
			}
			w.Restart()
			w.Sweep()
			for n := range 5 {
				wait(time.Minute)
				w.Cost(w.Sweep).AtMost(t, fmt.Sprintf("tick %d", n), cost{Lists: 2}, 3)
			}
			wait(time.Hour) // in which nobody ticked; the walk is due as well
			w.Sweep()
			w.Cost(w.Sweep).AtMost(t, "after a gap", cost{Lists: 1}, 3) // in the same minute
			wait(3 * time.Hour)                                         // so long a gap has the index listed
			// Lists of hours; none has begun that holds anything.
			w.Cost(w.Sweep).AtMost(t, "after a long gap", cost{Lists: 3}, 3)
		})
	}
}
