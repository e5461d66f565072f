package client

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
)

func TestLeaseNotRevocable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		var log bytes.Buffer
		l := newTestLease(t, f, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		f.Set(func() {
			f.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "revoke") {
					return vaulttest.Says(403, "permission denied"), nil
				}
				return nil, nil
			}
		})
		l.Report(l.KeyID())
		time.Sleep(time.Minute)
		closeIt(t, l)
		if n := f.Count("leases/revoke"); n != 2 {
			t.Errorf("tried to revoke %d times", n)
		}
		if !strings.Contains(log.String(), "key changed") || !strings.Contains(log.String(), "lease not revoked") {
			t.Error(log.String())
		}
		for _, k := range f.keys {
			if strings.Contains(log.String(), string(k.secret)) {
				t.Error("a secret is in the log")
			}
		}
	})
}

// TestLeaseRevokedLater has Vault not answer when the lease of the key before is to be revoked: that is tried again a
// few times.
func TestLeaseRevokedLater(t *testing.T) {
	for _, failures := range []int{0, 5, 1000} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			l := newTestLease(t, f)
			defer closeIt(t, l)
			before, left := l.KeyID(), failures
			f.Set(func() {
				f.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
					if strings.HasSuffix(r.URL.Path, "revoke") {
						if left--; left >= 0 {
							return vaulttest.Says(503, "away"), nil
						}
					}
					return nil, nil
				}
			})
			l.Report(before)
			synctest.Wait()
			if f.Count("leases/revoke") > 0 {
				t.Error("revoked while calls were under way")
			}
			time.Sleep(10 * time.Minute)
			f.Back()
			if revoked := f.keys[before].abandoned; revoked != (failures < 1000) {
				t.Errorf("after %d failures, revoked is %v", failures, revoked)
			}
			if n := f.Count("leases/revoke"); n > 3*maxRevokeTries {
				t.Errorf("asked %d times", n)
			}
		})
	}
}
