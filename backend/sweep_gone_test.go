package backend_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A deleted key comes back until the retention has passed, and then nothing of it is left.
func TestSweepOfADeletedKey(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		w.root().patch("config", fields{"max_keys": 1})
		h := acme.key(billing, scheduled)
		acme.write(billing+"/rotate", nil)
		second := acme.next(billing)
		h.finds("valid")
		w.sweep()
		acme.remove(billing)
		wait(retained - time.Minute)
		w.sweep()
		acme.write(billing+"/restore", nil).is(fields{"state": "disabled"})
		acme.remove(billing)
		wait(retained - time.Second)
		w.sweep()
		second.finds("disabled")
		acme.refused(400, "max_keys").write("my/external/keys/other", nil)
		wait(time.Second)
		w.sweep()
		for _, gone := range []holder{h, second} {
			gone.finds("unknown_key")
			acme.refused(404, "").read("my/ids/" + gone.keyID)
		}
		acme.refused(404, "billing").read(billing)
		acme.read("my").is(fields{"keys": 0})
		w.ticking(2*time.Minute, time.Minute)
		if left := w.entries("keys/", "ids/", "usage/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		acme.write(billing, fields{"cas": 0}).is(fields{"revision": 1}) // the name is free
		w.ticking(keyLife, 12*time.Hour)                                // and what led to the former key does the new one no harm
		acme.stands(billing, "expired")
		if due := w.entries("due/"); len(due) != 1 {
			t.Errorf("due: %v", due)
		}
	})
}

// A deleted tenant comes back with all it had until the retention has passed, and then
// nothing of it is left and its name is free: whoever gets it sees nothing of the former
// one.
func TestSweepOfADeletedTenant(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.tenant("acme"), w.tenant("bolt")
		h, other := acme.key(billing, scheduled), bolt.key(billing, nil)
		acme.key("my/internal/keys/phone", nil)
		_, l, leased := app(acme, fields{"ttl": "700h", "max_ttl": "700h"})
		h.finds("valid")
		w.sweep()
		w.spa().remove("admin/tenants/acme")
		wait(retained - time.Minute)
		w.sweep()
		w.spa().write("admin/tenants/acme/restore", nil)
		h.finds("valid")
		leased.finds("valid")
		w.spa().remove("admin/tenants/acme")
		wait(retained - time.Second)
		w.sweep()
		w.spa().read("admin/tenants/acme").is(fields{"state": "deleted", "keys": 2, "leased_keys": 1})
		wait(time.Second)
		w.spa().refused(400, "deleted").write("admin/tenants/acme/restore", nil)
		w.sweep()
		w.spa().refused(404, "acme").read("admin/tenants/acme")
		w.ticking(2*time.Minute, time.Minute)
		for _, path := range w.all() {
			if strings.Contains(path, "acme") &&
				!strings.HasPrefix(path, "due/") { // which leads nowhere, and goes when its time comes
				t.Errorf("left: %s", path)
			}
		}
		if ids := w.entries("ids/"); !slices.Equal(ids, []string{"ids/" + other.keyID}) {
			t.Errorf("left: %v", ids)
		}

		acme = w.tenant("acme")
		fresh := acme.key(billing, nil)
		acme.read("my").is(fields{"keys": 1, "leased_keys": 0, "state": "active"})
		if names := acme.list("my/external/keys", nil).keys(); !slices.Equal(names, []string{"billing"}) {
			t.Errorf("keys: %v", names)
		}
		acme.refused(404, "app").read("my/external/roles/app")
		l.end().expect(200, "")
		for _, was := range []holder{h, leased} {
			was.finds("unknown_key")
			acme.write("my/verify", was.call()).is(fields{"verdict": "unknown_key"})
			acme.refused(404, "").read("my/ids/" + was.keyID)
		}
		w.ticking(100*day, 2*day)
		fresh.finds("unknown_key")
		other.finds("unknown_key")
		acme.stands(billing, "destroyed")
		if due := w.entries("due/"); len(due) != 0 {
			t.Errorf("due: %v", due)
		}
	})
}

// Once the erasure of a tenant has begun nothing brings it back, and a longer retention
// does not either.
func TestSweepOfATenantGoesOn(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, nil)
		acme.key("my/external/keys/other", nil)
		w.spa().remove("admin/tenants/acme")
		wait(retained)
		w.storage.hooks(func(verb, path string) error {
			if verb == del && strings.HasSuffix(path, "other") {
				return errStorage
			}
			return nil
		}, nil)
		if w.tick() == nil {
			t.Error("nobody is told")
		}
		w.storage.hooks(nil, nil)
		w.root().patch("config", fields{"retention": "30d"})
		w.spa().refused(400, "deleted").write("admin/tenants/acme/restore", nil)
		w.restart()
		w.ticking(5*time.Minute, time.Minute)
		w.spa().refused(404, "acme").read("admin/tenants/acme")
		if left := w.entries("keys/", "ids/", "tenants/"); len(left) != 0 {
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
		"revoked": {func(_ *world, l *lease) { l.end().expect(200, "") }, "revoked"},
		"expired": {func(_ *world, l *lease) { wait(time.Hour); l.end().expect(200, "") }, "expired"},
		"of a suspended one": {func(w *world, l *lease) {
			w.spa().write("admin/tenants/acme/suspend", nil)
			l.end()
		}, "tenant_suspended"},
	} {
		clocked(t, name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			_, l, h := app(acme, nil)
			other := acme.read("tenants/acme/external/creds/app").holder(w)
			h.finds("valid")
			w.sweep()
			row.end(w, l)
			for range 49 {
				wait(time.Minute)
				w.sweep()
			}
			h.finds(row.then)
			l.end().expect(200, "") // again: the time does not begin anew
			w.ticking(10*time.Minute, time.Minute)
			h.finds("unknown_key")
			l.end().expect(200, "")
			if left := w.entries("leased/", "ids/", "due/"); len(left) != 2 {
				t.Errorf("left of two keys, one of which lives: %v", left)
			}
			if name == "revoked" {
				other.finds("valid")
			}
			acme.read("my").is(fields{"leased_keys": 1})
		})
	}
}

// The end of a lease that nobody has told of is found by the walk, an hour after the key
// has expired and not before.
func TestSweepOfLostLeases(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, h := app(acme, fields{"ttl": "6h", "max_ttl": "48h"})
		_, kept, renewed := app(acme, fields{"ttl": "6h", "max_ttl": "48h"})
		for range 6 {
			wait(4 * time.Hour)
			w.sweep()
			kept.renew(0).expect(200, "")
		}
		renewed.finds("valid")
		h.finds("unknown_key")
		acme.read("my").is(fields{"leased_keys": 1})
		l.end().expect(200, "")
		kept.end().expect(200, "")
		w.ticking(time.Hour, time.Minute)
		if left := w.entries("leased/", "ids/", "due/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}
