package paths_test

import (
	"testing"
	"time"
)

func TestSuspensionIsSeenByTheVeryNextCall(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h, other := acme.Key("my/external/keys/billing", nil), bolt.Key("my/external/keys/billing", nil)
		_, l, leased := app(acme, nil)
		for _, held := range []holder{h, other, leased} {
			held.Finds("valid")
		}
		w.SPA().Write("admin/tenants/acme/suspend", fields{"reason": "bills"}).Is(fields{"state": "suspended"})
		h.Finds("tenant_suspended")
		leased.Finds("tenant_suspended")
		other.Finds("valid")
		acme.Refused(400, "tenant_suspended").Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1"})
		acme.Refused(400, "tenant_suspended").Write("my/external/keys/fresh", nil)
		acme.Refused(400, "tenant_suspended").Write("my/external/keys/billing/rotate", nil)
		acme.Refused(400, "tenant_suspended").Write("my/external/keys/billing/reveal", nil)
		acme.Refused(400, "tenant_suspended").Read("my/external/static-creds/billing")
		acme.Refused(400, "tenant_suspended").Read("tenants/acme/external/creds/app")
		l.Renew(0).Expect(400, "tenant_suspended")

		acme.Read("my").
			Is(fields{
				"state": "suspended", "suspended_by": "spa", "suspended_at": stamp(0), "suspended_reason": "bills",
			})
		wait(time.Hour)
		w.Someone("other-spa", "").Write("admin/tenants/acme/suspend", fields{"reason": "again"}) // keeps the first
		acme.Read("my").
			Is(fields{"suspended_by": "spa", "suspended_at": stamp(-time.Hour), "suspended_reason": "bills"})
		w.SPA().
			Write("admin/tenants/acme/resume", nil).
			Is(fields{"state": "active", "suspended_by": "", "suspended_at": nil})
		h.Finds("valid")
		w.SPA().Write("admin/tenants/acme/resume", nil)
	})
}

func TestDeletedTenant(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		_, l, leased := app(acme, nil)
		if c := w.Cost(
			func() { w.SPA().Remove("admin/tenants/acme") },
		); c.Puts != 2 { // the entry that has it erased one day, and the record
			t.Errorf("%+v", c)
		}
		h.Finds("unknown_key")
		leased.Finds("unknown_key")
		acme.Refused(404, "acme").Read("my")
		acme.Refused(404, "acme").Read("my/external/keys/billing")
		acme.Refused(404, "acme").Write("my/verify", h.Call())
		w.Root().Read("admin/ids/" + h.KeyID).Is(fields{"tenant": "acme"}) // for a leak that is found now
		l.Renew(0).Expect(400, "tenant")
		w.SPA().
			Read("admin/tenants/acme").
			Is(fields{"state": "deleted", "deleted_at": stamp(0), "restorable_to": stamp(7 * 24 * time.Hour)})

		// The name stays taken, and nothing but restore changes the record.
		for _, f := range []fields{nil, {"display_name": "New"}} {
			w.SPA().Refused(400, "deleted").Write("admin/tenants/acme", f)
			w.SPA().Refused(400, "deleted").Patch("admin/tenants/acme", f)
		}
		w.SPA().Refused(400, "deleted").Write("admin/tenants/acme/suspend", nil)
		w.SPA().Refused(400, "deleted").Write("admin/tenants/acme/resume", nil)
		wait(time.Hour)
		w.SPA().Remove("admin/tenants/acme").Is(fields{"deleted_at": stamp(-time.Hour)})

		w.SPA().
			Write("admin/tenants/acme/restore", nil).
			Is(fields{"state": "active", "deleted_at": nil, "restorable_to": nil})
		h.Finds("valid")
		leased.Finds("expired") // no clock has stood still
		w.SPA().Write("admin/tenants/acme/restore", nil)
	})
}

func TestTenantIsRestoredInTimeOnly(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		w.SPA().Write("admin/tenants/acme/suspend", fields{"reason": "bills"})
		w.SPA().Remove("admin/tenants/acme")
		h.Finds("unknown_key")
		wait(7*24*time.Hour - time.Second)
		w.SPA().Write("admin/tenants/acme/restore", nil).Is(fields{"state": "suspended"}) // as it was
		w.SPA().Remove("admin/tenants/acme")
		wait(7 * 24 * time.Hour)
		w.SPA().Refused(400, "deleted").Write("admin/tenants/acme/restore", nil)
		h.Finds("unknown_key")
	})
}

func TestUnknownTenant(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		stranger := w.Someone("bolt-admin", "bolt")
		stranger.Refused(404, "bolt").Read("my")
		stranger.Refused(404, "bolt").Write("my/external/keys/billing", nil)
		for _, verb := range []string{"suspend", "resume", "restore"} {
			w.SPA().Refused(404, "bolt").Write("admin/tenants/bolt/"+verb, nil)
		}
		w.SPA().Refused(404, "bolt").Read("admin/tenants/bolt")
		w.SPA().Refused(404, "bolt").Remove("admin/tenants/bolt")
		for _, name := range []string{"my", "Acme", "a_b", "-a", "a-", "acme.inc", "ä"} {
			w.SPA().Refused(400, "tenant").Write("admin/tenants/"+name, nil)
		}
	})
}

// The administrator learns whose a key ID is, and nothing more.
func TestAdminIDs(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/internal/keys/desktop", fields{"description": "secret plans", "owner": "x"})
		a := w.SPA().Read("admin/ids/" + h.KeyID)
		if a.Is(fields{"tenant": "acme", "kind": "internal"}); len(a.Data) != 2 {
			t.Errorf("also %v", a.Data)
		}
		w.SPA().Refused(404, "0123456789abcdef").Read("admin/ids/0123456789abcdef")
		w.SPA().Refused(400, "key_id").Read("admin/ids/short")
		acme.Read("my/ids/" + h.KeyID).Is(fields{
			"tenant":    "acme",
			"kind":      "internal",
			"name":      "desktop",
			"version":   1,
			"state":     "current",
			"key_state": "active",
			"leased":    false,
		})
	})
}
