package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// While one record is read from slow storage, another is changed, and the change is answered: what is found has it.
func TestWhatIsReadTogetherHoldsTogether(t *testing.T) {
	const (
		named, leased = "keys/acme/external/billing", "leased/acme/internal/"
		role          = "roles/acme/internal/agent"
	)
	suspend := func(w *world) {
		_, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
			c := *old
			c.SuspendedAt = start
			return &c, nil
		})
		must(t, err)
	}
	revoke := func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) }
	revokeNamed := func(w *world) { w.change("billing", revoke) }
	revokeLeased := func(w *world) { w.changeLeased(id(2), revoke) }
	revokeRole := func(w *world) {
		_, err := w.st.UpdateRole(t.Context(), w.s, w.tenant, apikey.Internal, "agent",
			func(old *apikey.Role) (*apikey.Role, error) { c := *old; c.Epoch++; return &c, nil })
		must(t, err)
	}
	byID := func(keyID string) func(w *world) (*Match, error) {
		return func(w *world) (*Match, error) { return w.st.Find(t.Context(), w.s, keyID) }
	}
	byName := func(w *world) (*Match, error) {
		return w.st.Named(t.Context(), w.s, w.tenant, apikey.External, "billing")
	}
	for _, row := range []struct {
		name, slow string
		find       func(w *world) (*Match, error)
		change     func(w *world)
	}{
		{"a key while its tenant is read", "tenants/acme", byID(id(1)), revokeNamed},
		{"a tenant while a key is read", named, byID(id(1)), suspend},
		{"a key of a name while its tenant is read", "tenants/acme", byName, revokeNamed},
		{"a tenant while a key of a name is read", named, byName, suspend},
		{"a leased key while its role is read", role, byID(id(2)), revokeLeased},
		{"a tenant while the role of a leased key is read", role, byID(id(2)), suspend},
		{"a role while a leased key is read", leased + id(2), byID(id(2)), revokeRole},
		{"a role while it is read", role, byID(id(2)), revokeRole},
	} {
		for _, cold := range []bool{true, false} {
			w := newWorld(t)
			w.create("billing", id(1))
			w.issue(id(2))
			w = w.fresh()
			if !cold { // but for the one
				w.view()
				w.st.Invalidate(row.slow)
			}
			g := w.hold("get " + row.slow)
			var found *Match
			var err error
			var reading sync.WaitGroup
			reading.Go(func() { found, err = row.find(w) })
			<-g.held
			row.change(w)
			g.release()
			reading.Wait()
			must(t, err)
			k := found.Key
			now, _ := apikey.GrantOf(k.Newest().KeyID, k, found.Tenant, found.Role, tenant.DefaultConfig())
			if now.Standing == apikey.Valid {
				t.Errorf("%s, all cold %v: nothing is said of the change", row.name, cold)
			}
		}
	}
}

// A request that waits for a locked record stops when it ends, and has changed nothing.
func TestWaitingForARecordEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("billing", id(1))
		g := w.hold("put keys/acme/external/billing")
		change := func(k *apikey.Key) (*apikey.Key, error) { return k.Disable("", "", admin, start) }
		var all sync.WaitGroup
		all.Go(func() { w.change("billing", change) })
		<-g.held
		ctx, leave := context.WithCancel(t.Context())
		var err error
		ended := false
		all.Go(func() {
			_, err = w.st.UpdateKey(ctx, w.s, w.tenant, apikey.External, "billing",
				func(*apikey.Key) (*apikey.Key, error) { t.Error("it goes on"); return nil, nil })
			ended = true
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		if !ended || !errors.Is(err, context.Canceled) {
			t.Errorf("ended %v, %v", ended, err)
		}
		g.release()
		all.Wait()
		if n := len(w.st.keys.locks.held); n != 0 {
			t.Errorf("%d locks are kept of which nobody has any", n)
		}
		w.change("billing", change)
	})
}
