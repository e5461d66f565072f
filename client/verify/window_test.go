package verify

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestVerifierTogether has callers that send the next call at once: they share requests, however few may be under way.
func TestVerifierTogether(t *testing.T) {
	for _, row := range []struct{ inFlight, queue, callers, most int }{
		{1, 0, 64, 130}, {2, 0, 64, 240}, {3, 0, 64, 350}, {1, 0, 2, 200}, {1, 64, 64, 130}, {1, 0, 1001, 230},
	} {
		t.Run(fmt.Sprint(row), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newFakeEngine(20 * time.Millisecond)
				v := newTestVerifier(t, e, WithInFlight(row.inFlight), WithQueue(row.queue))
				const rounds = 100
				var wait sync.WaitGroup
				for n := range row.callers {
					wait.Go(func() {
						for round := range rounds {
							if err := asks(t.Context(), v, fmt.Sprint("valid ", n, " ", round)); err != nil {
								t.Error(err)
							}
						}
					})
				}
				wait.Wait()
				if err := e.once(rounds * row.callers); err != nil || len(e.sent) > row.most {
					t.Errorf("%d requests: %v", len(e.sent), err)
				}
				if err := v.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestVerifierHolds has groups come that do not come back: a call that comes after them is seldom held, and never for
// long.
func TestVerifierHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(100 * time.Millisecond)
		v := newTestVerifier(t, e)
		const groups = 400
		var held []time.Duration
		for group := range groups {
			var wait sync.WaitGroup
			for n := range 10 {
				wait.Go(func() {
					if err := asks(t.Context(), v, fmt.Sprint("valid ", group, " ", n)); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			before := time.Now()
			if err := asks(t.Context(), v, fmt.Sprint("valid ", group, " after")); err != nil {
				t.Error(err)
			}
			if more := time.Since(before) - e.slow; more > 0 {
				held = append(held, more)
			}
			time.Sleep(time.Second)
		}
		if len(held) < 3 || len(held) > 15 || slices.Max(held) > maxCollectWindow {
			t.Errorf("held %d of %d, %v", len(held), groups, held)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestVerifierClosesHolding closes while the next request is held for those who are to come.
func TestVerifierClosesHolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTestVerifier(t, newFakeEngine(100*time.Millisecond), WithInFlight(1))
		var wait sync.WaitGroup
		for n := range 10 {
			wait.Go(func() {
				if err := asks(t.Context(), v, fmt.Sprint("valid ", n)); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		synctest.Wait()
		before := time.Now()
		if err := v.Close(); err != nil || time.Since(before) != 0 {
			t.Errorf("closed after %s: %v", time.Since(before), err)
		}
	})
}
