package backend_test

import (
	"testing"
	"time"
)

func TestSuspensionIsSeenByTheVeryNextCall(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme, bolt := w.tenant("acme"), w.tenant("bolt")
		h, other := acme.key("my/external/keys/billing", nil), bolt.key("my/external/keys/billing", nil)
		_, l, leased := app(acme, nil)
		for _, held := range []holder{h, other, leased} {
			held.finds("valid")
		}
		w.spa().write("admin/tenants/acme/suspend", fields{"reason": "bills"}).is(fields{"state": "suspended"})
		h.finds("tenant_suspended")
		leased.finds("tenant_suspended")
		other.finds("valid")
		acme.refused(400, "tenant_suspended").write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1"})
		acme.refused(400, "tenant_suspended").write("my/external/keys/fresh", nil)
		acme.refused(400, "tenant_suspended").write("my/external/keys/billing/rotate", nil)
		acme.refused(400, "tenant_suspended").write("my/external/keys/billing/reveal", nil)
		acme.refused(400, "tenant_suspended").read("my/external/static-creds/billing")
		acme.refused(400, "tenant_suspended").read("tenants/acme/external/creds/app")
		l.renew(0).expect(400, "tenant_suspended")

		acme.read("my").
			is(fields{
				"state": "suspended", "suspended_by": "spa", "suspended_at": stamp(0), "suspended_reason": "bills",
			})
		wait(time.Hour)
		w.someone("other-spa", "").write("admin/tenants/acme/suspend", fields{"reason": "again"}) // keeps the first
		acme.read("my").
			is(fields{"suspended_by": "spa", "suspended_at": stamp(-time.Hour), "suspended_reason": "bills"})
		w.spa().
			write("admin/tenants/acme/resume", nil).
			is(fields{"state": "active", "suspended_by": "", "suspended_at": nil})
		h.finds("valid")
		w.spa().write("admin/tenants/acme/resume", nil)
	})
}

func TestDeletedTenant(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		_, l, leased := app(acme, nil)
		if c := w.cost(
			func() { w.spa().remove("admin/tenants/acme") },
		); c.Puts != 2 { // the entry that has it erased one day, and the record
			t.Errorf("%+v", c)
		}
		h.finds("unknown_key")
		leased.finds("unknown_key")
		acme.refused(404, "acme").read("my")
		acme.refused(404, "acme").read("my/external/keys/billing")
		acme.refused(404, "acme").write("my/verify", h.call())
		w.root().read("admin/ids/" + h.keyID).is(fields{"tenant": "acme"}) // for a leak that is found now
		l.renew(0).expect(400, "tenant")
		w.spa().
			read("admin/tenants/acme").
			is(fields{"state": "deleted", "deleted_at": stamp(0), "restorable_to": stamp(7 * 24 * time.Hour)})

		// The name stays taken, and nothing but restore changes the record.
		for _, f := range []fields{nil, {"display_name": "New"}} {
			w.spa().refused(400, "deleted").write("admin/tenants/acme", f)
			w.spa().refused(400, "deleted").patch("admin/tenants/acme", f)
		}
		w.spa().refused(400, "deleted").write("admin/tenants/acme/suspend", nil)
		w.spa().refused(400, "deleted").write("admin/tenants/acme/resume", nil)
		wait(time.Hour)
		w.spa().remove("admin/tenants/acme").is(fields{"deleted_at": stamp(-time.Hour)})

		w.spa().
			write("admin/tenants/acme/restore", nil).
			is(fields{"state": "active", "deleted_at": nil, "restorable_to": nil})
		h.finds("valid")
		leased.finds("expired") // no clock has stood still
		w.spa().write("admin/tenants/acme/restore", nil)
	})
}

func TestTenantIsRestoredInTimeOnly(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		w.spa().write("admin/tenants/acme/suspend", fields{"reason": "bills"})
		w.spa().remove("admin/tenants/acme")
		h.finds("unknown_key")
		wait(7*24*time.Hour - time.Second)
		w.spa().write("admin/tenants/acme/restore", nil).is(fields{"state": "suspended"}) // as it was
		w.spa().remove("admin/tenants/acme")
		wait(7 * 24 * time.Hour)
		w.spa().refused(400, "deleted").write("admin/tenants/acme/restore", nil)
		h.finds("unknown_key")
	})
}

func TestUnknownTenant(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		stranger := w.someone("bolt-admin", "bolt")
		stranger.refused(404, "bolt").read("my")
		stranger.refused(404, "bolt").write("my/external/keys/billing", nil)
		for _, verb := range []string{"suspend", "resume", "restore"} {
			w.spa().refused(404, "bolt").write("admin/tenants/bolt/"+verb, nil)
		}
		w.spa().refused(404, "bolt").read("admin/tenants/bolt")
		w.spa().refused(404, "bolt").remove("admin/tenants/bolt")
		for _, name := range []string{"my", "Acme", "a_b", "-a", "a-", "acme.inc", "ä"} {
			w.spa().refused(400, "tenant").write("admin/tenants/"+name, nil)
		}
	})
}

// The administrator learns whose a key ID is, and nothing more.
func TestAdminIDs(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/internal/keys/desktop", fields{"description": "secret plans", "owner": "x"})
		a := w.spa().read("admin/ids/" + h.keyID)
		if a.is(fields{"tenant": "acme", "kind": "internal"}); len(a.data) != 2 {
			t.Errorf("also %v", a.data)
		}
		w.spa().refused(404, "0123456789abcdef").read("admin/ids/0123456789abcdef")
		w.spa().refused(400, "key_id").read("admin/ids/short")
		acme.read("my/ids/" + h.keyID).is(fields{
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
