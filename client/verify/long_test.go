package verify

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
)

// TestVerifierLongRun works for long: after twice as many calls the verifier holds no more than after once.
func TestVerifierLongRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := vaulttest.Goroutines()
		e := newFakeEngine(time.Second)
		v := newTestVerifier(t, e)
		work := func() {
			var callers sync.WaitGroup
			for n := range 32 {
				callers.Go(func() {
					for range 200 {
						if err := asks(t.Context(), v, fmt.Sprint("valid ", n)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			callers.Wait()
			time.Sleep(2 * maxCollectWindow) // The next request may be held for them still.
			e.Set(func() { e.Asked, e.Tokens = nil, nil })
			e.seen, e.sent, e.form, e.ips = map[string]int{}, nil, nil, nil
		}
		work()
		once, goroutines := vaulttest.Memory(), vaulttest.Goroutines()
		work()
		if twice := vaulttest.Memory(); twice > once+once/4 {
			t.Errorf("%d bytes after the first half, %d after all", once, twice)
		}
		if now := vaulttest.Goroutines(); now > goroutines {
			t.Errorf("%d goroutines after the first half, %d after all", goroutines, now)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		if now := vaulttest.Goroutines(); now > before {
			t.Errorf("%d goroutines are left of %d", now, before)
		}
	})
}
