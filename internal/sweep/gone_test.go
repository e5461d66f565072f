package sweep_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A deleted key comes back until the retention has passed, and then nothing of it is left.
func TestSweepOfADeletedKey(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Root().Patch("config", fields{"max_keys": 1})
		h := acme.Key(billing, scheduled)
		acme.Write(billing+"/rotate", nil)
		second := acme.Current(billing)
		h.Finds("valid")
		w.Sweep()
		acme.Remove(billing)
		wait(retained - time.Minute)
		w.Sweep()
		acme.Write(billing+"/restore", nil).Is(fields{"state": "disabled"})
		acme.Remove(billing)
		wait(retained - time.Second)
		w.Sweep()
		second.Finds("disabled")
		acme.Refused(400, "max_keys").Write("my/external/keys/other", nil)
		wait(time.Second)
		w.Sweep()
		for _, gone := range []holder{h, second} {
			gone.Finds("unknown_key")
			acme.Refused(404, "").Read("my/ids/" + gone.KeyID)
		}
		acme.Refused(404, "billing").Read(billing)
		acme.Read("my").Is(fields{"keys": 0})
		w.Ticking(2*time.Minute, time.Minute)
		if left := w.Entries("keys/", "ids/", "usage/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		acme.Write(billing, fields{"cas": 0}).Is(fields{"revision": 1}) // the name is free
		// What led to the former key does the new one no harm.
		w.Ticking(keyLife, 12*time.Hour)
		acme.Stands(billing, "expired")
		if due := w.Entries("due/"); len(due) != 1 {
			t.Errorf("due: %v", due)
		}
	})
}

// A deleted tenant comes back with all it had until the retention has passed, and then
// nothing of it is left and its name is free: whoever gets it sees nothing of the former
// one.
func TestSweepOfADeletedTenant(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h, other := acme.Key(billing, scheduled), bolt.Key(billing, nil)
		acme.Key("my/internal/keys/phone", nil)
		_, l, leased := app(acme, fields{"ttl": "700h", "max_ttl": "700h"})
		h.Finds("valid")
		w.Sweep()
		w.SPA().Remove("admin/tenants/acme")
		wait(retained - time.Minute)
		w.Sweep()
		w.SPA().Write("admin/tenants/acme/restore", nil)
		h.Finds("valid")
		leased.Finds("valid")
		w.SPA().Remove("admin/tenants/acme")
		wait(retained - time.Second)
		w.Sweep()
		w.SPA().Read("admin/tenants/acme").Is(fields{"state": "deleted", "keys": 2, "leased_keys": 1})
		wait(time.Second)
		w.SPA().Refused(400, "deleted").Write("admin/tenants/acme/restore", nil)
		w.Sweep()
		w.SPA().Refused(404, "acme").Read("admin/tenants/acme")
		w.Ticking(2*time.Minute, time.Minute)
		for _, path := range w.All() {
			if strings.Contains(path, "acme") &&
				!strings.HasPrefix(path, "due/") { // which leads nowhere, and goes when its time comes
				t.Errorf("left: %s", path)
			}
		}
		if ids := w.Entries("ids/"); !slices.Equal(ids, []string{"ids/" + other.KeyID}) {
			t.Errorf("left: %v", ids)
		}

		acme = w.Tenant("acme")
		fresh := acme.Key(billing, nil)
		acme.Read("my").Is(fields{"keys": 1, "leased_keys": 0, "state": "active"})
		if names := acme.List("my/external/keys", nil).Keys(); !slices.Equal(names, []string{"billing"}) {
			t.Errorf("keys: %v", names)
		}
		acme.Refused(404, "app").Read("my/external/roles/app")
		l.End().Expect(200, "")
		for _, was := range []holder{h, leased} {
			was.Finds("unknown_key")
			acme.Write("my/verify", was.Call()).Is(fields{"verdict": "unknown_key"})
			acme.Refused(404, "").Read("my/ids/" + was.KeyID)
		}
		w.Ticking(100*day, 2*day)
		fresh.Finds("unknown_key")
		other.Finds("unknown_key")
		acme.Stands(billing, "destroyed")
		if due := w.Entries("due/"); len(due) != 0 {
			t.Errorf("due: %v", due)
		}
	})
}

// Once the erasure of a tenant has begun nothing brings it back, and a longer retention
// does not either.
func TestSweepOfATenantGoesOn(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, nil)
		acme.Key("my/external/keys/other", nil)
		w.SPA().Remove("admin/tenants/acme")
		wait(retained)
		w.Storage.Hooks(func(verb, path string) error {
			if verb == del && strings.HasSuffix(path, "other") {
				return errStorage
			}
			return nil
		}, nil)
		if w.Tick() == nil {
			t.Error("nobody is told")
		}
		w.Storage.Hooks(nil, nil)
		w.Root().Patch("config", fields{"retention": "30d"})
		w.SPA().Refused(400, "deleted").Write("admin/tenants/acme/restore", nil)
		w.Restart()
		w.Ticking(5*time.Minute, time.Minute)
		w.SPA().Refused(404, "acme").Read("admin/tenants/acme")
		if left := w.Entries("keys/", "ids/", "tenants/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// A leased key is revoked or expired when its lease has ended, and gone within the hour.
func TestSweepOfLeasedKeys(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(w *world, l *lease)
		then string
	}{
		"revoked": {func(_ *world, l *lease) { l.End().Expect(200, "") }, "revoked"},
		"expired": {func(_ *world, l *lease) { wait(time.Hour); l.End().Expect(200, "") }, "expired"},
		"of a suspended one": {func(w *world, l *lease) {
			w.SPA().Write("admin/tenants/acme/suspend", nil)
			l.End()
		}, "tenant_suspended"},
	} {
		clocked(t, name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			_, l, h := app(acme, nil)
			other := acme.Read("tenants/acme/external/creds/app").Holder(w)
			h.Finds("valid")
			w.Sweep()
			row.end(w, l)
			for range 49 {
				wait(time.Minute)
				w.Sweep()
			}
			h.Finds(row.then)
			l.End().Expect(200, "") // again: the time does not begin anew
			w.Ticking(10*time.Minute, time.Minute)
			h.Finds("unknown_key")
			l.End().Expect(200, "")
			if left := w.Entries("leased/", "ids/", "due/"); len(left) != 2 {
				t.Errorf("left of two keys, one of which lives: %v", left)
			}
			if name == "revoked" {
				other.Finds("valid")
			}
			acme.Read("my").Is(fields{"leased_keys": 1})
		})
	}
}

// The end of a lease that nobody has told of is found by the walk, an hour after the key
// has expired and not before.
func TestSweepOfLostLeases(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, h := app(acme, fields{"ttl": "6h", "max_ttl": "48h"})
		_, kept, renewed := app(acme, fields{"ttl": "6h", "max_ttl": "48h"})
		for range 6 {
			wait(4 * time.Hour)
			w.Sweep()
			kept.Renew(0).Expect(200, "")
		}
		renewed.Finds("valid")
		h.Finds("unknown_key")
		acme.Read("my").Is(fields{"leased_keys": 1})
		l.End().Expect(200, "")
		kept.End().Expect(200, "")
		w.Ticking(time.Hour, time.Minute)
		if left := w.Entries("leased/", "ids/", "due/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}
