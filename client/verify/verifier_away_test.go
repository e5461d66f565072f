package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/api"
)

// TestVerifierAway has Vault not answer, in every way. Nothing is asked twice.
func TestVerifierAway(t *testing.T) {
	dead := func() (*http.Response, error) {
		resp := vaulttest.Says(307)
		resp.Header.Set("Location", "http://dead.test:8200/v1/"+verifyPath)
		return resp, nil
	}
	status := func(code int) func() (*http.Response, error) {
		return func() (*http.Response, error) { return vaulttest.Says(code, "so it is"), nil }
	}
	data := func(data map[string]any) func() (*http.Response, error) {
		return func() (*http.Response, error) { return vaulttest.Replies(map[string]any{"data": data}), nil }
	}
	for name, row := range map[string]struct {
		odd   func() (*http.Response, error)
		want  error
		asked int
	}{
		"sealed":  {status(503), ErrUnavailable, 1},
		"limited": {status(429), ErrUnavailable, 1},
		"lagging": {status(412), ErrUnavailable, 1},
		"no server": {func() (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}, ErrUnavailable, 1},
		"500": {status(500), ErrUnknown, 1},
		"502": {status(502), ErrUnknown, 1},
		"cut": {func() (*http.Response, error) {
			return nil, &net.OpError{Op: "read", Err: errors.New("reset")}
		}, ErrUnknown, 1},
		"leads away": {dead, ErrUnknown, 2},
		"nothing":    {func() (*http.Response, error) { return vaulttest.Response(200, nil), nil }, ErrUnknown, 1},
		"no JSON":    {func() (*http.Response, error) { return vaulttest.Response(200, "x"), nil }, ErrUnknown, 1},
		"no fields":  {data(map[string]any{}), ErrUnknown, 1},
		"no verdict": {data(map[string]any{"results": []any{}, "valid": true}), ErrUnknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newFakeEngine(0)
				v := newTestVerifier(t, e, WithInFlight(1))
				judges := e.Odd
				e.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
					time.Sleep(time.Second)
					if r.URL.Hostname() == "dead.test" {
						return nil, errors.New("connection reset")
					}
					return row.odd()
				}
				var wait sync.WaitGroup
				for n := range 3 {
					wait.Go(func() {
						err := asks(t.Context(), v, fmt.Sprint("valid ", n))
						unknown := errors.Is(row.want, ErrUnknown)
						if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown) != unknown {
							t.Error(err)
						}
					})
				}
				wait.Wait()
				if n := e.Count(""); n != 2*row.asked {
					t.Errorf("asked %v", e.Asked)
				}
				e.Set(func() { e.Odd = judges })
				if err := errors.Join(asks(t.Context(), v, "valid"), v.Close()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestVerifierTimeout tells a request without an answer from a caller without time.
func TestVerifierTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTestVerifier(t, newFakeEngine(time.Hour))
		before := time.Now()
		err := asks(t.Context(), v, "valid")
		if !errors.Is(err, ErrUnknown) || errors.Is(err, context.DeadlineExceeded) ||
			time.Since(before) != 10*time.Second {
			t.Errorf("after %s: %v", time.Since(before), err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestVerifierDenied passes on what Vault has against who asks, and falls back to POST for who may not PATCH.
func TestVerifierDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(0)
		app := e.Client(t)
		v, err := NewVerifier(app, verifyPath)
		if err != nil {
			t.Fatal(err)
		}
		judges := e.Odd
		e.Away(403)
		err = asks(t.Context(), v, "valid 1")
		if refused, ok := errors.AsType[*api.ResponseError](err); !ok || refused.StatusCode != 403 ||
			errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		e.Set(func() {
			e.Asked, e.Tokens = nil, nil
			e.Odd = func(r *http.Request, sent map[string]any) (*http.Response, error) {
				if r.Method == http.MethodPatch {
					return vaulttest.Says(403, "permission denied"), nil
				}
				return judges(r, sent)
			}
		})
		app.SetToken("renewed")
		if err := errors.Join(asks(t.Context(), v, "valid 2"), asks(t.Context(), v, "valid 3"), v.Close()); err != nil {
			t.Error(err)
		}
		if want := []string{
			"PATCH " + verifyPath,
			"PUT " + verifyPath,
			"PUT " + verifyPath,
		}; !slices.Equal(e.Asked, want) {
			t.Errorf("asked %v", e.Asked)
		}
		if want := []string{"renewed", "renewed", "renewed"}; !slices.Equal(e.Tokens, want) {
			t.Errorf("asked as %v", e.Tokens)
		}
	})
}

// TestVerdictFields reads all that is told, and refuses what is of another kind.
func TestVerdictFields(t *testing.T) {
	full := map[string]any{
		"user":              "agent7",
		"metadata":          map[string]any{"a": "b"},
		"expires_at":        "2026-02-01T00:00:00Z",
		"variant":           "path_query",
		"content_digest":    "sha-256=:x:",
		"successor_key_id":  "tEsTkId2",
		"replay_table_full": true,
		"of a later engine": 1,
	}
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(0)
		v := newTestVerifier(t, e)
		answer := func(data map[string]any) (Verdict, error) {
			e.Odd = func(_ *http.Request, sent map[string]any) (*http.Response, error) {
				e.ips = append(e.ips, sent["client_ip"])
				return vaulttest.Replies(map[string]any{"data": data}), nil
			}
			return v.Verify(t.Context(), Call{Request: "x", ClientIP: netip.MustParseAddr("fe80::1%eth0")})
		}
		got, err := answer(answerOf("replayed", full))
		want := Verdict{
			Code:            Replayed,
			Tenant:          "acme",
			Kind:            "external",
			Name:            "billing",
			KeyID:           "tEsTkId1",
			Version:         3,
			State:           "current",
			Scheme:          "vrnt-1",
			User:            "agent7",
			Metadata:        map[string]string{"a": "b"},
			ExpiresAt:       time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
			SuccessorKeyID:  "tEsTkId2",
			Variant:         "path_query",
			ContentDigest:   "sha-256=:x:",
			ServerTime:      time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
			ReplayTableFull: true,
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" || e.ips[0] != "fe80::1" {
			t.Errorf("%v, from %v:\n%s", err, e.ips, diff)
		}
		for name := range answerOf("valid", full) {
			if name == "of a later engine" {
				continue
			}
			if _, err := answer(answerOf("valid", full, map[string]any{name: []any{}})); !errors.Is(err, ErrUnknown) {
				t.Errorf("%s of another type: %v", name, err)
			}
			if _, optional := full[name]; optional && name != "expires_at" {
				continue
			}
			data := answerOf("valid", full)
			delete(data, name)
			if _, err := answer(data); !errors.Is(err, ErrUnknown) {
				t.Errorf("without %s: %v", name, err)
			}
		}
		for _, odd := range []map[string]any{
			{"verdict": "fine"},
			{"valid": false},
			{"verdict": "revoked"},
			{"key_id": ""},
			{"version": 0},
			{"version": 1.5},
			{"server_time": "yesterday"},
			{"expires_at": "1"},
			{"metadata": map[string]any{"a": 1}},
		} {
			if _, err := answer(answerOf("valid", full, odd)); !errors.Is(err, ErrUnknown) {
				t.Errorf("%v: %v", odd, err)
			}
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestVerifierCrowd has many come and go at once; each call is asked about once at most, and nothing is left behind.
func TestVerifierCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(20 * time.Millisecond)
		v := newTestVerifier(t, e, WithQueue(100))
		var wait sync.WaitGroup
		for caller := range 200 {
			wait.Go(func() {
				for n := range 50 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(60))*time.Millisecond)
					err := asks(ctx, v, fmt.Sprint("valid ", caller, " ", n))
					if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					cancel()
					time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
				}
			})
		}
		wait.Wait()
		time.Sleep(time.Minute)
		v.mu.Lock()
		if v.inFlight != 0 || v.waiting.Len() != 0 {
			t.Errorf("%d requests under way, %d calls wait", v.inFlight, v.waiting.Len())
		}
		v.mu.Unlock()
		if err := errors.Join(e.once(len(e.seen)), v.Close()); err != nil || len(e.seen) == 0 {
			t.Error(err)
		}
	})
}
