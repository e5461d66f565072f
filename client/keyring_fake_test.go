package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// ringVault answers keyring/ in memory.
type ringVault struct {
	*fakeVault
	mu     sync.Mutex
	states map[string]string // by key ID; what is not there is unknown
	says   map[string]int    // a status in the place of an answer, with "keyring: …" or, for 404, of a mount that is not there
	asked  map[string]int
	slow   time.Duration
	away   bool
}

var ringSecret = []byte("an example of a 32 byte HMAC key")

func newRingVault() *ringVault {
	v := &ringVault{fakeVault: newFake(), states: map[string]string{}, says: map[string]int{}, asked: map[string]int{}}
	v.odd = v.keyring
	return v
}

func (v *ringVault) keyring(r *http.Request, _ map[string]any) (*http.Response, error) {
	_, keyID, found := strings.Cut(r.URL.Path, "/keyring/")
	if !found {
		return nil, nil
	}
	v.mu.Lock()
	v.asked[keyID]++
	state, known := v.states[keyID]
	status, odd := v.says[keyID]
	slow, away := v.slow, v.away
	v.mu.Unlock()
	time.Sleep(slow)
	switch {
	case away:
		return nil, errors.New("connection refused")
	case odd && status == http.StatusForbidden:
		return says(status, "1 error occurred:\n\t* keyring: the key has reveal=never; have the engine verify\n\n"), nil
	case odd:
		return says(status, "no handler for route"), nil
	case !known:
		return says(http.StatusNotFound, "1 error occurred:\n\t* key_id: there is no such key\n\n"), nil
	}
	return replies(map[string]any{"data": map[string]any{
		"key": base64.RawURLEncoding.EncodeToString(ringSecret), "max_age": 60, "tenant": "acme", "kind": "external", "name": "orders", "key_id": keyID,
		"version": 1, "state": state, "tenant_state": "active", "scheme": "rfc9421", "compat": []string{}, "scopes": []string{}, "published": [][]string{},
		"allowed_cidrs": []string{}, "user": "", "metadata": map[string]any{"team": "a"}, "replay": "on", "window_past": 300, "window_future": 60, "expires_at": nil,
	}}), nil
}

func (v *ringVault) times(keyID string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked[keyID]
}

func (v *ringVault) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

// ringTest runs a test with a keyring whose key key-0001 is good.
func ringTest(t *testing.T, name string, run func(t *testing.T, v *ringVault, k *Keyring), opts ...KeyringOptions) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newRingVault()
			v.states["key-0001"] = "current"
			k, err := NewKeyring(v.client(t), "apikeys/", append(opts, KeyringOptions{})[0])
			if err != nil {
				t.Fatal(err)
			}
			run(t, v, k)
			if err := k.Close(); err != nil {
				t.Error(err)
			}
			if _, err := k.Verify(t.Context(), ringCall(t, "key-0001")); !errors.Is(err, ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		})
	})
}

func ringCall(t testing.TB, keyID string) Call {
	t.Helper()
	text := "GET /orders?page=2 HTTP/1.1\nHost: api.example\n"
	head, err := signing.ParseHead([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	added, err := signing.SignHead(signing.RFC9421, head, keyID, ringSecret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range added {
		text += a.Name + ": " + a.Value + "\n"
	}
	return Call{Request: text}
}

func verdictIs(t *testing.T, k *Keyring, call Call, want string) {
	t.Helper()
	v, err := k.Verify(t.Context(), call)
	if err != nil || v.Verdict != want || v.Valid != (want == "valid") {
		t.Errorf("%q, %v, want %s", v.Verdict, err, want)
	}
}

func TestKeyringOnAFake(t *testing.T) {
	ringTest(t, "one question for many callers", func(t *testing.T, v *ringVault, k *Keyring) {
		v.slow = time.Second
		var valid atomic.Int32
		var wait sync.WaitGroup
		for range 100 {
			call := ringCall(t, "key-0001")
			wait.Go(func() {
				if got, err := k.Verify(t.Context(), call); err == nil && got.Valid && got.Metadata["team"] == "a" {
					valid.Add(1)
				}
			})
		}
		wait.Wait()
		if valid.Load() != 100 || v.times("key-0001") != 1 {
			t.Errorf("%d valid after %d questions", valid.Load(), v.times("key-0001"))
		}
	})
	ringTest(t, "a call is good once, and what cannot be read is malformed", func(t *testing.T, _ *ringVault, k *Keyring) {
		call := ringCall(t, "key-0001")
		verdictIs(t, k, call, "valid")
		verdictIs(t, k, call, "replayed")
		verdictIs(t, k, Call{Request: "GET /"}, "malformed")
		verdictIs(t, k, Call{Message: "m", Signature: "v1:x"}, "malformed")
	})
	ringTest(t, "a revocation is noticed within max_age, in use or not", func(t *testing.T, v *ringVault, k *Keyring) {
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
		v.set(func() { v.states["key-0001"] = "revoked" })
		time.Sleep(60*time.Second + time.Millisecond)
		verdictIs(t, k, ringCall(t, "key-0001"), "revoked")
	})
	ringTest(t, "refreshed while in use, dropped when not", func(t *testing.T, v *ringVault, k *Keyring) {
		for range 20 {
			verdictIs(t, k, ringCall(t, "key-0001"), "valid")
			time.Sleep(10 * time.Second)
		}
		if n := v.times("key-0001"); n < 4 || n > 8 {
			t.Errorf("asked %d times in 200 s", n)
		}
		n := v.times("key-0001")
		time.Sleep(time.Hour)
		if more := v.times("key-0001") - n; more > 12 { // in use for five minutes more, as far as it knows
			t.Errorf("asked %d times more while nobody called", more)
		}
		if held := k.keys.Len(); held != 0 {
			t.Errorf("%d keys held", held)
		}
	})
	ringTest(t, "while Vault is away, until the key is too old", func(t *testing.T, v *ringVault, k *Keyring) {
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
		v.set(func() { v.away = true })
		time.Sleep(59 * time.Second)
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
		time.Sleep(time.Second + time.Millisecond)
		if _, err := k.Verify(t.Context(), ringCall(t, "key-0001")); !errors.Is(err, ErrStale) {
			t.Errorf("%v", err)
		}
		v.set(func() { v.away = false })
		time.Sleep(time.Second)
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
	})
}

func TestKeyringOfStrangers(t *testing.T) {
	ringTest(t, "nobody's ID is asked for once in some seconds", func(t *testing.T, v *ringVault, k *Keyring) {
		for range 50 {
			verdictIs(t, k, ringCall(t, "stranger"), "unknown_key")
		}
		if n := v.times("stranger"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		v.set(func() { v.states["stranger"] = "current" })
		time.Sleep(unknownFor)
		verdictIs(t, k, ringCall(t, "stranger"), "valid")
	})
	ringTest(t, "many IDs push no key out", func(t *testing.T, v *ringVault, k *Keyring) {
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
		for i := range 300 {
			verdictIs(t, k, ringCall(t, fmt.Sprintf("stranger-%d", i)), "unknown_key")
		}
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
		if n := v.times("key-0001"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	}, KeyringOptions{Keys: 10})
	ringTest(t, "a mount that is not there says nothing of a key", func(t *testing.T, v *ringVault, k *Keyring) {
		v.says["key-0002"] = http.StatusNotFound
		if _, err := k.Verify(t.Context(), ringCall(t, "key-0002")); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
	ringTest(t, "a caller who leaves", func(t *testing.T, v *ringVault, k *Keyring) {
		v.slow = 5 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Verify(ctx, ringCall(t, "key-0001")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
		if n := v.times("key-0001"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// judgeFunc is a judge for tests.
type judgeFunc func(Call) (Verdict, error)

func (f judgeFunc) Verify(_ context.Context, c Call) (Verdict, error) { return f(c) }

func TestKeyringOfKeysThatVaultKeeps(t *testing.T) {
	ringTest(t, "no other judge", func(t *testing.T, v *ringVault, k *Keyring) {
		v.says["key-0002"] = http.StatusForbidden
		for range 5 {
			_, err := k.Verify(t.Context(), ringCall(t, "key-0002"))
			if !errors.Is(err, ErrNotLocal) || !strings.Contains(err.Error(), "reveal=never") {
				t.Errorf("%v", err)
			}
		}
		if n := v.times("key-0002"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
	other := judgeFunc(func(Call) (Verdict, error) { return Verdict{Verdict: "too_old"}, nil })
	ringTest(t, "another judge", func(t *testing.T, v *ringVault, k *Keyring) {
		v.says["key-0002"] = http.StatusForbidden
		verdictIs(t, k, ringCall(t, "key-0002"), "too_old")
		verdictIs(t, k, ringCall(t, "key-0001"), "valid")
	}, KeyringOptions{Fallback: other})
}

// TestKeyringRefusesOddAnswers checks that each field of an answer is looked at, and no error quotes the secret.
func TestKeyringRefusesOddAnswers(t *testing.T) {
	for name, odd := range map[string]any{
		"key": "a=", "max_age": 0, "tenant": "", "kind": "inner", "key_id": "another-one", "version": 0, "state": "fine", "tenant_state": "gone",
		"scheme": "none", "compat": "x", "scopes": []any{7}, "published": []any{"x"}, "allowed_cidrs": nil, "user": 7, "metadata": []any{}, "replay": "perhaps",
		"window_past": "x", "window_future": nil, "expires_at": "tomorrow",
	} {
		ringTest(t, name, func(t *testing.T, v *ringVault, k *Keyring) {
			whole := v.odd
			v.odd = func(r *http.Request, sent map[string]any) (*http.Response, error) {
				resp, err := whole(r, sent)
				if resp == nil || err != nil {
					return resp, err
				}
				return withField(t, resp, name, odd), nil
			}
			_, err := k.Verify(t.Context(), ringCall(t, "key-0001"))
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errMalformed) || strings.Contains(err.Error(), base64.RawURLEncoding.EncodeToString(ringSecret)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// withField returns an answer with another value of a field.
func withField(t testing.TB, resp *http.Response, name string, value any) *http.Response {
	t.Helper()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	answer["data"].(map[string]any)[name] = value
	return replies(answer)
}
