package paths_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// called asks as somebody whose token has a display name.
func called(p person, name string, op logical.Operation, path string, f fields) answer {
	p.W.T.Helper()
	req := p.Request(op, path, f)
	req.DisplayName = name
	resp, err := p.W.Handle(req)
	a := newAnswer(p.W.T, req, resp, err)
	p.W.Secrets.NowhereIn(a, p.W.Log)
	a.Expect(p.Status, p.About)
	return a
}

// Histories, versions and leased keys say by name who did it, from the cache and from storage. Who suspended a tenant
// is told to the provider alone.
func TestWho(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		const write = logical.UpdateOperation
		called(acme, "oidc-ann", write, billing, nil)
		called(acme, "oidc-bob", write, billing+"/reveal", nil)
		called(acme, "", write, billing+"/disable", nil)
		acme.Write("my/external/roles/app", nil)
		keyID := called(acme, "approle", logical.ReadOperation, "tenants/acme/external/creds/app", nil).Str("key_id")
		w.Root().Write("config", fields{"allow_import_until": stamp(time.Hour)})
		_, item := foreign(w, "Provider1")
		item = altered(altered(item, "tenant", "acme"), "kind", "external")
		called(w.Root(), "ldap-eve", write, "admin/import", fields{"keys": []any{item}})
		called(w.SPA(), "ldap-eve", write, "admin/tenants/acme/suspend", nil)
		called(w.SPA(), "ldap-dan", write, "admin/tenants/acme/suspend", fields{"reason": "once more"})
		for range 2 {
			said := ""
			for _, e := range acme.Read(billing + "/history").Rows("entries") {
				said += fmt.Sprint(e["operation"], " ", e["by_name"], ";")
			}
			if said != "create oidc-ann;reveal oidc-bob;disable ;" {
				t.Errorf("history says %q", said)
			}
			if v := acme.Read(billing).Rows("versions")[0]; v["revealed_by_name"] != "oidc-bob" {
				t.Errorf("revealed by %v", v["revealed_by_name"])
			}
			acme.Read("my/external/leased/" + keyID).Is(fields{"asked_by_name": "approle", "entity_id": "acme-admin"})
			if info := info(acme.List("my/external/leased/", nil), keyID); info["asked_by_name"] != "approle" {
				t.Errorf("the list says %v", info)
			}
			w.SPA().Read("admin/tenants/acme").Is(fields{"suspended_by": "spa", "suspended_by_name": "ldap-eve"})
			for _, path := range []string{"my", "my/external/keys/old-provider1/history"} {
				if a := acme.Read(path); strings.Contains(fmt.Sprint(a.Data), "eve") {
					t.Errorf("%s tells a tenant of the provider's people: %v", path, a.Data)
				}
			}
			w.Restart()
		}
		w.SPA().Write("admin/tenants/acme/resume", nil).Is(fields{"suspended_by_name": ""})
	})
}

// Names are shown in tables: they are cut, and cannot forge a row of one.
func TestNamesOfCallers(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, nil)
		for name, want := range map[string]string{
			strings.Repeat("x", 5000):       strings.Repeat("x", 128),
			strings.Repeat("x", 127) + "éé": strings.Repeat("x", 127),
			"a\nb\u202ec\td":                "a\ufffdb\ufffdc\ufffdd",
			"Ann Ünal <ann@example.com>":    "Ann Ünal <ann@example.com>",
		} {
			called(acme, name, logical.UpdateOperation, billing+"/rotate", nil)
			all := acme.Read(billing + "/history").Rows("entries")
			if got := all[len(all)-1]["by_name"]; got != want {
				t.Errorf("%q is kept as %q", name, got)
			}
		}
	})
}
