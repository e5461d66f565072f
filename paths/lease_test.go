package paths_test

import (
	"reflect"
	"testing"
	"time"
)

func TestCreds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		a, l, h := app(acme, fields{"ttl": "30m", "max_ttl": "2h", "metadata": fields{"team": "red"}})
		a.Is(fields{"tenant": "acme", "kind": "external", "scheme": "rfc9421", "expires_at": stamp(30 * time.Minute)})
		if l.Secret.TTL != 30*time.Minute || l.Secret.MaxTTL != 2*time.Hour || !l.Secret.Renewable {
			t.Errorf("lease: %+v", l.Secret)
		}
		for name, v := range l.Secret.InternalData {
			if _, ok := v.(string); !ok {
				t.Errorf("%s crosses gRPC as %T", name, v)
			}
		}
		v := w.Root().Write("verify", h.Call())
		v.Is(fields{"verdict": "valid", "name": "app", "version": 1, "state": "current"})
		if !reflect.DeepEqual(v.Data["metadata"], fields{"team": "red"}) {
			t.Errorf("metadata: %v", v.Data["metadata"])
		}
		acme.Read("my/external/leased/" + h.KeyID).
			Is(fields{"role": "app", "state": "current", "entity_id": "acme-admin"})
		acme.Refused(400, "tenants/acme/external/creds/app").Read("my/external/creds/app")
		acme.Refused(404, "nothing").Read("tenants/acme/external/creds/nothing")
		acme.Refused(404, "app").Read("tenants/acme/internal/creds/app")
	})
}

func TestRenewMovesTheEnd(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, h := app(acme, fields{"ttl": "1h", "max_ttl": "2h"})
		wait(30 * time.Minute)
		a := l.Renew(0)
		a.Expect(200, "")
		if len(a.Data) != 0 || len(l.Data) != 0 {
			t.Errorf("renewal answers data: %v", a.Data)
		}
		if l.Secret.TTL != time.Hour || len(a.Warnings) != 0 {
			t.Errorf("ttl %s, warnings %v", l.Secret.TTL, a.Warnings)
		}
		acme.Read("my/external/leased/" + h.KeyID).Is(fields{"expires_at": stamp(time.Hour)})
		l.Renew(10*time.Minute).Expect(200, "") // shorter than what is left: as asked
		acme.Read("my/external/leased/" + h.KeyID).Is(fields{"expires_at": stamp(10 * time.Minute)})
		l.Renew(5 * time.Hour).Warns("max_ttl")
		acme.Read("my/external/leased/" + h.KeyID).Is(fields{"expires_at": stamp(90 * time.Minute)})
		wait(90*time.Minute - time.Second)
		h.Finds("valid")
		wait(time.Second)
		h.Finds("expired")
		l.Renew(0).Expect(400, "expired")
	})
}

// Each cap cuts both the first life and every renewal, and a warning names the one.
func TestLeaseCaps(t *testing.T) {
	for _, row := range []struct {
		name, about string
		lower       func(w *world)
	}{
		{"the role's", "the role's max_ttl", func(w *world) {
			w.Someone("acme-admin", "acme").Write("my/external/roles/app", fields{"ttl": "1h", "max_ttl": "1h"})
		}},
		{"the tenant's own", "the tenant's max_ttl", func(w *world) {
			w.Someone("acme-admin", "acme").Patch("my", fields{"max_ttl": "1h"})
		}},
		{"the provider's for the tenant", "the tenant's max_ttl", func(w *world) {
			w.SPA().Patch("admin/tenants/acme", fields{"max_ttl": "1h"})
		}},
		{"config's", "config external_max_ttl", func(w *world) {
			w.Root().Write("config", fields{"external_max_ttl": "1h", "external_default_ttl": "1h"})
		}},
		{"the mount's", "the mount's max_lease_ttl", func(w *world) {
			w.Vault.Change(func(v *vault) { v.Longest = time.Hour })
		}},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			_, l, h := app(acme, fields{"ttl": "2h", "max_ttl": "4h"})
			row.lower(w)
			if row.name != "the role's" {
				a := acme.Read("tenants/acme/external/creds/app")
				a.Warns(row.about)
				if a.Secret.TTL != time.Hour || a.Secret.MaxTTL != time.Hour {
					t.Errorf("first: %s of %s", a.Secret.TTL, a.Secret.MaxTTL)
				}
			}
			wait(20 * time.Minute)
			a := l.Renew(2 * time.Hour)
			a.Expect(200, "")
			a.Warns(row.about)
			if l.Secret.TTL != 40*time.Minute {
				t.Errorf("renewed for %s", l.Secret.TTL)
			}
			acme.Read("my/external/leased/" + h.KeyID).Is(fields{"expires_at": stamp(40 * time.Minute)})
		})
	}
}

func TestVaultThatDoesNotSayHowLong(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, h := app(acme, nil)
		w.Vault.Change(func(v *vault) { v.Longest = 0 })
		acme.Refused(503, "lease").Read("tenants/acme/external/creds/app")
		l.Renew(0).Expect(503, "lease")
		l.End().Expect(200, "")
		h.Finds("revoked")
	})
}

func TestRevokeIsIdempotent(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, h := app(acme, nil)
		h.Finds("valid")
		l.End().Expect(200, "")
		h.Finds("revoked")
		l.End().Expect(200, "")
		l.Renew(0).Expect(400, "revoked")
		h.Finds("revoked")
		acme.Read("my").Is(fields{"leased_keys": 0})
	})
}

// What is gone has ended: no lease may be left that cannot be revoked.
func TestRevokeWhenAllIsGone(t *testing.T) {
	for _, row := range []struct {
		name  string
		gone  func(w *world, l *lease)
		about string // of the refused renewal
	}{
		{"the tenant is deleted", func(w *world, _ *lease) { w.SPA().Remove("admin/tenants/acme") }, "tenant"},
		{"the tenant's record is gone", func(w *world, _ *lease) { erase(w, "tenants/acme") }, "tenant"},
		{
			"another tenant of the name", func(w *world, _ *lease) { erase(w, "tenants/acme"); w.Tenant("acme") },
			"tenant",
		},
		{
			"the key is gone",
			func(w *world, l *lease) { erase(w, "leased/acme/external/"+l.Data["key_id"].(string)) }, "gone",
		},
		{"the role is gone", func(w *world, _ *lease) { erase(w, "roles/acme/external/app") }, "role"},
		{
			"the tenant is suspended", func(w *world, _ *lease) { w.SPA().Write("admin/tenants/acme/suspend", nil) },
			"tenant_suspended",
		},
	} {
		clocked(t, row.name, func(_ *testing.T, w *world) {
			_, l, _ := app(w.Tenant("acme"), nil)
			row.gone(w, l)
			l.Renew(0).Expect(400, row.about)
			l.End().Expect(200, "")
			l.End().Expect(200, "")
		})
	}
}

// erase takes an entry out of storage, and has the engine notice.
func erase(w *world, path string) {
	w.T.Helper()
	w.Must(w.Storage.Delete(w.T.Context(), path))
	w.Restart()
}

// A lease that our own data does not describe is an error that Vault tries again.
func TestLeaseOfSomethingElse(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		_, l, h := app(w.Tenant("acme"), nil)
		for _, name := range []string{"tenant", "kind"} {
			right := l.Secret.InternalData[name]
			l.Secret.InternalData[name] = 7
			l.Renew(0).Expect(500, "")
			l.End().Expect(500, "")
			l.Secret.InternalData[name] = right
		}
		h.Finds("valid")
	})
}

func TestRevokeLeased(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, h := app(acme, nil)
		other := acme.Read("tenants/acme/external/creds/app").Holder(w)
		c := w.Cost(func() { acme.Write("my/external/roles/app/revoke-leased", nil) })
		if c.Puts != 1 {
			w.T.Errorf("%+v", c)
		}
		for _, old := range []holder{h, other} {
			old.Finds("revoked")
			w.Root().Write("verify", old.Call()).Is(fields{"state": "revoked"})
			acme.Read("my/external/leased/" + old.KeyID).Is(fields{"state": "revoked"})
			acme.Read("my/ids/" + old.KeyID).Is(fields{"state": "revoked"})
		}
		l.Renew(0).Expect(400, "revoked")
		fresh := acme.Read("tenants/acme/external/creds/app").Holder(w) // in the same second
		fresh.Finds("valid")
		// A role made anew does not bring back what the old one has revoked.
		acme.Remove("my/external/roles/app")
		h.Finds("revoked")
		fresh.Finds("valid")
		acme.Write("my/external/roles/app", nil)
		h.Finds("revoked")
		fresh.Finds("valid")
		l.End().Expect(200, "")
	})
}
