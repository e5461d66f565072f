package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vault"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
)

func TestKeyringFetchesOnce(t *testing.T) {
	ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
		r.set(time.Second, nil)
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				if v, err := r.Verify(t.Context(), r.call(key)); !v.Valid || err != nil {
					t.Error(v.Code, err)
				}
			})
		}
		calls.Wait()
		v := r.finds(r.call(key), Valid, nil)
		if v.Tenant != "acme" || v.Kind != "external" || v.Name != "billing" || v.KeyID != key.ID || v.Version != 1 ||
			v.State != "current" ||
			v.Scheme != "rfc9421" {
			t.Errorf("%+v", v)
		}
		if n := r.fetches(key.ID); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// Keys in use are fetched again in good time, and the others let go.
func TestKeyringRefreshes(t *testing.T) {
	ringed(t, []KeyringOption{WithIdle(3 * time.Minute)}, func(t *testing.T, r *ring, key clienttest.Key) {
		r.finds(r.call(key), Valid, nil)
		for range 600 {
			time.Sleep(time.Second)
			if held := r.cached(key.ID, time.Now()); held == nil {
				t.Fatal("a key in use is not held")
			}
		}
		if n := r.fetches(key.ID); n < 10*60/46 || n > 10*60/30+1 {
			t.Errorf("fetched %d times in ten minutes", n)
		}
		time.Sleep(4 * time.Minute)
		if n := sizeOf(r.keys); n != 0 {
			t.Errorf("%d keys are held that nobody uses", n)
		}
		before := r.fetches(key.ID)
		time.Sleep(time.Hour)
		if n := r.fetches(key.ID); n != before {
			t.Errorf("%d fetches of a key that nobody uses", n-before)
		}
	})
}

// What happens to a key is noticed within max_age, whatever it is.
func TestKeyringNotices(t *testing.T) {
	for want, do := range map[Code]func(e *clienttest.Engine){
		Revoked:         func(e *clienttest.Engine) { e.Revoke("acme", "external/keys/billing") },
		Disabled:        func(e *clienttest.Engine) { e.Disable("acme", "external/keys/billing") },
		TenantSuspended: func(e *clienttest.Engine) { e.Suspend("acme") },
		OutOfScope: func(e *clienttest.Engine) {
			e.Write("acme", "my/external/keys/billing", map[string]any{"scopes": []string{"GET /invoices"}})
		},
		SourceDenied: func(e *clienttest.Engine) {
			e.Write("acme", "my/external/keys/billing", map[string]any{"allowed_cidrs": []string{"192.0.2.0/24"}})
		},
		UnknownKey: func(e *clienttest.Engine) {
			if _, err := e.Client("").Logical().Delete("apikeys/admin/tenants/acme"); err != nil {
				panic(err)
			}
		},
	} {
		t.Run(string(want), func(t *testing.T) {
			ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
				r.finds(r.call(key), Valid, nil)
				time.Sleep(10 * time.Second)
				do(r.engine)
				since := time.Now()
				for {
					v, err := r.Verify(t.Context(), r.call(key))
					if err != nil {
						t.Fatal(err)
					}
					if v.Code == want {
						break
					}
					if v.Code != Valid || time.Since(since) > time.Minute {
						t.Fatalf("%s after %s", v.Code, time.Since(since))
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
}

// While Vault is away a key is judged by until max_age after its last fetch was sent, and not for a moment longer.
func TestKeyringCloses(t *testing.T) {
	ringed(t, nil, func(_ *testing.T, r *ring, key clienttest.Key) {
		r.set(2*time.Second, nil)
		sent := time.Now()
		r.finds(r.call(key), Valid, nil)
		r.engine.Away(true)
		time.Sleep(time.Until(sent.Add(time.Minute)))
		r.finds(r.call(key), Valid, nil)
		time.Sleep(time.Millisecond)
		r.finds(r.call(key), "", ErrStale)
		r.finds(r.call(key), "", ErrUnavailable)
		r.engine.Away(false)
		time.Sleep(failedFor)
		r.finds(r.call(key), Valid, nil)
	})
}

// A fetch that takes longer than max_age brings nothing to judge by.
func TestKeyringRefusesSlowAnswers(t *testing.T) {
	ringed(t, nil, func(_ *testing.T, r *ring, key clienttest.Key) {
		r.engine.Write("", "config", map[string]any{"keyring_max_age": "3s"})
		r.set(4500*time.Millisecond, nil) // Not together with a look at the keys, which would fetch again.
		r.finds(r.call(key), "", ErrStale)
		r.set(2*time.Second, nil)
		r.finds(r.call(key), Valid, nil)
		r.set(time.Hour, nil)
		time.Sleep(10 * time.Second)
		r.finds(r.call(key), "", ErrStale)
	})
}

func TestKeyringNotLocal(t *testing.T) {
	ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
		inside := r.engine.Key("acme", "external/keys/inside", map[string]any{"replay": "off"})
		r.engine.Write("acme", "my/external/keys/inside", map[string]any{"reveal": "never"})
		r.finds(r.call(inside), "", ErrNotLocal)
		r.finds(r.call(inside), "", ErrNotLocal)
		if n := r.fetches(inside.ID); n != 1 {
			t.Errorf("%d fetches", n)
		}
		verifier, err := NewVerifier(r.engine.Client(""), "apikeys/verify")
		if err != nil {
			t.Fatal(err)
		}
		defer verifier.Close()
		plain := r.Keyring
		r.Keyring = r.another(WithFallback(verifier))
		r.finds(r.call(inside), Valid, nil)
		r.finds(r.call(key), Valid, nil)
		r.Keyring = plain

		// What was allowed may be no longer.
		r.finds(r.call(key), Valid, nil)
		r.engine.Write("", "admin/tenants/acme", map[string]any{"allow_local_verify": false})
		time.Sleep(time.Minute)
		r.finds(r.call(key), "", ErrNotLocal)
		r.engine.Write("", "admin/tenants/acme", map[string]any{"allow_local_verify": true})
		time.Sleep(notLocalFor)
		r.finds(r.call(key), Valid, nil)
	})
}

// Only the engine's own word is taken for a key's absence: a token without a policy and a wrong mount have the same
// statuses.
func TestKeyringBelievesTheEngine(t *testing.T) {
	for name, odd := range map[string]func(*http.Request) (*http.Response, error){
		"no policy": refuses(403, "permission denied"),
		"no engine": refuses(404, `no handler for route "apikeys/keyring/". route entry not found.`),
		"sealed":    refuses(503, "Vault is sealed"),
		"garbage": func(*http.Request) (*http.Response, error) {
			return vaulttest.Replies(map[string]any{"data": map[string]any{"key": "x"}}), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			ringed(t, nil, func(_ *testing.T, r *ring, key clienttest.Key) {
				r.finds(r.call(key), Valid, nil)
				other := r.engine.Key("acme", "external/keys/other", nil)
				r.set(0, odd)
				time.Sleep(55 * time.Second)
				r.finds(r.call(key), Valid, nil)
				r.finds(r.call(other), "", ErrUnavailable)
				time.Sleep(time.Minute)
				r.finds(r.call(key), "", ErrStale)
			})
		})
	}
}

func TestKeyringContext(t *testing.T) {
	ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
		r.set(3*time.Second, nil)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Verify(short, r.call(key)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		r.finds(r.call(key), Valid, nil) // whose fetch went on
		if n := r.fetches(key.ID); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// Each field of an answer is looked at, and no error quotes the secret.
func TestKeyringRefusesOddAnswers(t *testing.T) {
	for name, odd := range map[string]any{
		"key": "a=", "max_age": 0, "tenant": "", "kind": "inner", "key_id": "another-one", "version": 0,
		"state": "fine", "tenant_state": "gone", "scheme": "none", "compat": "x", "scopes": []any{7},
		"published": []any{"x"}, "allowed_cidrs": nil, "user": 7, "metadata": []any{}, "replay": "perhaps",
		"window_past": "x", "window_future": nil, "expires_at": "tomorrow",
	} {
		t.Run(name, func(t *testing.T) {
			ringed(t, nil, func(t *testing.T, r *ring, key clienttest.Key) {
				data := r.engine.Read("", "keyring/"+key.ID)
				secret := fmt.Sprint(data["key"])
				data[name] = odd
				r.set(0, func(*http.Request) (*http.Response, error) {
					return vaulttest.Replies(map[string]any{"data": data}), nil
				})
				_, err := r.Verify(t.Context(), r.call(key))
				if !errors.Is(err, ErrUnavailable) || !errors.Is(err, vault.ErrMalformed) ||
					!strings.Contains(err.Error(), name) ||
					strings.Contains(err.Error(), secret) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
