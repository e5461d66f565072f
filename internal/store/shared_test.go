package store

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Whatever other tenants and strangers have the store remember, a tenant's key is found as
// it is: at the worst it is read from storage again.
func TestFullCachesCostReadsAlone(t *testing.T) {
	const size = 100 // of cache_entries
	for _, row := range []struct {
		name  string
		fill  func(w *world)
		reads int
	}{
		{"keys", func(w *world) {
			for n := range 10 * size {
				w.key(apikey.Name(fmt.Sprintf("other-%d", n)))
				w.find(id(1000 + n))
			}
		}, 2}, // its ID's entry and itself
		{"roles", func(w *world) {
			for n := range 10 * size {
				_, _ = w.st.Role(w.t.Context(), w.s, w.tenant, apikey.Internal, apikey.Name(fmt.Sprintf("other-%d", n)))
			}
		}, 2},
		{"tenants", func(w *world) {
			for n := range 3 * tenantsCached {
				name := tenant.Name(fmt.Sprintf("t-%d", n))
				path := location{family: familyTenants, tenant: name}.path()
				w.st.tenants.cache.put(path, &tenant.Tenant{Name: name})
			}
		}, 1},
		{"unknown IDs", func(w *world) {
			for n := range 3 * absentCached {
				w.find(id(100_000 + n))
			}
		}, 0},
		{"what others write", func(w *world) {
			for n := range 10 * size { // each makes some record that is just being read be read again
				_ = n
				w.open(tenant.Name(fmt.Sprintf("t-%d", n)), "uid")
			}
		}, 0},
	} {
		w := newWorld(t)
		c := tenant.DefaultConfig()
		c.CacheEntries = size
		w.st.Resize(c)
		other := w.in("other", "uid-of-other")
		for n := range 10 * size {
			other.create(apikey.Name(fmt.Sprintf("other-%d", n)), id(1000+n))
		}
		k := w.create("billing", id(1))
		for range 5 {
			w.find(id(1))
		}
		row.fill(other)
		if n := w.st.Cached(); n > size+size/10 {
			t.Errorf("%s: %d records in memory", row.name, n)
		}
		for what, want := range map[string]*apikey.Key{id(1): k, id(999_999): nil} {
			var found *Match
			reads := w.s.Operations(func() { found = w.find(what) })
			if want == nil && found != nil ||
				want != nil && (found == nil || found.Key.UID != k.UID || found.Tenant.UID != w.tenant.UID) {
				t.Errorf("%s: %s: %+v", row.name, what, found)
			}
			if want != nil && len(reads) > row.reads || len(reads) > 3 {
				t.Errorf("%s: %s costs %v", row.name, what, reads)
			}
		}
	}
}

// A tenant that keeps many of its records busy while storage hangs does not block writes of other records.
func TestNobodyHoldsAnothersLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("billing", id(1))
		const names = mostOfOne - 100 // as many as a tenant may have on their way
		hang := make(chan struct{})
		other := w.in("other", "uid-of-other")
		w.s.StepIn(func(op string) error {
			if len(op) > 14 && op[:14] == "put ids/other-" {
				<-hang
			}
			return nil
		}, nil)
		done := make(chan error, names)
		for n := range names {
			go func() {
				_, err := other.update(
					apikey.Name(fmt.Sprintf("n-%d", n)),
					becomes(newKey(other.tenant, apikey.Name(fmt.Sprintf("n-%d", n)), fmt.Sprintf("other-%d", n))),
				)
				done <- err
			}()
		}
		synctest.Wait()
		began := time.Now()
		must(t, func() error {
			_, err := w.update("billing", func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, id(2), start) })
			return err
		}())
		if took := time.Since(began); took > 0 {
			t.Errorf("it waits for %s", took)
		}
		if n := len(w.st.keys.locks.held); n != names {
			t.Errorf("%d locks", n)
		}
		close(hang)
		for range names {
			must(t, <-done)
		}
		if n := len(w.st.keys.locks.held) + len(w.st.idLocks.held); n != 0 {
			t.Errorf("%d locks are left that nobody holds", n)
		}
	})
}

// Whether a version was used after its reveal is known from its tenant's own uses, however
// much others use; and where that tenant has more than is kept, it counts as used.
func TestWhetherAVersionWasUsed(t *testing.T) {
	w := newWorld(t)
	w.begin()
	w.st.usage.most = 50
	k, unused := w.create("billing", id(1)), w.create("unused", id(2))
	check := func(what string, st *Store, k *apikey.Key, want bool) {
		t.Helper()
		got, err := st.WasUsed(t.Context(), w.s, k, k.Newest().KeyID)
		if must(t, err); got != want {
			t.Errorf("%s: %s: %t", what, k.Name, got)
		}
	}
	check("before", w.st, k, false)
	w.st.Used(k, id(1), "", minute(0))
	other := w.in("other", "uid-of-other").create("busy", id(3))
	for n := range 20_000 {
		w.st.Used(other, id(100+n), "", minute(1))
	}
	check("in memory", w.st, k, true)
	check("in memory", w.st, unused, false)
	w.flush()
	check("in storage", New(), k, true)
	check("in storage", w.st, unused, false)
	for n := range 100 {
		w.st.Used(k, id(50_000+n), "", minute(1))
	}
	check("its own tenant uses too many", w.st, unused, true)
	w.flush()
	check("its own tenant has used too many", New(), unused, true)
	w.s.Write(t, "usage/uid-of-acme/x", "{")
	if _, err := New().WasUsed(context.Background(), w.s, unused, id(2)); err == nil {
		t.Error("damage is taken for no use")
	}
}
