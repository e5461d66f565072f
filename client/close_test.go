package client

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseWhileAsking(t *testing.T) {
	for name, make := range map[string]func(*testing.T, *fakeVault) Source{
		"lease":  func(t *testing.T, f *fakeVault) Source { return newTestLease(t, f) },
		"static": func(t *testing.T, f *fakeVault) Source { return newTestStatic(t, f) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				s := make(t, f)
				f.Hang()
				s.(interface{ Report(string) }).Report(s.(interface{ KeyID() string }).KeyID())
				synctest.Wait()
				f.Back()
				before := time.Now()
				closeIt(t, s)
				closeIt(t, s)
				if waited := time.Since(before); waited > 0 {
					t.Errorf("closing took %s", waited)
				}
				if _, err := s.Sign(t.Context(), testHead); !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
				if _, err := s.SignMessage(t.Context(), nil); !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
				for id, k := range f.keys {
					if k.lease != "" && !k.abandoned {
						t.Errorf("the lease of %s was left", id)
					}
				}
			})
		})
	}
}

// TestCloseWhileAway closes while Vault does not answer: that takes some seconds, and says what was left.
func TestCloseWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		l := newTestLease(t, f)
		f.Hang()
		before := time.Now()
		err := l.Close()
		if waited := time.Since(before); waited > 10*time.Second {
			t.Errorf("closing took %s", waited)
		}
		if err == nil || !strings.Contains(err.Error(), "revoking a lease") {
			t.Error(err)
		}
	})
}

// TestNoCallFailsOverSwaps signs from many goroutines while keys come and go as fast as they may.
func TestNoCallFailsOverSwaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.span, f.longest = 4*time.Second, 8*time.Second
		f.period, f.overlap = 3*time.Second, 10*time.Second
		sources := map[string]Source{"lease": newTestLease(t, f), "static": newTestStatic(t, f)}
		var wait sync.WaitGroup
		for name, s := range sources {
			for range 20 {
				wait.Go(func() {
					for range 500 {
						if err := f.signs(s); err != nil {
							t.Errorf("%s: %v", name, err)
							return
						}
						time.Sleep(time.Second / 5)
					}
				})
			}
		}
		wait.Wait()
		for _, s := range sources {
			closeIt(t, s)
		}
		if len(f.keys) < 30 {
			t.Errorf("there were %d keys only", len(f.keys))
		}
	})
}
