package client

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
)

const creds = "apikeys/tenants/acme/external/creds/billing"

func TestLeaseIsKeptGood(t *testing.T) {
	for name, row := range map[string]struct {
		fake    *fakeVault
		renewed bool
		keys    int // that are taken in the time
		within  time.Duration
	}{
		"renewed":         {&fakeVault{span: time.Hour, longest: 1000 * time.Hour}, true, 1, 100 * time.Hour},
		"cut at max_ttl":  {&fakeVault{span: time.Hour, longest: 10 * time.Hour}, true, 11, 100 * time.Hour},
		"as long as most": {&fakeVault{span: time.Hour, longest: time.Hour}, true, 148, 100 * time.Hour},
		"not renewable":   {&fakeVault{span: time.Hour, longest: time.Hour, fixed: true}, false, 154, 100 * time.Hour},
		"of seconds":      {&fakeVault{span: 4 * time.Second, longest: 12 * time.Second}, true, 55, 10 * time.Minute},
		"wrapped": {&fakeVault{
			span: time.Hour, longest: 10 * time.Hour, wrapped: true,
		}, true, 11, 100 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.span, f.longest = row.fake.span, row.fake.longest
				f.fixed, f.wrapped = row.fake.fixed, row.fake.wrapped
				l := newTestLease(t, f, WithDrain(time.Second))
				f.through(t, l, row.within, row.within/5000)
				time.Sleep(2 * time.Second)
				closeIt(t, l)
				if n := f.Count("leases/renew"); (n > 0) != row.renewed {
					t.Errorf("renewed %d times", n)
				}
				if n := len(f.keys); n < row.keys*8/10 || n > row.keys*12/10 {
					t.Errorf("took %d keys, want about %d", n, row.keys)
				}
				for id, k := range f.keys {
					// Vault tells whole seconds, and what is left of the last one is not worth a question.
					if !k.abandoned && time.Now().Before(k.ends.Add(-time.Second)) {
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
		if n := f.Count(creds); n != 1 {
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
		if n := f.Count(creds); n < 8 || n > 20 {
			t.Errorf("%d keys were taken in an hour", n)
		}
		time.Sleep(20 * time.Minute)
		id := l.KeyID()
		l.Report(id)
		synctest.Wait()
		if l.KeyID() == id {
			t.Error("a report after a time of quiet was not acted on at once")
		}
	})
}

func TestLeaseWhileVaultIsAway(t *testing.T) {
	for name, status := range map[string]int{
		"not there": 0, "sealed": 503, "dead leader": 500, "lagging": 412, "busy": 429, "no policy": 403,
		"led nowhere": 307,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				l := newTestLease(t, f)
				defer closeIt(t, l)
				f.Away(status)
				f.through(t, l, 59*time.Minute, time.Second)
				tried := f.Count("")
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
				f.Back()
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
		f.Away(0)
		f.through(t, l, 10*time.Minute, time.Second)
		f.Back()
		f.through(t, l, 2*time.Hour, time.Minute)
		if l.KeyID() != id {
			t.Error("another key was taken")
		}
	})
}

// TestLeaseLittleLeft can renew only shortly before the longest that the lease may live.
func TestLeaseLittleLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.longest = f.span
		l := newTestLease(t, f)
		defer closeIt(t, l)
		id := l.KeyID()
		f.Away(503)
		f.through(t, l, 48*time.Minute, time.Second)
		f.Back()
		f.through(t, l, time.Minute, time.Second)
		if l.KeyID() == id {
			t.Error("the key was kept until the last")
		}
		f.through(t, l, 3*time.Hour, time.Minute)
	})
}

// TestLeaseAwayAtItsEnd has Vault go away shortly before the longest that a lease may live, and come back after it:
// about a third of the time granted at first is always left for that, and another key is there by then.
func TestLeaseAwayAtItsEnd(t *testing.T) {
	for longest := 20 * time.Minute; longest <= 50*time.Minute; longest += time.Minute {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.span, f.longest = 20*time.Minute, longest
			l := newTestLease(t, f)
			defer closeIt(t, l)
			for range 4 {
				ends := f.born(l.KeyID()).Add(longest)
				f.through(t, l, time.Until(ends)-11*time.Minute/2, time.Second)
				f.Away(503)
				f.through(t, l, 6*time.Minute, time.Second)
				f.Back()
				f.through(t, l, time.Minute, time.Second)
			}
		})
	}
}

// TestLeaseKeepsAThird plans what comes next a third of the whole time before the end, however much of it was granted.
func TestLeaseKeepsAThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for percent := range time.Duration(151) {
			for range 100 {
				const span = 1000 * time.Second
				l := &Lease{lease: lease{span: span}}
				granted := span / 100 * percent
				l.schedule(granted)
				switch wait := time.Until(l.next); {
				case wait < 0, wait == 0 && granted > span*4/10:
					t.Fatalf("%s granted: next after %s", granted, wait)
				case wait > 0 && (granted-wait < span*3/10 || granted-wait > span*4/10):
					t.Fatalf("%s granted: next %s before the end", granted, granted-wait)
				}
			}
		}
	})
}

// TestLeaseNotToBeRenewed may take keys but not renew leases, or finds none to renew.
func TestLeaseNotToBeRenewed(t *testing.T) {
	for _, status := range []int{400, 403, 404} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "renew") {
					return vaulttest.Says(status, "no"), nil
				}
				return nil, nil
			}
			l := newTestLease(t, f)
			defer closeIt(t, l)
			f.through(t, l, 10*time.Hour, time.Minute)
			if n := f.Count(creds); n < 13 || n > 18 {
				t.Errorf("%d: took %d keys in ten hours", status, n)
			}
		})
	}
}

func TestSourcesShowNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		l, s := newTestLease(t, f), newTestStatic(t, f)
		defer closeIt(t, l)
		defer closeIt(t, s)
		var shown string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			shown += fmt.Sprintf(verb+verb+verb+verb, l, s, l.current.Load(), *s.current.Load())
		}
		for _, k := range f.keys {
			for _, form := range []string{"%s", "%x", "%d"} {
				if strings.Contains(shown, strings.Trim(fmt.Sprintf(form, k.secret[:8]), "[]")) {
					t.Errorf("shown as %s: %s", form, shown)
				}
			}
		}
	})
}

func TestLeaseToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		vault := f.Client(t)
		l, err := NewLease(t.Context(), vault, creds)
		if err != nil {
			t.Fatal(err)
		}
		defer closeIt(t, l)
		vault.SetToken("other")
		time.Sleep(45 * time.Minute)
		if f.Count("leases/renew") != 1 || !slices.Equal(f.Tokens, []string{"app", "other"}) {
			t.Errorf("asked %v as %v", f.Asked, f.Tokens)
		}
	})
}
