package paths_test

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const issueApp = "tenants/acme/external/creds/app" // the path that App reads

// A role's limit is about its own keys, counts what lives, and comes before the tenant's.
func TestMaxLeasedOfARole(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, first, _ := app(acme, nil) // issued before there was a limit
		acme.Patch("my/external/roles/app", fields{"max_leased": 2}).Is(fields{"max_leased": 2})
		second := acme.Read(issueApp).Holder(w)
		full := func() {
			w.T.Helper()
			acme.Refused(400, `max_leased: role "app" has the 2 live leased keys it may have; revoke`).Read(issueApp)
		}
		full()
		acme.Read("my").Is(fields{"leased_keys": 2})
		acme.Write("my/external/roles/other", fields{"max_leased": 1})
		acme.Read("tenants/acme/external/creds/other")
		w.Restart()
		full()
		first.Renew(0).Expect(200, "") // a limit stops no renewal
		first.End()
		acme.Read(issueApp)
		full()
		acme.Write("my/external/leased/"+second.KeyID+"/revoke", nil)
		acme.Read(issueApp)
		full()
		acme.Write("my/external/roles/app/revoke-leased", nil) // what took the places has to be replaced
		acme.Read(issueApp)
		acme.Read(issueApp)
		full()
		acme.Patch("my/external/roles/app", fields{"max_leased": 1}) // ends nothing
		acme.Refused(400, "has the 1 live leased keys it may have").Read(issueApp)
		acme.Remove("my/external/roles/app")
		acme.Write("my/external/roles/app", fields{"max_leased": 2}) // those of the earlier role live on
		full()
		acme.Patch("my/external/roles/app", fields{"max_leased": nil}).Is(fields{"max_leased": nil})
		acme.Read(issueApp)
	})
}

// A key whose time has come takes its place until Vault says that its lease has ended, which it does at once.
func TestExpiredKeysOfALimitedRole(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, _ := app(acme, fields{"max_leased": 1, "ttl": "1m"})
		wait(time.Minute)
		acme.Refused(400, "max_leased").Read(issueApp)
		l.End()
		acme.Read(issueApp)
	})
}

// A role may have as many leased keys as its tenant, and no more. A tenant's limit that was lowered since stops no
// other change of the role.
func TestRoleLimitIsWithinTheTenants(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Patch("my", fields{"max_leased": 5})
		over := "over the 5 leased keys that the tenant may have"
		acme.Refused(400, "max_leased: 6 is "+over).Write("my/external/roles/app", fields{"max_leased": 6})
		acme.Write("my/external/roles/app", fields{"max_leased": 5})
		acme.Refused(400, "max_leased: 6 is "+over).Patch("my/external/roles/app", fields{"max_leased": 6})
		acme.Patch("my", fields{"max_leased": 1})
		acme.Write("my/external/roles/app", fields{"max_leased": 5, "owner": "x"})
		acme.Read(issueApp)
		acme.Refused(400, "max_leased: the tenant has the 1 leased keys").Read(issueApp)
	})
}

// A limit that is set while a key is being made holds for that key.
func TestRoleLimitSetMeanwhile(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/external/roles/app", nil)
		set := false
		w.Storage.Hooks(func(verb, path string) error {
			if verb == get && strings.HasPrefix(path, "leased/") && !set {
				set = true
				acme.Patch("my/external/roles/app", fields{"max_leased": 1})
			}
			return nil
		}, nil)
		acme.Refused(503, `role: "app" has changed meanwhile; try again`).Read(issueApp)
		acme.Read(issueApp)
		acme.Refused(400, "max_leased").Read(issueApp)
	})
}

// A place is not lost to a key that could not be made, whatever storage did, and none is given twice.
func TestRolePlacesWhenStorageFails(t *testing.T) {
	for _, lands := range []bool{false, true} {
		alone(t, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			acme.Write("my/external/roles/app", fields{"max_leased": 1})
			hook := func(verb, path string) error {
				if verb == put && strings.HasPrefix(path, "leased/") {
					return errStorage
				}
				return nil
			}
			if lands {
				w.Storage.Hooks(nil, hook)
			} else {
				w.Storage.Hooks(hook, nil)
			}
			acme.Refused(500, "").Read(issueApp)
			w.Storage.Hooks(nil, nil)
			if lands {
				acme.Refused(400, "max_leased").Read(issueApp)
				return
			}
			acme.Read(issueApp)
			acme.Refused(400, "max_leased").Read(issueApp)
		})
	}
}

// What cannot be counted admits nobody.
func TestRoleCountWhenStorageFails(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		app(acme, fields{"max_leased": 1})
		w.Restart()
		w.Storage.Hooks(func(verb, path string) error {
			if verb == list && strings.HasPrefix(path, "leased/") {
				return errors.New("hunter2")
			}
			return nil
		}, nil)
		acme.Refused(500, "").Read(issueApp)
		w.Storage.Hooks(nil, nil)
		acme.Refused(400, "max_leased").Read(issueApp)
	})
}

// Lists of roles show the limit, null where there is none.
func TestRoleInfoShowsTheLimit(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/external/roles/app", fields{"max_leased": 3})
		acme.Write("my/external/roles/free", nil)
		roles := acme.List("my/external/roles/", nil)
		if app, free := info(roles, "app"), info(roles, "free"); app["max_leased"] != 3.0 || free["max_leased"] != nil {
			t.Errorf("%v, %v", app["max_leased"], free["max_leased"])
		}
	})
}
