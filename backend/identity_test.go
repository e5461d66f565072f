package backend_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// belongs sets what an entity and its groups say about its tenant.
func (w *world) belongs(entity, tenant string, groups ...string) person {
	p := w.someone(entity, tenant)
	w.vault.change(func(v *vault) {
		for _, g := range groups {
			v.groups[entity] = append(v.groups[entity], &logical.Group{Metadata: map[string]string{"tenant": g}})
		}
	})
	return p
}

func TestWhoMayGoWhere(t *testing.T) {
	for _, row := range []struct {
		who     string
		binding string
		path    string
		status  int
		about   string
	}{
		{"acme", "required", "my", 200, ""},
		{"acme", "required", "tenants/acme", 200, ""},
		{"acme", "required", "tenants/bolt", 403, "another tenant"},
		{"acme", "required", "tenants/nobody", 403, "another tenant"},
		{"acme", "required", "config", 403, "provider"},
		{"acme", "required", "admin/tenants/acme", 403, "provider"},
		{"acme", "required", "admin/ids/0123456789abcdef", 403, "provider"},
		{"root", "required", "my", 403, `"tenant"`},
		{"root", "required", "tenants/acme", 403, `"tenant"`},
		{"root", "required", "config", 200, ""},
		{"spa", "required", "my", 403, `"tenant"`},
		{"spa", "required", "tenants/acme", 403, `"tenant"`},
		{"spa", "required", "admin/tenants/acme", 200, ""},
		{"by-group", "required", "my", 200, ""},
		{"by-group", "required", "tenants/bolt", 403, "another tenant"},
		{"by-both", "required", "my", 200, ""},
		{"entity-against-group", "required", "my", 403, "different tenants"},
		{"entity-against-group", "required", "tenants/acme", 403, "different tenants"},
		{"entity-against-group", "required", "config", 403, "different tenants"},
		{"group-against-group", "required", "my", 403, "different tenants"},
		{"disabled", "required", "my", 403, "disabled"},
		{"disabled", "required", "config", 403, "disabled"},
		{"disabled-spa", "required", "admin/tenants/acme", 403, "disabled"},
		{"misnamed", "required", "my", 403, `"tenant"`},
		{"named-my", "required", "my", 403, `"tenant"`},
		{"deleted-entity", "required", "my", 403, "identity"},
		{"deleted-entity", "required", "config", 403, "identity"},

		{"root", "auto", "tenants/acme", 200, ""},
		{"root", "auto", "my", 403, `"tenant"`},
		{"spa", "auto", "tenants/acme", 200, ""},
		{"acme", "auto", "my", 200, ""},
		{"acme", "auto", "tenants/bolt", 403, "another tenant"},
		{"acme", "auto", "config", 403, "provider"},
		{"disabled", "auto", "tenants/acme", 403, "disabled"},
		{"entity-against-group", "auto", "tenants/acme", 403, "different tenants"},
		{"deleted-entity", "auto", "tenants/acme", 403, "identity"},
	} {
		clocked(t, row.binding+" "+row.who+" "+row.path, func(_ *testing.T, w *world) {
			w.tenant("bolt")
			people := map[string]person{
				"acme": w.tenant("acme"), "root": w.root(), "spa": w.spa(),
				"by-group":             w.belongs("g1", "", "acme"),
				"by-both":              w.belongs("g2", "acme", "acme", "acme"),
				"entity-against-group": w.belongs("g3", "acme", "bolt"),
				"group-against-group":  w.belongs("g4", "", "acme", "bolt"),
				"disabled":             w.belongs("e1", "acme"),
				"disabled-spa":         w.belongs("e2", ""),
				"misnamed":             w.belongs("e3", "Acme Inc."),
				"named-my":             w.belongs("e4", "my"),
				"deleted-entity":       {w: w, entity: "gone"},
			}
			w.vault.change(func(v *vault) { v.entities["e1"].Disabled, v.entities["e2"].Disabled = true, true })
			w.root().write("config", fields{"tenant_binding": row.binding})
			people[row.who].refused(row.status, row.about).read(row.path)
		})
	}
}

// A caller may neither choose a tenant by a field nor by one in a list.
func TestTenantIsNoField(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.tenant("bolt")
		acme := w.tenant("acme")
		for _, path := range []string{"my", "tenants/acme"} {
			acme.refused(400, "tenant").ask(logical.ReadOperation, path, fields{"tenant": "bolt"})
			acme.refused(400, "tenant").write(path+"/external/keys/billing", fields{"tenant": "bolt"})
			acme.refused(400, "kind").write(path+"/external/keys/billing", fields{"kind": "internal"})
			acme.refused(400, "name").write(path+"/external/keys/billing", fields{"name": "other"})
			acme.refused(400, "role").write(path+"/external/roles/app", fields{"role": "other"})
		}
	})
}

func TestIdentityIsNoticedWithinSeconds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		w.tenant("bolt")
		acme := w.tenant("acme")
		acme.read("my")
		if c := w.cost(func() { acme.read("my") }); c.Callbacks["EntityInfo"]+c.Callbacks["GroupsForEntity"] != 0 {
			t.Errorf("asked again at once: %v", c)
		}
		w.belongs("acme-admin", "bolt")
		wait(6 * time.Second)
		acme.refused(403, "another tenant").read("tenants/acme")
		acme.read("my").is(fields{"tenant": "bolt"})
		w.vault.change(func(v *vault) { v.entities["acme-admin"].Disabled = true })
		wait(6 * time.Second)
		acme.refused(403, "disabled").read("my")
	})
}

func TestIdentityMetadataIsChosen(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.read("my")
		w.root().write("config", fields{"tenant_metadata": "customer"})
		acme.refused(403, `"customer"`).read("my")
		w.vault.change(func(v *vault) { v.entities["acme-admin"].Metadata["customer"] = "acme" })
		wait(6 * time.Second)
		acme.read("my")
	})
}

func TestVaultThatDoesNotAnswerIsARefusal(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		w.vault.change(func(v *vault) { v.away = true })
		acme.refused(503, "identity").read("my")
		w.vault.change(func(v *vault) { v.away = false })
		acme.read("my") // a failure is not remembered

		// Half an answer is none: who is of a tenant by a group would be one of the provider's.
		for _, half := range []string{"EntityInfo", "GroupsForEntity"} {
			wait(time.Minute)
			w.vault.change(func(v *vault) {
				v.failing = half
				v.entities["member"] = &logical.Entity{ID: "member"}
				v.groups["member"] = []*logical.Group{{Metadata: map[string]string{"tenant": "acme"}}}
			})
			member := person{w: w, entity: "member", accessor: "member-accessor"}
			member.refused(503, "identity").write("verify", fields{"message": "x", "signature": "x"})
			w.vault.change(func(v *vault) { v.failing = "" })
			member.refused(403, "provider").write("verify", fields{"message": "x", "signature": "x"})
		}

		hang := make(chan struct{})
		w.vault.change(func(v *vault) { v.hang = hang })
		wait(time.Minute)
		start := time.Now()
		acme.refused(503, "identity").read("my")
		if took := time.Since(start); took == 0 || took > 5*time.Second {
			t.Errorf("refused after %s", took)
		}
		w.vault.change(func(v *vault) { v.hang = nil })
		close(hang)
	})
}

// Vault knows a namespace's own entities: of one of another namespace it tells nothing, and no error.
func TestCallersOfAnotherNamespace(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.tenant("acme")
		other := person{w: w, entity: "elsewhere", accessor: "elsewhere-accessor"}
		const said = "another one, or was deleted"
		other.refused(403, said).read("my")
		other.refused(403, said).read("tenants/acme/external/keys/billing")
		other.refused(403, said).read("config")
		other.refused(403, said).write("verify", fields{"message": "x", "signature": "x"})
	})
}

// Leases carry no identity: they are renewed and ended while nobody can be looked up.
func TestLeasesNeedNoIdentity(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/external/roles/app", nil)
		a := acme.read("tenants/acme/external/creds/app")
		l, h := a.lease(w), a.holder(w)
		w.vault.change(func(v *vault) { v.away = true })
		l.renew(0).expect(200, "")
		l.end().expect(200, "")
		h.finds("revoked")
	})
}
