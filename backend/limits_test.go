package backend_test

import (
	"fmt"
	"testing"
	"time"
)

// limited says who sets a limit to 2.
var limited = map[string]func(w *world, limit string){
	"config":   func(w *world, limit string) { w.root().write("config", fields{limit: 2}) },
	"provider": func(w *world, limit string) { w.spa().patch("admin/tenants/acme", fields{limit: 2}) },
	"tenant":   func(w *world, limit string) { w.someone("acme-admin", "acme").patch("my", fields{limit: 2}) },
}

func TestMaxKeys(t *testing.T) {
	for by, limit := range limited {
		clocked(t, by, func(_ *testing.T, w *world) {
			acme := w.tenant("acme")
			bolt := w.tenant("bolt")
			limit(w, "max_keys")
			acme.write("my/external/keys/one", nil)
			acme.write("my/internal/keys/two", nil) // both kinds count
			acme.refused(400, "max_keys").write("my/external/keys/three", nil)
			acme.write("my/external/keys/one", fields{"owner": "x"}) // a change takes no place
			acme.read("my").is(fields{"keys": 2})
			acme.remove("my/external/keys/one") // its name and place stay taken
			acme.refused(400, "max_keys").write("my/external/keys/three", nil)
			w.restart()
			acme.refused(400, "max_keys").write("my/external/keys/three", nil)
			bolt.write("my/external/keys/one", nil)
			bolt.read("my").is(fields{"keys": 1})
		})
	}
}

func TestMaxLeased(t *testing.T) {
	for by, limit := range limited {
		clocked(t, by, func(_ *testing.T, w *world) {
			acme := w.tenant("acme")
			limit(w, "max_leased")
			_, first, _ := app(acme, nil)
			acme.read("tenants/acme/external/creds/app")
			acme.refused(400, "max_leased").read("tenants/acme/external/creds/app")
			acme.read("my").is(fields{"leased_keys": 2})
			first.end()
			first.end() // gives one place back, not two
			acme.read("my").is(fields{"leased_keys": 1})
			acme.read("tenants/acme/external/creds/app")
			acme.refused(400, "max_leased").read("tenants/acme/external/creds/app")
			w.restart()
			acme.refused(400, "max_leased").read("tenants/acme/external/creds/app")
		})
	}
}

// A role whose leases end at once cannot fill storage: so many ended keys are kept, and a place comes back with
// each that is erased.
func TestMaxLeasedOfShortLives(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme, bolt := w.tenant("acme"), w.tenant("bolt")
		w.root().write("config", fields{"max_leased": 5})
		path := "tenants/acme/external/creds/app"
		acme.write("my/external/roles/app", fields{"ttl": "1s"})
		for range 5 + 64 {
			acme.read(path).lease(w).end()
			wait(time.Second)
		}
		acme.refused(400, "each that has ended is erased within the hour").read(path)
		acme.read("my").is(fields{"leased_keys": 0}) // those that live
		bolt.write("my/external/roles/app", nil)
		bolt.read("tenants/bolt/external/creds/app") // no matter of others
		w.restart()
		acme.refused(400, "each that has ended is erased within the hour").read(path)
		w.root().write("config", fields{"max_leased": 6})
		acme.read(path).lease(w).end()
		for range 60 {
			wait(time.Minute)
			w.must(w.tick())
		}
		for range 6 {
			acme.read(path)
		}
		acme.refused(400, "may have").read(path)
		acme.read("my").is(fields{"leased_keys": 6})
	})
}

func TestMaxVersions(t *testing.T) {
	for by, limit := range limited {
		clocked(t, by, func(_ *testing.T, w *world) {
			acme := w.tenant("acme")
			limit(w, "max_versions")
			h := acme.key("my/external/keys/billing", nil)
			acme.write("my/external/keys/billing/rotate", nil)
			acme.refused(400, "max_versions").write("my/external/keys/billing/rotate", nil)
			h.finds("valid")
			acme.write("my/external/keys/billing/revoke", fields{"key_id": h.keyID})
			acme.write("my/external/keys/billing/rotate", nil)
			acme.refused(400, "max_versions").write("my/external/keys/billing/rotate", nil)
			acme.write("my/external/keys/billing/rotate", fields{"overlap": 0}) // ends the others first
		})
	}
}

// A place is not lost to a key that could not be made.
func TestPlacesComeBack(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		w.root().write("config", fields{"max_keys": 3, "max_leased": 1})
		acme.write("my/external/roles/app", nil)
		w.storage.hooks(func(verb, _ string) error {
			if verb == put {
				return errStorage
			}
			return nil
		}, nil)
		for i := range 5 {
			acme.refused(500, "").write(fmt.Sprintf("my/external/keys/k%d", i), nil)
			acme.refused(500, "").read("tenants/acme/external/creds/app")
			acme.refused(400, "ttl").write(fmt.Sprintf("my/external/keys/k%d", i), fields{"ttl": "-1s"})
		}
		w.storage.hooks(nil, nil)
		acme.read("my").is(fields{"keys": 0, "leased_keys": 0})
		for i := range 3 {
			acme.write(fmt.Sprintf("my/external/keys/k%d", i), nil)
		}
		acme.read("tenants/acme/external/creds/app")
		acme.read("my").is(fields{"keys": 3, "leased_keys": 1})
		acme.refused(400, "max_keys").write("my/external/keys/k3", nil)
		acme.refused(400, "max_leased").read("tenants/acme/external/creds/app")
	})
}

// A tenant may only tighten, and its own limit never loosens what the provider lowers.
func TestOwnLimitsOnlyTighten(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		w.spa().patch("admin/tenants/acme", fields{"max_keys": 100, "window_past": 100, "max_ttl": "10d"})
		for limit, over := range map[string]any{
			"max_keys": 101, "max_leased": 10001, "max_versions": 6, "max_ttl": "11d", "window_past": 101, "window_future": 61,
		} {
			acme.refused(400, limit).patch("my", fields{limit: over})
		}
		acme.refused(400, "display_name").patch("my", fields{"display_name": "x"})
		acme.patch("my", fields{"max_keys": 50}).is(fields{"max_keys": 50})
		w.spa().patch("admin/tenants/acme", fields{"max_keys": 20}).is(fields{"max_keys": 20})
		holds := func(want float64) {
			t.Helper()
			if got := acme.read("my").data["effective"].(fields)["max_keys"]; got != want {
				t.Errorf("max_keys %v holds, want %v", got, want)
			}
		}
		acme.read("my").is(fields{"max_keys": 50})
		holds(20)
		acme.patch("my", fields{"window_past": 50}).
			is(fields{"window_past": 50})
			// what else was set does not stand in the way
		w.spa().patch("admin/tenants/acme", fields{"max_keys": nil})
		holds(50)
		acme.patch("my", fields{"max_keys": nil}).is(fields{"max_keys": nil})
		holds(300)
	})
}
