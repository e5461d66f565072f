package verify

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/clienttest"
)

// IDs that name no key are remembered, so that strangers cannot have Vault asked with each call, and bounded.
func TestKeyringUnknown(t *testing.T) {
	ringed(t, []KeyringOption{WithKeys(100), WithFetches(4)}, func(t *testing.T, r *ring, key clienttest.Key) {
		stranger := key
		stranger.ID = "0123456789abcdef"
		for range 10 {
			r.finds(r.call(stranger), UnknownKey, nil)
		}
		if n := r.fetches(stranger.ID); n != 1 {
			t.Errorf("%d fetches of an unknown ID", n)
		}
		time.Sleep(unknownFor)
		r.finds(r.call(stranger), UnknownKey, nil)
		if n := r.fetches(stranger.ID); n != 2 {
			t.Errorf("%d fetches later", n)
		}

		r.finds(r.call(key), Valid, nil)
		r.set(time.Second, nil)
		var calls sync.WaitGroup
		busy := make(chan error, 2000)
		for i := range 2000 {
			made := stranger
			made.ID = "stranger" + strings.Repeat("x", i%40) + string(
				rune('a'+i%26),
			) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))
			calls.Go(func() {
				v, err := r.Verify(t.Context(), r.call(made))
				if err == nil && v.Code != UnknownKey {
					t.Error(v.Code)
				}
				busy <- err
			})
		}
		synctest.Wait()
		r.finds(r.call(key), Valid, nil) // not kept waiting
		calls.Wait()
		close(busy)
		refused := 0
		for err := range busy {
			if errors.Is(err, ErrBusy) {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if most := r.mostAtOnce(); most > 4+1 || refused != 2000-4*queuedPerFetch {
			t.Errorf("%d fetches at once, that of the held key among them, %d refused", most, refused)
		}
		if n := sizeOf(r.absent); n > 100 {
			t.Errorf("%d IDs remembered", n)
		}
	})
}

// A held key's fetch does not wait for those of strangers.
func TestKeyringKeepsPlaces(t *testing.T) {
	ringed(t, []KeyringOption{WithFetches(1)}, func(t *testing.T, r *ring, key clienttest.Key) {
		r.finds(r.call(key), Valid, nil)
		r.set(9*time.Second, nil)
		r.engine.Away(true)
		time.Sleep(2 * time.Minute)
		r.engine.Away(false)
		stranger := key
		for _, id := range []string{"stranger-1", "stranger-2", "stranger-3", "stranger-4"} {
			stranger.ID = id
			call := r.call(stranger)
			go func() { _, _ = r.Verify(t.Context(), call) }()
		}
		synctest.Wait()
		began := time.Now()
		for {
			if v, err := r.Verify(t.Context(), r.call(key)); err == nil && v.Valid {
				break
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("after %s", took)
		}
	})
}
