package sweep

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// settled checks that nothing that is due at the clock's time is undone.
func (w *world) settled(what string) {
	w.t.Helper()
	retention := tenant.DefaultConfig().Retention
	for name, k := range w.keys() {
		switch {
		case k.Gone(retention, w.now):
			w.t.Errorf("%s: %s is still there", what, name)
		case k.Overdue(w.care(), w.now):
			w.t.Errorf("%s: %s is overdue: %s to %s, rotates %s, now %s", what, name,
				k.Newest().IssuedAt, k.Newest().ExpiresAt, k.NextRotation(), w.now)
		}
	}
}

// The clock is set forward and back by days, between ticks and over restarts: what is due
// by the clock is done at the first tick, and never twice.
func TestClockSetForwardAndBack(t *testing.T) {
	for _, restarting := range []bool{false, true} {
		for _, row := range []struct {
			name   string
			clock  []time.Duration // from birth; a tick at each
			number []int           // the newest version after it
		}{
			{"back over the birth", []time.Duration{0, -10 * day, 0, 82 * day, 84 * day}, []int{1, 1, 1, 1, 2}},
			{
				"back after a rotation",
				[]time.Duration{0, 84 * day, 80 * day, 81 * day, 84*day + time.Minute, 165 * day, 168 * day},
				[]int{1, 2, 2, 2, 2, 2, 3},
			},
			{
				"forward by a month and back",
				[]time.Duration{0, 100 * day, 70 * day, 84 * day, 100 * day, 180 * day, 184 * day},
				[]int{1, 2, 2, 2, 2, 2, 3},
			},
			{
				"forward by years and back",
				[]time.Duration{0, 3000 * day, day, 2 * day, 3082 * day, 3084 * day},
				[]int{1, 2, 2, 2, 2, 3},
			},
			{
				"to and fro around the moment",
				[]time.Duration{0, 83 * day, 82 * day, 83 * day, 82 * day, 83 * day, 90 * day},
				[]int{1, 2, 2, 2, 2, 2, 2},
			},
			{
				"by minutes",
				[]time.Duration{
					82 * day, 82*day - time.Minute, 82*day + time.Minute, 83*day - time.Minute, 83 * day, 83 * day,
					83*day - 5*time.Minute,
				},
				[]int{1, 1, 1, 0, 2, 2, 2},
			},
		} {
			t.Run(fmt.Sprintf("%s, restarting %t", row.name, restarting), func(t *testing.T) {
				w := newWorld(t)
				birth := w.now
				w.create("billing", 90*day, 7*day)
				for i, at := range row.clock {
					w.now = birth.Add(at)
					if restarting {
						w.restart()
					}
					w.must(w.tick())
					what := fmt.Sprintf("tick %d at %s", i, at)
					w.settled(what)
					if n := w.keys()["billing"].Newest().Number; n != row.number[i] && row.number[i] > 0 {
						t.Fatalf("%s: version %d, want %d", what, n, row.number[i])
					}
				}
			})
		}
	}
}

// Any jumps of the clock at all, with keys of all sorts and some restarts.
func TestRandomClocks(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, rand.Uint64()} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(t)
			w.create("long", 90*day, 7*day)
			w.create("short", time.Hour, 20*time.Minute)
			w.create("middle", 10*day, 5*day)
			jumps := []time.Duration{
				time.Second,
				time.Minute,
				time.Minute,
				10 * time.Minute,
				3 * time.Hour,
				20 * day,
				100 * day,
			}
			for n := range 200 {
				by := jumps[r.IntN(len(jumps))]
				if r.IntN(3) == 0 {
					by = -by
				}
				w.now = w.now.Add(by)
				if r.IntN(20) == 0 {
					w.restart()
				}
				if r.IntN(50) == 0 {
					w.create(apikey.Name(fmt.Sprintf("k-%d", n)), 30*day, day)
				}
				before := w.keys()
				w.must(w.tick())
				w.settled(fmt.Sprintf("tick %d, %s later", n, by))
				for name, k := range w.keys() {
					switch was := before[name]; {
					case k.Newest().Number > was.Newest().Number+1,
						k.Newest().Number > was.Newest().Number && !was.RotationDue(w.now):
						t.Fatalf(
							"tick %d: %s rotated from version %d to %d",
							n,
							name,
							was.Newest().Number,
							k.Newest().Number,
						)
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// A retry that a clock set back has moved far away is not waited for.
func TestRetryBeforeTheClockWasSetBack(t *testing.T) {
	for name, op := range map[string]string{
		"the key can say so": "put ids/", "nothing of it can be written": "put keys/", "nor its entry moved": "put ",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			right := w.now.Add(84 * day)
			w.create("billing", 90*day, 7*day)
			w.now = right.Add(5 * day) // the clock is wrong, and storage fails
			w.s.fail(contains(op))
			for range 3 {
				if w.tick() == nil {
					t.Error("nobody is told")
				}
				w.now = w.now.Add(30 * time.Minute)
			}
			w.s.fail(nil)
			w.now = right // and now it is right
			for range 12 {
				w.must(w.tick())
				w.now = w.now.Add(time.Minute)
			}
			if n := w.keys()["billing"].Newest().Number; n != 2 {
				t.Errorf("version %d", n)
			}
			w.settled("then")
		})
	}
}

// A deleted key and the secret of an ended version are kept for the retention, however
// the clock is set meanwhile.
func TestNothingIsErasedEarlyByTheClock(t *testing.T) {
	w := newWorld(t)
	w.create("billing", 90*day, 7*day)
	w.must(w.tick())
	w.update("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Delete(apikey.Actor{}, w.now) })
	deleted := w.now
	for _, at := range []time.Duration{-3 * day, 6 * day, -100 * day, 7*day - time.Second, 7 * day} {
		w.now = deleted.Add(at)
		w.must(w.tick())
		if there := w.keys()["billing"] != nil; there != (at < 7*day) {
			t.Errorf("at %s there: %t", at, there)
		}
	}
	for range 100 { // entries that led to it go in their time
		w.now = w.now.Add(day)
		w.must(w.tick())
	}
	if due := w.due(); len(due) != 0 {
		t.Errorf("due: %v", due)
	}
}
