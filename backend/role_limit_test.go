package backend_test

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const appCreds = "tenants/acme/external/creds/app" //nolint:gosec // a path

// A role's limit is about its own keys, counts what lives, and comes before the tenant's.
func TestMaxLeasedOfARole(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		_, first, _ := app(acme, nil) // issued before there was a limit
		acme.patch("my/external/roles/app", fields{"max_leased": 2}).is(fields{"max_leased": 2})
		second := acme.read(appCreds).holder(w)
		full := func() {
			w.t.Helper()
			acme.refused(400, `max_leased: role "app" has the 2 live leased keys it may have; revoke`).read(appCreds)
		}
		full()
		acme.read("my").is(fields{"leased_keys": 2})
		acme.write("my/external/roles/other", fields{"max_leased": 1})
		acme.read("tenants/acme/external/creds/other")
		w.restart()
		full()
		first.renew(0).expect(200, "") // a limit stops no renewal
		first.end()
		acme.read(appCreds)
		full()
		acme.write("my/external/leased/"+second.keyID+"/revoke", nil)
		acme.read(appCreds)
		full()
		acme.write("my/external/roles/app/revoke-leased", nil) // what took the places has to be replaced
		acme.read(appCreds)
		acme.read(appCreds)
		full()
		acme.patch("my/external/roles/app", fields{"max_leased": 1}) // ends nothing
		acme.refused(400, "has the 1 live leased keys it may have").read(appCreds)
		acme.remove("my/external/roles/app")
		acme.write("my/external/roles/app", fields{"max_leased": 2}) // those of the earlier role live on
		full()
		acme.patch("my/external/roles/app", fields{"max_leased": nil}).is(fields{"max_leased": nil})
		acme.read(appCreds)
	})
}

// A key whose time has come takes its place until Vault says that its lease has ended, which it does at once.
func TestExpiredKeysOfALimitedRole(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, _ := app(acme, fields{"max_leased": 1, "ttl": "1m"})
		wait(time.Minute)
		acme.refused(400, "max_leased").read(appCreds)
		l.end()
		acme.read(appCreds)
	})
}

// A role may have as many leased keys as its tenant, and no more. A tenant's limit that was lowered since stops no
// other change of the role.
func TestRoleLimitIsWithinTheTenants(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.patch("my", fields{"max_leased": 5})
		over := "over the 5 leased keys that the tenant may have"
		acme.refused(400, "max_leased: 6 is "+over).write("my/external/roles/app", fields{"max_leased": 6})
		acme.write("my/external/roles/app", fields{"max_leased": 5})
		acme.refused(400, "max_leased: 6 is "+over).patch("my/external/roles/app", fields{"max_leased": 6})
		acme.patch("my", fields{"max_leased": 1})
		acme.write("my/external/roles/app", fields{"max_leased": 5, "owner": "x"})
		acme.read(appCreds)
		acme.refused(400, "max_leased: the tenant has the 1 leased keys").read(appCreds)
	})
}

// A limit that is set while a key is being made holds for that key.
func TestRoleLimitSetMeanwhile(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/external/roles/app", nil)
		set := false
		w.storage.hooks(func(verb, path string) error {
			if verb == get && strings.HasPrefix(path, "leased/") && !set {
				set = true
				acme.patch("my/external/roles/app", fields{"max_leased": 1})
			}
			return nil
		}, nil)
		acme.refused(503, `role: "app" has changed meanwhile; try again`).read(appCreds)
		acme.read(appCreds)
		acme.refused(400, "max_leased").read(appCreds)
	})
}

// A place is not lost to a key that could not be made, whatever storage did, and none is given twice.
func TestRolePlacesWhenStorageFails(t *testing.T) {
	for _, lands := range []bool{false, true} {
		alone(t, func(_ *testing.T, w *world) {
			acme := w.tenant("acme")
			acme.write("my/external/roles/app", fields{"max_leased": 1})
			hook := func(verb, path string) error {
				if verb == put && strings.HasPrefix(path, "leased/") {
					return errStorage
				}
				return nil
			}
			if lands {
				w.storage.hooks(nil, hook)
			} else {
				w.storage.hooks(hook, nil)
			}
			acme.refused(500, "").read(appCreds)
			w.storage.hooks(nil, nil)
			if lands {
				acme.refused(400, "max_leased").read(appCreds)
				return
			}
			acme.read(appCreds)
			acme.refused(400, "max_leased").read(appCreds)
		})
	}
}

// What cannot be counted admits nobody.
func TestRoleCountWhenStorageFails(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		app(acme, fields{"max_leased": 1})
		w.restart()
		w.storage.hooks(func(verb, path string) error {
			if verb == list && strings.HasPrefix(path, "leased/") {
				return errors.New("hunter2")
			}
			return nil
		}, nil)
		acme.refused(500, "").read(appCreds)
		w.storage.hooks(nil, nil)
		acme.refused(400, "max_leased").read(appCreds)
	})
}

// Lists of roles show the limit, null where there is none.
func TestRoleInfoShowsTheLimit(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/external/roles/app", fields{"max_leased": 3})
		acme.write("my/external/roles/free", nil)
		roles := acme.list("my/external/roles/", nil)
		if app, free := roles.info("app"), roles.info("free"); app["max_leased"] != 3.0 || free["max_leased"] != nil {
			t.Errorf("%v, %v", app["max_leased"], free["max_leased"])
		}
	})
}
