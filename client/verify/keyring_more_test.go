package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

func TestKeyringReplays(t *testing.T) {
	ringed(t, []KeyringOption{WithKeys(1)}, func(_ *testing.T, r *ring, other clienttest.Key) {
		key := r.engine.Key("acme", "external/keys/once", nil)
		call := r.call(key)
		r.finds(call, Valid, nil)
		r.finds(call, Replayed, nil)
		r.finds(r.call(other), Valid, nil)
		if n := sizeOf(r.keys); n != 1 {
			t.Errorf("%d keys held", n)
		}
		time.Sleep(4 * time.Minute)
		r.finds(call, Replayed, nil)
		time.Sleep(time.Minute + time.Second)
		r.finds(call, TooOld, nil)
		if n := r.calls.Len(); n != 1 {
			t.Errorf("%d calls remembered", n)
		}
		time.Sleep(20 * time.Minute)
		if n := r.calls.Len(); n != 0 {
			t.Errorf("%d calls remembered that no window lets in", n)
		}
	})
}

func TestKeyringFullTable(t *testing.T) {
	ringed(t, []KeyringOption{WithReplayEntries(16)}, func(t *testing.T, r *ring, _ clienttest.Key) {
		key := r.engine.Key("acme", "external/keys/once", nil)
		full := false
		for range 200 {
			v, err := r.Verify(t.Context(), r.call(key))
			if err != nil || v.ReplayTableFull != (v.Code == Replayed) {
				t.Fatal(v, err)
			}
			full = full || v.ReplayTableFull
		}
		if !full || r.calls.Len() > 16 {
			t.Errorf("full %v with %d calls", full, r.calls.Len())
		}
	})
}

// A lease is renewed shortly before the end that was fetched with its key, and again while Vault is away.
func TestKeyringRenewed(t *testing.T) {
	ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
		began := time.Now()
		until := func(end time.Duration) {
			ends := began.Add(end)
			r.set(0, func(req *http.Request) (*http.Response, error) {
				resp, err := r.engine.Transport().RoundTrip(req)
				if err != nil {
					return nil, err
				}
				var answer map[string]any
				if err := errors.Join(json.NewDecoder(resp.Body).Decode(&answer), resp.Body.Close()); err != nil {
					return nil, err
				}
				answer["data"].(map[string]any)["expires_at"] = ends.UTC().Format(time.RFC3339)
				return vaulttest.Replies(answer), nil
			})
		}
		through := func(end time.Duration, want Code, failure error) {
			for ; time.Since(began) < end; time.Sleep(time.Second) {
				r.finds(r.call(key), want, failure)
			}
		}
		until(50 * time.Second)
		through(49*time.Second, Valid, nil)
		until(100 * time.Second)
		through(99*time.Second, Valid, nil)
		r.set(0, refuses(503, "away"))
		through(100*time.Second, Valid, nil)
		through(120*time.Second, "", ErrStale)
		until(150 * time.Second)
		time.Sleep(failedFor)
		through(150*time.Second, Valid, nil)
		through(170*time.Second, Expired, nil)
		if n := r.fetches(key.ID); n > 60 {
			t.Errorf("%d fetches", n)
		}
	})
}

// A call that another life of the gateway may have let in is too old, where that is asked for.
func TestKeyringStrict(t *testing.T) {
	ringed(t, []KeyringOption{WithStrictReplay()}, func(_ *testing.T, r *ring, key clienttest.Key) {
		r.finds(r.call(key), Valid, nil)
		before := Call{
			Request: signedText(r.t, key, "GET /orders HTTP/1.1\nHost: api.example\n", time.Now().Add(-time.Second)),
		}
		r.finds(before, TooOld, nil)
	})
}

func TestKeyringClose(t *testing.T) {
	ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
		before := vaulttest.Goroutines()
		k := r.another()
		if v, err := k.Verify(t.Context(), r.call(key)); err != nil || !v.Valid {
			t.Fatal(v, err)
		}
		held := k.cached(key.ID, time.Now())
		r.set(time.Hour, nil)
		slow := r.engine.Key("acme", "external/keys/slow", nil)
		failed := make(chan error)
		call := r.call(slow)
		go func() {
			_, err := k.Verify(t.Context(), call)
			failed <- err
		}()
		vaulttest.Goroutines()
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !strings.Contains(fmt.Sprint(err), ErrClosed.Error()) {
			t.Error(err)
		}
		r.Keyring = k
		r.finds(r.call(key), "", ErrClosed)
		r.finds(r.call(slow), "", ErrClosed)
		if held.mac.MAC(nil) == signing.MAC(key.Secret, nil) {
			t.Error("the secret is still there")
		}
		if now := vaulttest.Goroutines(); now > before {
			t.Errorf("%d goroutines, %d before", now, before)
		}
		_ = k.Close()
	})
}

// Nothing that is printed of a keyring, or of its errors, has a secret in it.
func TestKeyringPrintsNoSecret(t *testing.T) {
	ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
		v := r.finds(r.call(key), Valid, nil)
		data := r.engine.Read("", "keyring/"+key.ID)
		held := r.cached(key.ID, time.Now())
		for _, shown := range []string{
			fmt.Sprintf("%v %+v", v, v), fmt.Sprintf("%+v %#v", held.grant, held.grant),
			fmt.Sprintf("%v %+v %#v", r.Keyring, r.Keyring, held), fmt.Sprintf("%+v %#v", held.mac, held.mac),
		} {
			for _, secret := range []string{
				string(key.Secret), fmt.Sprint(data["key"]), strings.Trim(fmt.Sprintf("%v", key.Secret), "[]"),
			} {
				if strings.Contains(shown, secret) {
					t.Error("a secret in ", shown)
				}
			}
		}
	})
}

// Many calls over many more keys than are held leave no more behind than the bound.
func TestKeyringLongRun(t *testing.T) {
	const keys, bound, calls = 10_000, 1000, 100_000
	ringed(t, []KeyringOption{WithKeys(bound)}, func(t *testing.T, r *ring, key clienttest.Key) {
		template := r.engine.Read("", "keyring/"+key.ID)
		r.set(0, answersFor(template))
		before := vaulttest.Goroutines()
		chance := rand.New(rand.NewPCG(1, 2))
		run := func(n int) uint64 {
			for range n {
				one := key
				one.ID = fmt.Sprintf("key-%08d", chance.IntN(keys))
				if chance.IntN(4) > 0 {
					one.ID = fmt.Sprintf("key-%08d", chance.IntN(bound/2)) // those that are used most
				}
				if v, err := r.Verify(t.Context(), r.call(one)); err != nil || !v.Valid {
					t.Fatal(v, err)
				}
				time.Sleep(5 * time.Millisecond)
			}
			if n := sizeOf(r.keys); n > bound {
				t.Errorf("%d keys held", n)
			}
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		half := run(calls / 2)
		whole := run(calls / 2)
		if whole > half+half/2 {
			t.Errorf("%d bytes after half of the calls, %d after all", half, whole)
		}
		if now := vaulttest.Goroutines(); now > before+1 {
			t.Errorf("%d goroutines, %d before", now, before)
		}
		t.Logf("%d calls over %d keys: %d KiB after half, %d KiB after all", calls, keys, half>>10, whole>>10)
	})
}

// A key in use stays while others come and go, more than may be held.
func TestKeyringHoldsWhatIsUsed(t *testing.T) {
	const bound = 10
	ringed(t, []KeyringOption{WithKeys(bound)}, func(t *testing.T, r *ring, key clienttest.Key) {
		r.set(0, answersFor(r.engine.Read("", "keyring/"+key.ID)))
		passing := key
		for n := range 20 * bound {
			for range 5 {
				r.finds(r.call(key), Valid, nil)
			}
			passing.ID = fmt.Sprintf("key-%08d", n)
			r.finds(r.call(passing), Valid, nil)
		}
		if n := r.fetches(key.ID); n != 1 {
			t.Errorf("a key in use was fetched %d times", n)
		}
		if n := sizeOf(r.keys); n > bound {
			t.Errorf("%d keys held", n)
		}
	})
}

// Callers, the one who tends, and Close do not get into each other's way.
func TestKeyringConcurrently(t *testing.T) {
	ringed(t, []KeyringOption{WithKeys(5)}, func(t *testing.T, r *ring, key clienttest.Key) {
		r.set(time.Millisecond, answersFor(r.engine.Read("", "keyring/"+key.ID)))
		var callers sync.WaitGroup
		for n := range 8 {
			callers.Go(func() {
				one := key
				for i := range 500 {
					one.ID = fmt.Sprintf("key-%08d", (i*7+n)%9)
					v, err := r.Verify(t.Context(), r.call(one))
					if err == nil && !v.Valid || err != nil && !strings.Contains(err.Error(), ErrClosed.Error()) {
						t.Error(v, err)
					}
					time.Sleep(time.Duration(i%3) * time.Second)
				}
			})
		}
		time.Sleep(8 * time.Minute)
		_ = r.Close()
		callers.Wait()
	})
}
