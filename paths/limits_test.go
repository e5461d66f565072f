package paths_test

import (
	"fmt"
	"testing"
	"time"
)

// limited says who sets a limit to 2.
var limited = map[string]func(w *world, limit string){
	"config":   func(w *world, limit string) { w.Root().Write("config", fields{limit: 2}) },
	"provider": func(w *world, limit string) { w.SPA().Patch("admin/tenants/acme", fields{limit: 2}) },
	"tenant":   func(w *world, limit string) { w.Someone("acme-admin", "acme").Patch("my", fields{limit: 2}) },
}

func TestMaxKeys(t *testing.T) {
	for by, limit := range limited {
		clocked(t, by, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			bolt := w.Tenant("bolt")
			limit(w, "max_keys")
			acme.Write("my/external/keys/one", nil)
			acme.Write("my/internal/keys/two", nil) // both kinds count
			acme.Refused(400, "max_keys").Write("my/external/keys/three", nil)
			acme.Write("my/external/keys/one", fields{"owner": "x"}) // a change takes no place
			acme.Read("my").Is(fields{"keys": 2})
			acme.Remove("my/external/keys/one") // its name and place stay taken
			acme.Refused(400, "max_keys").Write("my/external/keys/three", nil)
			w.Restart()
			acme.Refused(400, "max_keys").Write("my/external/keys/three", nil)
			bolt.Write("my/external/keys/one", nil)
			bolt.Read("my").Is(fields{"keys": 1})
		})
	}
}

func TestMaxLeased(t *testing.T) {
	for by, limit := range limited {
		clocked(t, by, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			limit(w, "max_leased")
			_, first, _ := app(acme, nil)
			acme.Read("tenants/acme/external/creds/app")
			acme.Refused(400, "max_leased").Read("tenants/acme/external/creds/app")
			acme.Read("my").Is(fields{"leased_keys": 2})
			first.End()
			first.End() // gives one place back, not two
			acme.Read("my").Is(fields{"leased_keys": 1})
			acme.Read("tenants/acme/external/creds/app")
			acme.Refused(400, "max_leased").Read("tenants/acme/external/creds/app")
			w.Restart()
			acme.Refused(400, "max_leased").Read("tenants/acme/external/creds/app")
		})
	}
}

// A role whose leases end at once cannot fill storage: so many ended keys are kept, and a place comes back with
// each that is erased.
func TestMaxLeasedOfShortLives(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		w.Root().Write("config", fields{"max_leased": 5})
		path := "tenants/acme/external/creds/app"
		acme.Write("my/external/roles/app", fields{"ttl": "1s"})
		for range 5 + 64 {
			acme.Read(path).Lease(w).End()
			wait(time.Second)
		}
		acme.Refused(400, "each that has ended is erased within the hour").Read(path)
		acme.Read("my").Is(fields{"leased_keys": 0}) // those that live
		bolt.Write("my/external/roles/app", nil)
		bolt.Read("tenants/bolt/external/creds/app") // no matter of others
		w.Restart()
		acme.Refused(400, "each that has ended is erased within the hour").Read(path)
		w.Root().Write("config", fields{"max_leased": 6})
		acme.Read(path).Lease(w).End()
		for range 60 {
			wait(time.Minute)
			w.Must(w.Tick())
		}
		for range 6 {
			acme.Read(path)
		}
		acme.Refused(400, "may have").Read(path)
		acme.Read("my").Is(fields{"leased_keys": 6})
	})
}

func TestMaxVersions(t *testing.T) {
	for by, limit := range limited {
		clocked(t, by, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			limit(w, "max_versions")
			h := acme.Key("my/external/keys/billing", nil)
			acme.Write("my/external/keys/billing/rotate", nil)
			acme.Refused(400, "max_versions").Write("my/external/keys/billing/rotate", nil)
			h.Finds("valid")
			acme.Write("my/external/keys/billing/revoke", fields{"key_id": h.KeyID})
			acme.Write("my/external/keys/billing/rotate", nil)
			acme.Refused(400, "max_versions").Write("my/external/keys/billing/rotate", nil)
			acme.Write("my/external/keys/billing/rotate", fields{"overlap": 0}) // ends the others first
		})
	}
}

// A place is not lost to a key that could not be made.
func TestPlacesComeBack(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Root().Write("config", fields{"max_keys": 3, "max_leased": 1})
		acme.Write("my/external/roles/app", nil)
		w.Storage.Hooks(func(verb, _ string) error {
			if verb == put {
				return errStorage
			}
			return nil
		}, nil)
		for i := range 5 {
			acme.Refused(500, "").Write(fmt.Sprintf("my/external/keys/k%d", i), nil)
			acme.Refused(500, "").Read("tenants/acme/external/creds/app")
			acme.Refused(400, "ttl").Write(fmt.Sprintf("my/external/keys/k%d", i), fields{"ttl": "-1s"})
		}
		w.Storage.Hooks(nil, nil)
		acme.Read("my").Is(fields{"keys": 0, "leased_keys": 0})
		for i := range 3 {
			acme.Write(fmt.Sprintf("my/external/keys/k%d", i), nil)
		}
		acme.Read("tenants/acme/external/creds/app")
		acme.Read("my").Is(fields{"keys": 3, "leased_keys": 1})
		acme.Refused(400, "max_keys").Write("my/external/keys/k3", nil)
		acme.Refused(400, "max_leased").Read("tenants/acme/external/creds/app")
	})
}

// A tenant may only tighten, and its own limit never loosens what the provider lowers.
func TestOwnLimitsOnlyTighten(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.SPA().Patch("admin/tenants/acme", fields{"max_keys": 100, "window_past": 100, "max_ttl": "10d"})
		for limit, over := range map[string]any{
			"max_keys": 101, "max_leased": 10001, "max_versions": 6, "max_ttl": "11d", "window_past": 101,
			"window_future": 61,
		} {
			acme.Refused(400, limit).Patch("my", fields{limit: over})
		}
		acme.Refused(400, "display_name").Patch("my", fields{"display_name": "x"})
		acme.Patch("my", fields{"max_keys": 50}).Is(fields{"max_keys": 50})
		w.SPA().Patch("admin/tenants/acme", fields{"max_keys": 20}).Is(fields{"max_keys": 20})
		holds := func(want float64) {
			t.Helper()
			if got := acme.Read("my").Data["effective"].(fields)["max_keys"]; got != want {
				t.Errorf("max_keys %v holds, want %v", got, want)
			}
		}
		acme.Read("my").Is(fields{"max_keys": 50})
		holds(20)
		acme.Patch("my", fields{"window_past": 50}).
			Is(fields{"window_past": 50})
			// what else was set does not stand in the way
		w.SPA().Patch("admin/tenants/acme", fields{"max_keys": nil})
		holds(50)
		acme.Patch("my", fields{"max_keys": nil}).Is(fields{"max_keys": nil})
		holds(300)
	})
}
