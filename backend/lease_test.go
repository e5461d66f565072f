package backend_test

import (
	"reflect"
	"testing"
	"time"
)

// app makes a role and issues a key from it.
func app(acme person, role fields) (answer, *lease, holder) {
	acme.w.t.Helper()
	acme.write("my/external/roles/app", role)
	a := acme.read("tenants/acme/external/creds/app")
	return a, a.lease(acme.w), a.holder(acme.w)
}

func TestCreds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		a, l, h := app(acme, fields{"ttl": "30m", "max_ttl": "2h", "metadata": fields{"team": "red"}})
		a.is(fields{"tenant": "acme", "kind": "external", "scheme": "rfc9421", "expires_at": stamp(30 * time.Minute)})
		if l.secret.TTL != 30*time.Minute || l.secret.MaxTTL != 2*time.Hour || !l.secret.Renewable {
			t.Errorf("lease: %+v", l.secret)
		}
		for name, v := range l.secret.InternalData {
			if _, ok := v.(string); !ok {
				t.Errorf("%s crosses gRPC as %T", name, v)
			}
		}
		v := w.root().write("verify", h.call())
		v.is(fields{"verdict": "valid", "name": "app", "version": 1, "state": "current"})
		if !reflect.DeepEqual(v.data["metadata"], fields{"team": "red"}) {
			t.Errorf("metadata: %v", v.data["metadata"])
		}
		acme.read("my/external/leased/" + h.keyID).
			is(fields{"role": "app", "state": "current", "entity_id": "acme-admin"})
		acme.refused(400, "tenants/acme/external/creds/app").read("my/external/creds/app")
		acme.refused(404, "nothing").read("tenants/acme/external/creds/nothing")
		acme.refused(404, "app").read("tenants/acme/internal/creds/app")
	})
}

// stamp is the time in a while as answers carry it.
func stamp(in time.Duration) string { return time.Now().Add(in).UTC().Format(time.RFC3339) }

func TestRenewMovesTheEnd(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, h := app(acme, fields{"ttl": "1h", "max_ttl": "2h"})
		wait(30 * time.Minute)
		a := l.renew(0)
		a.expect(200, "")
		if len(a.data) != 0 || len(l.data) != 0 {
			t.Errorf("renewal answers data: %v", a.data)
		}
		if l.secret.TTL != time.Hour || len(a.warnings) != 0 {
			t.Errorf("ttl %s, warnings %v", l.secret.TTL, a.warnings)
		}
		acme.read("my/external/leased/" + h.keyID).is(fields{"expires_at": stamp(time.Hour)})
		l.renew(10*time.Minute).expect(200, "") // shorter than what is left: as asked
		acme.read("my/external/leased/" + h.keyID).is(fields{"expires_at": stamp(10 * time.Minute)})
		l.renew(5 * time.Hour).warns("max_ttl")
		acme.read("my/external/leased/" + h.keyID).is(fields{"expires_at": stamp(90 * time.Minute)})
		wait(90*time.Minute - time.Second)
		h.finds("valid")
		wait(time.Second)
		h.finds("expired")
		l.renew(0).expect(400, "expired")
	})
}

// Each cap cuts both the first life and every renewal, and a warning names the one.
func TestLeaseCaps(t *testing.T) {
	for _, row := range []struct {
		name, about string
		lower       func(w *world)
	}{
		{"the role's", "the role's max_ttl", func(w *world) {
			w.someone("acme-admin", "acme").write("my/external/roles/app", fields{"ttl": "1h", "max_ttl": "1h"})
		}},
		{"the tenant's own", "the tenant's max_ttl", func(w *world) {
			w.someone("acme-admin", "acme").patch("my", fields{"max_ttl": "1h"})
		}},
		{"the provider's for the tenant", "the tenant's max_ttl", func(w *world) {
			w.spa().patch("admin/tenants/acme", fields{"max_ttl": "1h"})
		}},
		{"config's", "config external_max_ttl", func(w *world) {
			w.root().write("config", fields{"external_max_ttl": "1h", "external_default_ttl": "1h"})
		}},
		{"the mount's", "the mount's max_lease_ttl", func(w *world) {
			w.vault.change(func(v *vault) { v.longest = time.Hour })
		}},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			_, l, h := app(acme, fields{"ttl": "2h", "max_ttl": "4h"})
			row.lower(w)
			if row.name != "the role's" {
				a := acme.read("tenants/acme/external/creds/app")
				a.warns(row.about)
				if a.secret.TTL != time.Hour || a.secret.MaxTTL != time.Hour {
					t.Errorf("first: %s of %s", a.secret.TTL, a.secret.MaxTTL)
				}
			}
			wait(20 * time.Minute)
			a := l.renew(2 * time.Hour)
			a.expect(200, "")
			a.warns(row.about)
			if l.secret.TTL != 40*time.Minute {
				t.Errorf("renewed for %s", l.secret.TTL)
			}
			acme.read("my/external/leased/" + h.keyID).is(fields{"expires_at": stamp(40 * time.Minute)})
		})
	}
}

func TestVaultThatDoesNotSayHowLong(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, h := app(acme, nil)
		w.vault.change(func(v *vault) { v.longest = 0 })
		acme.refused(503, "lease").read("tenants/acme/external/creds/app")
		l.renew(0).expect(503, "lease")
		l.end().expect(200, "")
		h.finds("revoked")
	})
}

func TestRevokeIsIdempotent(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, h := app(acme, nil)
		h.finds("valid")
		l.end().expect(200, "")
		h.finds("revoked")
		l.end().expect(200, "")
		l.renew(0).expect(400, "revoked")
		h.finds("revoked")
		acme.read("my").is(fields{"leased_keys": 0})
	})
}

// What is gone has ended: no lease may be left that cannot be revoked.
func TestRevokeWhenAllIsGone(t *testing.T) {
	for _, row := range []struct {
		name  string
		gone  func(w *world, l *lease)
		about string // of the refused renewal
	}{
		{"the tenant is deleted", func(w *world, _ *lease) { w.spa().remove("admin/tenants/acme") }, "tenant"},
		{"the tenant's record is gone", func(w *world, _ *lease) { w.erase("tenants/acme") }, "tenant"},
		{
			"another tenant of the name", func(w *world, _ *lease) { w.erase("tenants/acme"); w.tenant("acme") },
			"tenant",
		},
		{
			"the key is gone",
			func(w *world, l *lease) { w.erase("leased/acme/external/" + l.data["key_id"].(string)) }, "gone",
		},
		{"the role is gone", func(w *world, _ *lease) { w.erase("roles/acme/external/app") }, "role"},
		{
			"the tenant is suspended", func(w *world, _ *lease) { w.spa().write("admin/tenants/acme/suspend", nil) },
			"tenant_suspended",
		},
	} {
		clocked(t, row.name, func(_ *testing.T, w *world) {
			_, l, _ := app(w.tenant("acme"), nil)
			row.gone(w, l)
			l.renew(0).expect(400, row.about)
			l.end().expect(200, "")
			l.end().expect(200, "")
		})
	}
}

// erase takes an entry out of storage, and has the engine notice.
func (w *world) erase(path string) {
	w.t.Helper()
	w.must(w.storage.Delete(w.t.Context(), path))
	w.restart()
}

// A lease that our own data does not describe is an error that Vault tries again.
func TestLeaseOfSomethingElse(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		_, l, h := app(w.tenant("acme"), nil)
		for _, name := range []string{"tenant", "kind"} {
			right := l.secret.InternalData[name]
			l.secret.InternalData[name] = 7
			l.renew(0).expect(500, "")
			l.end().expect(500, "")
			l.secret.InternalData[name] = right
		}
		h.finds("valid")
	})
}

func TestRevokeLeased(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, h := app(acme, nil)
		other := acme.read("tenants/acme/external/creds/app").holder(w)
		c := w.cost(func() { acme.write("my/external/roles/app/revoke-leased", nil) })
		if c.Puts != 1 {
			w.t.Errorf("%+v", c)
		}
		for _, old := range []holder{h, other} {
			old.finds("revoked")
			w.root().write("verify", old.call()).is(fields{"state": "revoked"})
			acme.read("my/external/leased/" + old.keyID).is(fields{"state": "revoked"})
			acme.read("my/ids/" + old.keyID).is(fields{"state": "revoked"})
		}
		l.renew(0).expect(400, "revoked")
		fresh := acme.read("tenants/acme/external/creds/app").holder(w) // in the same second
		fresh.finds("valid")
		// A role made anew does not bring back what the old one has revoked.
		acme.remove("my/external/roles/app")
		h.finds("revoked")
		fresh.finds("valid")
		acme.write("my/external/roles/app", nil)
		h.finds("revoked")
		fresh.finds("valid")
		l.end().expect(200, "")
	})
}
