package sweep

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// open makes another tenant.
func (w *world) open(name tenant.Name, how func(*tenant.Tenant)) *tenant.Tenant {
	w.t.Helper()
	of, err := w.st.UpdateTenant(w.t.Context(), w.s, name, func(*tenant.Tenant) (*tenant.Tenant, error) {
		of := tenant.New(name, w.now)
		how(of)
		return of, nil
	})
	w.must(err)
	return of
}

// fill gives a tenant keys that rotate by schedule, the first of which end first.
func (w *world) fill(of *tenant.Tenant, keys int, ttl time.Duration) {
	w.t.Helper()
	w.fillEach(of, keys, ttl, time.Minute)
}

// fillEach is fill with keys that end so long after each other.
func (w *world) fillEach(of *tenant.Tenant, keys int, ttl, apart time.Duration) {
	w.t.Helper()
	s := apikey.Settings{
		Scheme:     signing.HMACSHA256,
		TTL:        ttl,
		AutoRotate: true,
		Overlap:    min(time.Hour, ttl/2),
		Reveal:     apikey.RevealAlways,
	}
	for n := range keys {
		name := apikey.Name(fmt.Sprintf("key-%05d", n))
		k := apikey.New(
			apikey.Ref{Tenant: of.Name, Kind: apikey.External, Name: name},
			of.UID,
			s,
			apikey.NewKeyID(),
			apikey.Actor{},
			w.now.Add(time.Duration(n)*apart),
		)
		_, err := w.st.UpdateKey(
			w.t.Context(),
			w.s,
			of,
			k.Kind,
			k.Name,
			func(*apikey.Key) (*apikey.Key, error) { return k, nil },
		)
		w.must(err)
	}
}

// writes sweeps once and returns the records of keys that were written or deleted, in that order.
func (w *world) writes() []string {
	w.t.Helper()
	ops := writing(w.s.Operations(func() {
		w.must(w.tick())
		w.idle()
	}))
	return slices.DeleteFunc(ops, func(op string) bool { return !strings.Contains(op, " keys/") })
}

// idle waits for a sweep that goes on by itself.
func (w *world) idle() {
	w.sweep.turn <- struct{}{}
	<-w.sweep.turn
}

// last returns the place of the last operation that is about a tenant.
func last(ops []string, of string) int {
	for i := len(ops) - 1; i >= 0; i-- {
		if strings.Contains(ops[i], "/"+of+"/") {
			return i
		}
	}
	return -1
}

// A deleted tenant's many keys are erased, and meanwhile five keys of another become due, a
// minute later: these come first, but for the share of chores.
func TestRotationsBeforeAnErasure(t *testing.T) {
	w := newWorld(t)
	w.sweep.workers = 1
	w.fill(w.acme, 5, 10*time.Hour)
	bolt := w.open("bolt", func(*tenant.Tenant) {})
	w.fill(bolt, 2000, 400*day)
	_, err := w.st.UpdateTenant(t.Context(), w.s, "bolt", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		c := *old
		c.DeletedAt = w.now.Add(9*time.Hour - 7*day - time.Minute)
		c.Revision++
		return &c, nil
	})
	w.must(err)
	w.now = w.now.Add(9*time.Hour + 10*time.Minute)
	ops := w.writes()
	if at := last(ops, "acme"); at < 4 || at > 5 {
		t.Errorf("the last rotation is write %d of %d", at, len(ops))
	}
	if n := w.sweep.Status(w.now); n.Rotated != 5 || n.Erased != 2000 || n.Due != 0 {
		t.Errorf("%+v", n)
	}
}

// A thousand rotations of one tenant, and one of another: that one is among the first.
func TestRotationsAreFairByTenant(t *testing.T) {
	for _, n := range []int{1, workers} {
		w := newWorld(t)
		w.sweep.workers = n
		w.fill(w.acme, 1000, 1000*time.Hour)
		w.fill(w.open("bolt", func(*tenant.Tenant) {}), 1, 1010*time.Hour)
		w.now = w.now.Add(1020 * time.Hour)
		ops := w.writes()
		if at := last(ops, "bolt"); len(ops) != 1001 || at < 0 ||
			n == 1 && at > 1 { // several workers keep no exact order
			t.Errorf("%d workers: write %d of %d", n, at, len(ops))
		}
		if s := w.sweep.Status(w.now); s.Rotated != 1001 || s.Due != 0 || s.Failed != 0 {
			t.Errorf("%d workers: %+v", n, s)
		}
	}
}

// Within a tenant the version that ends first is replaced first, whenever it was due.
func TestRotationsThatEndFirst(t *testing.T) {
	w := newWorld(t)
	w.sweep.workers = 1
	w.fill(w.acme, 100, 10*time.Hour)
	w.now = w.now.Add(12 * time.Hour)
	ops := w.writes()
	if len(ops) != 100 || !slices.IsSorted(ops) {
		t.Errorf("%v", ops)
	}
}

// Chores are never starved for ever: one unit in sixteen is theirs.
func TestChoresHaveAShare(t *testing.T) {
	w := newWorld(t)
	w.sweep.workers = 1
	w.fill(w.acme, 200, 300*time.Hour)
	bolt := w.open("bolt", func(*tenant.Tenant) {})
	w.fill(bolt, 100, 400*day)
	for n := range 100 {
		_, err := w.st.UpdateKey(
			t.Context(),
			w.s,
			bolt,
			apikey.External,
			apikey.Name(fmt.Sprintf("key-%05d", n)),
			func(k *apikey.Key) (*apikey.Key, error) {
				return k.Delete(apikey.Actor{}, w.now)
			},
		)
		w.must(err)
	}
	w.now = w.now.Add(302 * time.Hour)
	ops := w.writes()
	chores := 0
	for _, op := range ops[:160] {
		if strings.HasPrefix(op, "delete") {
			chores++
		}
	}
	if chores < 8 || chores > 11 {
		t.Errorf("%d chores among 160", chores)
	}
}

// However a sweep is stopped, it begins no write after those under way.
func TestSweepStops(t *testing.T) {
	for name, stop := range map[string]func(w *world, may *atomic.Bool){
		"closed": func(w *world, _ *atomic.Bool) { w.sweep.Close() },
		"reset":  func(w *world, _ *atomic.Bool) { w.sweep.Reset() },
		"the node may not write": func(_ *world, may *atomic.Bool) {
			may.Store(false)
			time.Sleep(watching + time.Millisecond)
		},
		"a write fails when by itself": func(w *world, _ *atomic.Bool) {
			w.s.fail(func(op string) bool { return op[0] == 'p' || op[0] == 'd' })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var may atomic.Bool
				var warned atomic.Int64
				may.Store(true)
				w.sweep.Attach(may.Load, func(string, ...any) { warned.Add(1) })
				w.fillEach(w.acme, 100, 30*time.Minute, 0)
				time.Sleep(5 * time.Hour)
				w.now = time.Now()
				w.slow(100 * time.Millisecond)
				w.must(w.tick())
				if took := time.Since(w.now); took != patience {
					t.Fatalf("it returns after %s", took)
				}
				stop(w, &may)
				began := time.Now()
				ops := writing(w.s.Operations(w.idle))
				if took := time.Since(began); len(ops) > 1 || took > time.Second {
					t.Errorf("it stops after %s and %v", took, ops)
				}
				synctest.Wait()
				if warned.Load() == 0 {
					t.Error("nobody is told")
				}
				if s := w.sweep.Status(w.now); s.Rotated == 0 || s.Due != 100-int(s.Rotated) || s.Oldest < 4*time.Hour {
					t.Errorf("%+v", s)
				}
				w.s.fail(nil)
				may.Store(true)
				time.Sleep(time.Minute)
				w.now = time.Now()
				w.must(w.tick())
				if s := w.sweep.Status(w.now); name == "closed" != (s.Due > 0) {
					t.Errorf("then: %+v", s)
				}
			})
		})
	}
}
