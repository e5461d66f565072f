package backend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// called asks as somebody whose token has a display name.
func (p person) called(name string, op logical.Operation, path string, f fields) answer {
	p.w.t.Helper()
	req := p.request(op, path, f)
	req.DisplayName = name
	resp, err := p.w.handle(req)
	a := newAnswer(p.w.t, req, resp, err)
	p.w.secrets.nowhereIn(a, p.w.log)
	a.expect(p.status, p.about)
	return a
}

// Histories, versions and leased keys say by name who did it, from the cache and from storage. Who suspended a tenant
// is told to the provider alone.
func TestWho(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		const write = logical.UpdateOperation
		acme.called("oidc-ann", write, billing, nil)
		acme.called("oidc-bob", write, billing+"/reveal", nil)
		acme.called("", write, billing+"/disable", nil)
		acme.write("my/external/roles/app", nil)
		keyID := acme.called("approle", logical.ReadOperation, "tenants/acme/external/creds/app", nil).str("key_id")
		w.root().write("config", fields{"allow_import_until": stamp(time.Hour)})
		_, item := foreign(w, "Provider1")
		item = altered(altered(item, "tenant", "acme"), "kind", "external")
		w.root().called("ldap-eve", write, "admin/import", fields{"keys": []any{item}})
		w.spa().called("ldap-eve", write, "admin/tenants/acme/suspend", nil)
		w.spa().called("ldap-dan", write, "admin/tenants/acme/suspend", fields{"reason": "once more"})
		for range 2 {
			said := ""
			for _, e := range acme.read(billing + "/history").rows("entries") {
				said += fmt.Sprint(e["operation"], " ", e["by_name"], ";")
			}
			if said != "create oidc-ann;reveal oidc-bob;disable ;" {
				t.Errorf("history says %q", said)
			}
			if v := acme.read(billing).rows("versions")[0]; v["revealed_by_name"] != "oidc-bob" {
				t.Errorf("revealed by %v", v["revealed_by_name"])
			}
			acme.read("my/external/leased/" + keyID).is(fields{"asked_by_name": "approle", "entity_id": "acme-admin"})
			if info := acme.list("my/external/leased/", nil).info(keyID); info["asked_by_name"] != "approle" {
				t.Errorf("the list says %v", info)
			}
			w.spa().read("admin/tenants/acme").is(fields{"suspended_by": "spa", "suspended_by_name": "ldap-eve"})
			for _, path := range []string{"my", "my/external/keys/old-provider1/history"} {
				if a := acme.read(path); strings.Contains(fmt.Sprint(a.data), "eve") {
					t.Errorf("%s tells a tenant of the provider's people: %v", path, a.data)
				}
			}
			w.restart()
		}
		w.spa().write("admin/tenants/acme/resume", nil).is(fields{"suspended_by_name": ""})
	})
}

// Names are shown in tables: they are cut, and cannot forge a row of one.
func TestNamesOfCallers(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, nil)
		for name, want := range map[string]string{
			strings.Repeat("x", 5000):       strings.Repeat("x", 128),
			strings.Repeat("x", 127) + "éé": strings.Repeat("x", 127),
			"a\nb\u202ec\td":                "a\ufffdb\ufffdc\ufffdd",
			"Ann Ünal <ann@example.com>":    "Ann Ünal <ann@example.com>",
		} {
			acme.called(name, logical.UpdateOperation, billing+"/rotate", nil)
			all := acme.read(billing + "/history").rows("entries")
			if got := all[len(all)-1]["by_name"]; got != want {
				t.Errorf("%q is kept as %q", name, got)
			}
		}
	})
}
