package client

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vault"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

// TestFirstKeyMissing has the first question answered badly: there is no source then, and nothing in the background.
func TestFirstKeyMissing(t *testing.T) {
	for _, status := range []int{0, 307, 400, 403, 404, 412, 500, 503} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.Away(status)
			for _, path := range []string{creds, staticPath} {
				var err error
				if path == creds {
					_, err = NewLease(t.Context(), f.Client(t), path)
				} else {
					_, err = NewStatic(t.Context(), f.Client(t), path)
				}
				if err == nil || !strings.HasPrefix(err.Error(), path) {
					t.Errorf("%d: %v", status, err)
				}
				refused, ok := errors.AsType[*api.ResponseError](err)
				if want := status != 0 && status != 307; ok != want || ok && refused.StatusCode != status {
					t.Errorf("%d: %v", status, err)
				}
			}
		})
	}
}

func TestMalformedKeys(t *testing.T) {
	const text = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I"
	good := func() map[string]any {
		return map[string]any{
			"key_id": "tEsTkId1", "key": text, "scheme": "vrnt-1", "expires_at": "2100-01-01T00:00:00Z", "ttl": 60,
		}
	}
	for name, change := range map[string]func(map[string]any){
		"no data":         func(d map[string]any) { clear(d) },
		"no key_id":       func(d map[string]any) { delete(d, "key_id") },
		"bad key_id":      func(d map[string]any) { d["key_id"] = "a b" },
		"no key":          func(d map[string]any) { delete(d, "key") },
		"sealed":          func(d map[string]any) { delete(d, "key"); d["sealed"] = "-----BEGIN" },
		"padded key":      func(d map[string]any) { d["key"] = text + "=" },
		"empty key":       func(d map[string]any) { d["key"] = "" },
		"number for key":  func(d map[string]any) { d["key"] = 5 },
		"no scheme":       func(d map[string]any) { delete(d, "scheme") },
		"unknown scheme":  func(d map[string]any) { d["scheme"] = "md5" },
		"no expires_at":   func(d map[string]any) { delete(d, "expires_at") },
		"bad expires_at":  func(d map[string]any) { d["expires_at"] = "tomorrow" },
		"odd expires_at":  func(d map[string]any) { d["expires_at"] = 5 },
		"no lease or ttl": func(d map[string]any) { delete(d, "ttl") },
		"bad ttl":         func(d map[string]any) { d["ttl"] = -1 },
		"long ttl":        func(d map[string]any) { d["ttl"] = "9223372036854775807" },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			data := good()
			change(data)
			_, leased := data["ttl"]
			f.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "revoke") {
					return nil, nil
				}
				answer := map[string]any{"data": data}
				if leased {
					answer["lease_id"], answer["lease_duration"] = "lease/x", 3600
				}
				return vaulttest.Replies(answer), nil
			}
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, nil))
			_, err := NewStatic(t.Context(), f.Client(t), staticPath, WithLogger(logger))
			if !errors.Is(err, vault.ErrMalformed) {
				t.Errorf("%s: %v", name, err)
			}
			if !strings.HasSuffix(name, "ttl") || !leased {
				_, leaseErr := NewLease(t.Context(), f.Client(t), creds, WithLogger(logger))
				if !errors.Is(leaseErr, vault.ErrMalformed) {
					t.Errorf("%s: %v", name, leaseErr)
				}
				if n := f.Count("leases/revoke"); leased && n != 1 {
					t.Errorf("%s: the lease was left", name)
				}
				err = errors.Join(err, leaseErr)
			}
			if strings.Contains(fmt.Sprint(err, log.String()), "c2VjcmV0") {
				t.Errorf("%s: a secret is told", name)
			}
		})
	}
}

// TestLeaseThroughCache has an agent between that answers with the same key again.
func TestLeaseThroughCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fixed = true
		answer := f.lend()
		f.Odd = func(*http.Request, map[string]any) (*http.Response, error) { return vaulttest.Replies(answer), nil }
		l := newTestLease(t, f)
		defer closeIt(t, l)
		time.Sleep(61 * time.Minute)
		if _, err := l.Sign(t.Context(), testHead); !errors.Is(err, ErrExpired) || !errors.Is(err, errSame) {
			t.Error(err)
		}
	})
}

// TestEndOfLease has clocks that differ, and a lease that Vault has cut.
func TestEndOfLease(t *testing.T) {
	for name, row := range map[string]struct {
		expires, granted, want time.Duration
	}{
		"as granted":       {time.Hour, time.Hour, time.Hour},
		"lease cut":        {time.Hour, time.Minute, time.Minute},
		"key ends earlier": {time.Minute, time.Hour, time.Minute},
		"clock far ahead":  {-time.Minute, time.Hour, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			answer := f.lend()
			answer["lease_duration"] = int(row.granted.Seconds())
			answer["data"].(map[string]any)["expires_at"] = time.Now().Add(row.expires).UTC().Format(time.RFC3339)
			f.Odd = func(*http.Request, map[string]any) (*http.Response, error) {
				return vaulttest.Replies(answer), nil
			}
			l := newTestLease(t, f)
			defer closeIt(t, l)
			if got := time.Until(l.current.Load().ends); got != row.want {
				t.Errorf("%s: %s", name, got)
			}
		})
	}
}

// TestUnwrapWithoutToken is as behind an agent that logs in for its clients: the wrapping token must not stay.
func TestUnwrapWithoutToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.wrapped = true
		vault := f.Client(t)
		vault.ClearToken()
		s, err := NewStatic(t.Context(), vault, staticPath)
		if err != nil {
			t.Fatal(err)
		}
		defer closeIt(t, s)
		if vault.Token() != "" {
			t.Error("the client has a token now")
		}
		// An agent that puts its own token in the place of any.
		forced := func(r *http.Request, sent map[string]any) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "unwrap") && sent["token"] == nil {
				return vaulttest.Says(400, "wrapping token is not valid or does not exist"), nil
			}
			return nil, nil
		}
		f.Set(func() { f.Odd = forced })
		s2, err := NewStatic(t.Context(), vault, staticPath)
		if err != nil {
			t.Fatal(err)
		}
		closeIt(t, s2)
	})
}

func TestMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := newTestStatic(t, f)
		defer closeIt(t, s)
		if _, err := s.SignMessage(t.Context(), []byte("hello")); !errors.Is(err, signing.ErrUnknownScheme) {
			t.Error(err)
		}
		f.scheme = signing.HMACSHA256
		l := newTestLease(t, f)
		defer closeIt(t, l)
		signature, err := l.SignMessage(t.Context(), []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if call, err := signing.ParseTagged([]byte("hello"), signature); err != nil ||
			!call.SignedBy(f.keys[call.KeyID].secret) {
			t.Error(err)
		}
		if _, err := l.Sign(t.Context(), testHead); !errors.Is(err, signing.ErrUnknownScheme) {
			t.Error(err)
		}
	})
}
