package client

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vault"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

const signPath = "apikeys/my/external/sign/orders"

func TestRemote(t *testing.T) {
	for _, scheme := range []signing.Scheme{signing.Vrnt1, signing.RFC9421} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.scheme = scheme
			r := NewRemote(f.Client(t), signPath)
			for range 3 {
				if err := f.signs(r); err != nil {
					t.Fatal(err)
				}
			}
			odd, err := signing.ParseHead([]byte("GET / HTTP/1.1\nHost: a\nVerint-A: \xff\n"))
			if err != nil {
				t.Fatal(err)
			}
			added, err := r.Sign(t.Context(), odd)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.verify(odd, added); err != nil {
				t.Fatal(err)
			}
			signature, err := r.SignMessage(t.Context(), []byte("hello\xff"))
			if err != nil {
				t.Fatal(err)
			}
			if call, err := signing.ParseTagged([]byte("hello\xff"), signature); err != nil ||
				!call.SignedBy(f.keys[call.KeyID].secret) {
				t.Error(err)
			}
			if n := f.Count(signPath); n != 5 || n != f.Count("PATCH "+signPath) {
				t.Errorf("asked %v", f.Asked)
			}
			closeIt(t, r)
			if _, err := r.Sign(t.Context(), testHead); !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// TestRemoteWithoutPatch has a policy that grants update alone, and one that grants nothing until later.
func TestRemoteWithoutPatch(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusMethodNotAllowed} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.Away(403)
			r := NewRemote(f.Client(t), signPath)
			refused, ok := errors.AsType[*api.ResponseError](f.signs(r))
			if !ok || refused.StatusCode != 403 ||
				!slices.Equal(f.Asked, []string{"PATCH " + signPath, "PUT " + signPath}) {
				t.Errorf("%v, asked %v", refused, f.Asked)
			}
			f.Set(func() {
				f.Asked = nil
				f.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
					if r.Method == http.MethodPatch {
						return vaulttest.Says(status), nil
					}
					return nil, nil
				}
			})
			for range 3 {
				if err := f.signs(r); err != nil {
					t.Fatal(err)
				}
			}
			if want := []string{
				"PATCH " + signPath,
				"PUT " + signPath,
				"PUT " + signPath,
				"PUT " + signPath,
			}; !slices.Equal(f.Asked, want) {
				t.Errorf("asked %v", f.Asked)
			}
		})
	}
}

// TestRemoteWhileTheLeaderChanges has a standby answer some questions in ways that pass.
func TestRemoteWhileTheLeaderChanges(t *testing.T) {
	led := func(*http.Request) (*http.Response, error) {
		resp := vaulttest.Says(307)
		resp.Header.Set("Location", "http://dead.test:8200/v1/"+signPath)
		return resp, nil
	}
	for name, row := range map[string]struct {
		odd   func(*http.Request) (*http.Response, error)
		times int32
	}{
		"500": {func(*http.Request) (*http.Response, error) {
			return vaulttest.Says(500, "dead leader"), nil
		}, 7},
		"503": {func(*http.Request) (*http.Response, error) {
			return vaulttest.Says(503, "sealed"), nil
		}, 7},
		"412": {func(*http.Request) (*http.Response, error) {
			return vaulttest.Says(412, "lagging"), nil
		}, 7},
		"429": {func(*http.Request) (*http.Response, error) {
			return vaulttest.Says(429, "busy"), nil
		}, 7},
		"307":               {led, 2},
		"307 without where": {func(*http.Request) (*http.Response, error) { return vaulttest.Says(307), nil }, 2},
		"not there": {func(*http.Request) (*http.Response, error) {
			return nil, errors.New("connection refused")
		}, 7},
		"nothing": {func(*http.Request) (*http.Response, error) {
			return vaulttest.Response(200, nil), nil
		}, 2},
		"no JSON": {func(*http.Request) (*http.Response, error) {
			return vaulttest.Response(200, "x"), nil
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				var left atomic.Int32
				f.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
					if r.URL.Hostname() == "dead.test" {
						return nil, errors.New("no route to host")
					}
					if left.Add(-1) >= 0 {
						return row.odd(r)
					}
					return nil, nil
				}
				r := NewRemote(f.Client(t), signPath)
				left.Store(row.times)
				if err := f.signs(r); err != nil {
					t.Error(err)
				}
				left.Store(1000)
				if err := f.signs(r); err == nil {
					t.Error("signed by whom?")
				}
				if n := f.Count(""); n > 40 {
					t.Errorf("asked %d times", n)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
				defer cancel()
				before := time.Now()
				if _, err := r.Sign(ctx, testHead); err == nil || time.Since(before) > time.Second {
					t.Errorf("after %s: %v", time.Since(before), err)
				}
			})
		})
	}
}

func TestRemoteRefusals(t *testing.T) {
	signed, err := signing.ParseHead([]byte("GET / HTTP/1.1\nHost: a\nAuthorization: Basic c2VjcmV0\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := newFake()
	r := NewRemote(f.Client(t), signPath)
	if _, err := r.Sign(t.Context(), signed); !errors.Is(err, signing.ErrSigned) || len(f.Asked) > 0 {
		t.Errorf("%v, asked %v", err, f.Asked)
	}
	f.Odd = func(*http.Request, map[string]any) (*http.Response, error) {
		return vaulttest.Says(400, "revoked: ask for another"), nil
	}
	if _, err := r.Sign(
		t.Context(),
		testHead,
	); err == nil || !strings.Contains(err.Error(), "revoked: ask for another") ||
		len(f.Asked) != 1 {
		t.Errorf("%v, asked %v", err, f.Asked)
	}
	for name, data := range map[string]map[string]any{
		"no key_id":    {"headers": map[string]any{}},
		"no headers":   {"key_id": "tEsTkId1"},
		"none":         {"key_id": "tEsTkId1", "headers": map[string]any{}},
		"a number":     {"key_id": "tEsTkId1", "headers": map[string]any{"Authorization": 1}},
		"no signature": {"key_id": "tEsTkId1", "headers": map[string]any{"Authorization": "Bearer x"}},
		"a Host":       {"key_id": "tEsTkId1", "headers": map[string]any{"Host": "x"}},
		"a line":       {"key_id": "tEsTkId1", "headers": map[string]any{"A": "x\nB: y"}},
	} {
		f.Odd = func(*http.Request, map[string]any) (*http.Response, error) {
			return vaulttest.Replies(map[string]any{"data": data}), nil
		}
		if _, err := r.Sign(t.Context(), testHead); !errors.Is(err, vault.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.SignMessage(t.Context(), nil); !errors.Is(err, vault.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
