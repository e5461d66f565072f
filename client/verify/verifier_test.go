package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestVerifierIdle asks at once and about one call, and waits for nobody.
func TestVerifierIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(time.Millisecond)
		v := newTestVerifier(t, e)
		for n := range 10 {
			before := time.Now()
			if err := asks(t.Context(), v, fmt.Sprint("valid ", n)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(before); took != e.slow {
				t.Errorf("took %s", took)
			}
		}
		if n := e.Count("PATCH " + verifyPath); n != 10 || len(e.sent) != 10 {
			t.Errorf("asked %v", e.Asked)
		}
		if err := e.once(10); err != nil {
			t.Error(err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		if err := asks(t.Context(), v, "valid"); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}

// TestVerifierGathers has calls that come while Vault is busy leave together, in order.
func TestVerifierGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(time.Second)
		v := newTestVerifier(t, e, WithInFlight(1))
		var wait sync.WaitGroup
		for n := range 1500 {
			wait.Go(func() {
				if err := asks(t.Context(), v, fmt.Sprint("valid ", n)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		before := time.Now()
		wait.Wait()
		var sizes []int
		n := 0
		for _, calls := range e.sent {
			sizes = append(sizes, len(calls))
			for _, call := range calls {
				if want := fmt.Sprint("valid ", n); call != want {
					t.Fatalf("%s in the place of %s", call, want)
				}
				n++
			}
		}
		if took := time.Since(before); !slices.Equal(sizes, []int{1, 1000, 499}) ||
			took != 3*time.Second+maxCollectWindow {
			t.Errorf("sent %v in %s", sizes, took)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestVerifierMixed gets each caller its own verdict, whatever the others sent.
func TestVerifierMixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(time.Second)
		v := newTestVerifier(t, e, WithInFlight(2))
		verdicts := []string{
			"valid",
			"malformed",
			"bad_signature",
			"replayed",
			"storage",
			"revoked",
			"garbage",
			"unknown_key",
		}
		var wait sync.WaitGroup
		for n := range 400 {
			wait.Go(func() {
				verdict := verdicts[n%len(verdicts)]
				err := asks(t.Context(), v, fmt.Sprint(verdict, " \xff", n))
				want := map[string]error{"storage": ErrUnavailable, "garbage": ErrUnknown}[verdict]
				if !errors.Is(err, want) || verdict == "storage" && errors.Is(err, ErrUnknown) {
					t.Errorf("%s: %v", verdict, err)
				}
			})
		}
		wait.Wait()
		if err := errors.Join(e.once(400), v.Close()); err != nil || len(e.sent) != 3 {
			t.Errorf("%d requests: %v", len(e.sent), err)
		}
	})
}

// TestVerifierQueue refuses at once what does not fit, and only that.
func TestVerifierQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(time.Second)
		v := newTestVerifier(t, e, WithInFlight(2), WithQueue(5))
		var wait sync.WaitGroup
		var busy, good atomic.Int32
		for n := range 20 {
			wait.Go(func() {
				before := time.Now()
				switch err := asks(t.Context(), v, fmt.Sprint("valid ", n)); {
				case err == nil:
					good.Add(1)
				case errors.Is(err, ErrBusy) && time.Since(before) == 0:
					busy.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if good.Load() != 7 || busy.Load() != 13 {
			t.Errorf("%d good, %d busy", good.Load(), busy.Load())
		}
		if err := errors.Join(e.once(7), v.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestVerifierLeaving has callers leave while they wait and while Vault is asked. They make room, and others notice
// nothing.
func TestVerifierLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(10 * time.Second)
		v := newTestVerifier(t, e, WithInFlight(1), WithQueue(3), WithTimeout(time.Minute))
		var wait sync.WaitGroup
		ask := func(text string, patience time.Duration, want error) {
			wait.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				before := time.Now()
				if err := asks(ctx, v, text); !errors.Is(err, want) || want != nil && time.Since(before) != patience {
					t.Errorf("%s after %s: %v", text, time.Since(before), err)
				}
			})
			synctest.Wait()
		}
		gone := context.DeadlineExceeded
		ask("valid 0", time.Minute, nil)
		ask("valid waits", time.Second, gone)
		ask("valid is asked", 15*time.Second, gone)
		ask("valid 1", time.Minute, nil)
		time.Sleep(2 * time.Second)
		ask("valid 2", time.Minute, nil) // There is room again.
		wait.Wait()
		if err := e.once(4); err != nil || e.seen["valid waits"] > 0 {
			t.Error(err)
		}
		// A request that nobody waits for any more is given up, which frees its place.
		ask("valid alone", time.Second, gone)
		ask("valid 3", 12*time.Second, nil)
		wait.Wait()
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestVerifierClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTestVerifier(t, newFakeEngine(time.Hour), WithTimeout(2*time.Hour))
		var wait sync.WaitGroup
		for n := range 50 {
			wait.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n%3)*time.Second)
				defer cancel()
				want := ErrClosed
				if n%3 == 0 {
					want = context.DeadlineExceeded
				}
				if err := asks(ctx, v, fmt.Sprint("valid ", n)); !errors.Is(err, want) {
					t.Error(err)
				}
			})
		}
		time.Sleep(1500 * time.Millisecond)
		if err := errors.Join(v.Close(), v.Close()); err != nil {
			t.Error(err)
		}
		wait.Wait() // The bubble ends only when no goroutine is left.
	})
}
