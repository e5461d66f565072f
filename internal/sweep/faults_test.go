package sweep_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func TestBusyMorning(t *testing.T) {
	b := newBusy(t)
	alone(t, func(t *testing.T, _ *world) {
		w, acme := b.world(t)
		b.of(w, "used").Finds("valid")
		w.Sweep()
		w.Root().Read("status").Is(fields{"rotated": 3, "erased": 6, "failed": 0, "due": 0})
		b.right(t, w, acme, false)
		wait(day)
		w.Ticking(400*day, 5*day)
		onlyTrueEntries(w)
	})
}

// Whichever operation of a sweep fails, before it is done or after, and whether the node
// goes on or another one does: some minutes later everything has been done, and once.
func TestSweepWithFailingStorage(t *testing.T) {
	b := newBusy(t)
	for _, landed := range []bool{false, true} {
		for _, restarted := range []bool{false, true} {
			for n, met := 1, true; met; n++ {
				clocked(
					t,
					fmt.Sprintf("operation %d, landed %v, restarted %v", n, landed, restarted),
					func(t *testing.T, _ *world) {
						w, acme := b.world(t)
						b.of(w, "used").Finds("valid")
						b.of(w, "rotates").Finds("valid")
						f := failure{N: n, Landed: landed}
						f.Into(w.Storage)
						err := w.Tick()
						w.Storage.Hooks(nil, nil)
						if met = f.Met; met && err == nil {
							t.Error("nobody is told")
						}
						if restarted {
							w.Restart()
							b.of(w, "used").Finds("valid") // the use may be lost with the node
						}
						w.Ticking(6*time.Minute, time.Minute)
						b.right(t, w, acme, restarted)
					},
				)
			}
		}
	}
}

// The same when storage fails twice, with the operations after the first failure, which
// write it down.
func TestSweepWithStorageFailingTwice(t *testing.T) {
	b := newBusy(t)
	for n := 1; n < 120; n += 3 {
		for more := 1; more < 8; more += 2 {
			clocked(t, fmt.Sprintf("operations %d and %d later", n, more), func(t *testing.T, _ *world) {
				w, acme := b.world(t)
				b.of(w, "used").Finds("valid")
				var count atomic.Int64
				w.Storage.Hooks(func(string, string) error {
					if c := int(count.Add(1)); c == n || c == n+more {
						return errStorage
					}
					return nil
				}, nil)
				_ = w.Tick()
				w.Storage.Hooks(nil, nil)
				w.Ticking(6*time.Minute, time.Minute)
				b.right(t, w, acme, false)
			})
		}
	}
}

// Storage that is away for hours, as a whole or in a single verb: everything is done when
// it is back.
func TestSweepWithoutStorageForHours(t *testing.T) {
	b := newBusy(t)
	for _, away := range []string{"", get, put, list, del} {
		clocked(t, "away: "+away, func(t *testing.T, _ *world) {
			w, acme := b.world(t)
			b.of(w, "used").Finds("valid")
			w.Storage.Hooks(func(verb, _ string) error {
				if away == "" || verb == away {
					return errStorage
				}
				return nil
			}, nil)
			for range 150 {
				if w.Tick() == nil && away != del && away != get {
					t.Error("nobody is told")
				}
				wait(time.Minute)
			}
			w.Storage.Hooks(nil, nil)
			w.Ticking(62*time.Minute, time.Minute) // the longest that it waits to try again
			b.right(t, w, acme, false)
		})
	}
}
