package client

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

const creds = "apikeys/tenants/acme/external/creds/billing"

var testHead = func() *signing.Head {
	h, err := signing.ParseHead([]byte("GET /orders HTTP/1.1\nHost: api.example\n"))
	if err != nil {
		panic(err)
	}
	return h
}()

// count returns how often something was asked.
func (f *fakeVault) count(what string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, asked := range f.asked {
		if strings.HasSuffix(asked, what) {
			n++
		}
	}
	return n
}

// set changes the fake while it is in use.
func (f *fakeVault) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// away has the fake not be there, or answer with a status, until it is back.
func (f *fakeVault) away(status int) {
	f.set(func() {
		f.odd = func(*http.Request, map[string]any) (*http.Response, error) {
			if status == 0 {
				return nil, errors.New("connection refused")
			}
			return says(status, "away"), nil
		}
	})
}

func (f *fakeVault) back() { f.set(func() { f.odd = nil }) }

// revokeAll ends every lease, as an administrator or the end of a token does.
func (f *fakeVault) revokeAll() {
	f.set(func() {
		for _, k := range f.keys {
			k.revoked = true
		}
	})
}

// signs signs a call and returns an error unless it is good now.
func (f *fakeVault) signs(s signing.Signer) error {
	added, err := s.Sign(context.Background(), testHead)
	if err != nil {
		return err
	}
	return f.verify(testHead, added)
}

// through has time pass, and a call signed in each step of it.
func (f *fakeVault) through(t *testing.T, s signing.Signer, span, step time.Duration) {
	t.Helper()
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(step) {
		if err := f.signs(s); err != nil {
			t.Fatalf("%s before the end: %v", time.Until(end), err)
		}
	}
}

func newTestLease(t *testing.T, f *fakeVault, opts ...Option) *Lease {
	t.Helper()
	l, err := NewLease(t.Context(), f.client(t), creds, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeIt(t *testing.T, s Source) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestLeaseIsKeptGood(t *testing.T) {
	for name, row := range map[string]struct {
		fake    *fakeVault
		renewed bool
		keys    int // that are taken in the time
		within  time.Duration
	}{
		"renewed":         {&fakeVault{span: time.Hour, longest: 1000 * time.Hour}, true, 1, 100 * time.Hour},
		"cut at max_ttl":  {&fakeVault{span: time.Hour, longest: 10 * time.Hour}, true, 11, 100 * time.Hour},
		"as long as most": {&fakeVault{span: time.Hour, longest: time.Hour}, true, 110, 100 * time.Hour},
		"not renewable":   {&fakeVault{span: time.Hour, longest: time.Hour, fixed: true}, false, 154, 100 * time.Hour},
		"of seconds":      {&fakeVault{span: 4 * time.Second, longest: 12 * time.Second}, true, 55, 10 * time.Minute},
		"wrapped":         {&fakeVault{span: time.Hour, longest: 10 * time.Hour, wrapped: true}, true, 11, 100 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.span, f.longest, f.fixed, f.wrapped = row.fake.span, row.fake.longest, row.fake.fixed, row.fake.wrapped
				l := newTestLease(t, f, WithDrain(time.Second))
				f.through(t, l, row.within, row.within/5000)
				time.Sleep(2 * time.Second)
				closeIt(t, l)
				if n := f.count("leases/renew"); (n > 0) != row.renewed {
					t.Errorf("renewed %d times", n)
				}
				if n := len(f.keys); n < row.keys*8/10 || n > row.keys*12/10 {
					t.Errorf("took %d keys, want about %d", n, row.keys)
				}
				for id, k := range f.keys {
					if !k.abandoned && time.Now().Before(k.ends) {
						t.Errorf("the lease of %s was left", id)
					}
				}
			})
		})
	}
}

func TestLeaseRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		l := newTestLease(t, f)
		defer closeIt(t, l)
		f.revokeAll()
		if err := f.signs(l); err == nil || err.Error() != "revoked" {
			t.Fatal(err)
		}
		l.Report("other567")
		synctest.Wait()
		if n := f.count(creds); n != 1 {
			t.Fatalf("a report of another key took %d", n)
		}
		l.Report(l.KeyID())
		synctest.Wait()
		if err := f.signs(l); err != nil {
			t.Fatal(err)
		}
		// Without a report it is found when the lease is to be renewed.
		f.revokeAll()
		time.Sleep(45 * time.Minute)
		if err := f.signs(l); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReportsAreSpaced has an app whose every call is refused, whatever the key.
func TestReportsAreSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		l := newTestLease(t, f)
		defer closeIt(t, l)
		for end := time.Now().Add(time.Hour); time.Now().Before(end); time.Sleep(time.Second / 10) {
			l.Report(l.KeyID())
		}
		if n := f.count(creds); n < 8 || n > 20 {
			t.Errorf("%d keys were taken in an hour", n)
		}
		time.Sleep(20 * time.Minute)
		id := l.KeyID()
		l.Report(id)
		synctest.Wait()
		if l.KeyID() == id {
			t.Error("a report after a time of quiet was not heeded at once")
		}
	})
}

func TestLeaseWhileVaultIsAway(t *testing.T) {
	for name, status := range map[string]int{
		"not there": 0, "sealed": 503, "dead leader": 500, "lagging": 412, "busy": 429, "no policy": 403, "led nowhere": 307,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				l := newTestLease(t, f)
				defer closeIt(t, l)
				f.away(status)
				f.through(t, l, 59*time.Minute, time.Second)
				tried := f.count("")
				time.Sleep(2 * time.Minute)
				for range 1000 {
					_, err := l.Sign(t.Context(), testHead)
					if !errors.Is(err, ErrExpired) || !strings.Contains(err.Error(), creds) {
						t.Fatalf("with a key that has expired: %v", err)
					}
				}
				if tried < 20 || tried > 1000 {
					t.Errorf("asked %d times in 20 minutes", tried)
				}
				f.back()
				time.Sleep(2 * endPause)
				f.through(t, l, 3*time.Hour, time.Minute)
			})
		})
	}
}

// TestLeaseAwayForMinutes is away where a renewal was due, and back before the key ends: it is the same key then.
func TestLeaseAwayForMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		l := newTestLease(t, f)
		defer closeIt(t, l)
		id := l.KeyID()
		f.through(t, l, 35*time.Minute, time.Second)
		f.away(0)
		f.through(t, l, 10*time.Minute, time.Second)
		f.back()
		f.through(t, l, 2*time.Hour, time.Minute)
		if l.KeyID() != id {
			t.Error("another key was taken")
		}
	})
}

func TestLeaseToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		vault := f.client(t)
		l, err := NewLease(t.Context(), vault, creds)
		if err != nil {
			t.Fatal(err)
		}
		defer closeIt(t, l)
		vault.SetToken("other")
		time.Sleep(45 * time.Minute)
		if f.count("leases/renew") != 1 || !slices.Equal(f.tokens, []string{"app", "other"}) {
			t.Errorf("asked %v as %v", f.asked, f.tokens)
		}
	})
}

func TestLeaseNotRevocable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		var log bytes.Buffer
		l := newTestLease(t, f, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		f.set(func() {
			f.odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "revoke") {
					return says(403, "permission denied"), nil
				}
				return nil, nil
			}
		})
		l.Report(l.KeyID())
		time.Sleep(time.Minute)
		closeIt(t, l)
		if n := f.count("leases/revoke"); n != 2 {
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
