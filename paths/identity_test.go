package paths_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// belongs sets what an entity and its groups say about its tenant.
func belongs(w *world, entity, tenant string, groups ...string) person {
	p := w.Someone(entity, tenant)
	w.Vault.Change(func(v *vault) {
		for _, g := range groups {
			v.Groups[entity] = append(v.Groups[entity], &logical.Group{Metadata: map[string]string{"tenant": g}})
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
			w.Tenant("bolt")
			people := map[string]person{
				"acme": w.Tenant("acme"), "root": w.Root(), "spa": w.SPA(),
				"by-group":             belongs(w, "g1", "", "acme"),
				"by-both":              belongs(w, "g2", "acme", "acme", "acme"),
				"entity-against-group": belongs(w, "g3", "acme", "bolt"),
				"group-against-group":  belongs(w, "g4", "", "acme", "bolt"),
				"disabled":             belongs(w, "e1", "acme"),
				"disabled-spa":         belongs(w, "e2", ""),
				"misnamed":             belongs(w, "e3", "Acme Inc."),
				"named-my":             belongs(w, "e4", "my"),
				"deleted-entity":       {W: w, Entity: "gone"},
			}
			w.Vault.Change(func(v *vault) { v.Entities["e1"].Disabled, v.Entities["e2"].Disabled = true, true })
			w.Root().Write("config", fields{"tenant_binding": row.binding})
			people[row.who].Refused(row.status, row.about).Read(row.path)
		})
	}
}

// A caller may neither choose a tenant by a field nor by one in a list.
func TestTenantIsNoField(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.Tenant("bolt")
		acme := w.Tenant("acme")
		for _, path := range []string{"my", "tenants/acme"} {
			acme.Refused(400, "tenant").Ask(logical.ReadOperation, path, fields{"tenant": "bolt"})
			acme.Refused(400, "tenant").Write(path+"/external/keys/billing", fields{"tenant": "bolt"})
			acme.Refused(400, "kind").Write(path+"/external/keys/billing", fields{"kind": "internal"})
			acme.Refused(400, "name").Write(path+"/external/keys/billing", fields{"name": "other"})
			acme.Refused(400, "role").Write(path+"/external/roles/app", fields{"role": "other"})
		}
	})
}

func TestIdentityIsNoticedWithinSeconds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		w.Tenant("bolt")
		acme := w.Tenant("acme")
		acme.Read("my")
		if c := w.Cost(func() { acme.Read("my") }); c.Callbacks["EntityInfo"]+c.Callbacks["GroupsForEntity"] != 0 {
			t.Errorf("asked again at once: %v", c)
		}
		belongs(w, "acme-admin", "bolt")
		wait(6 * time.Second)
		acme.Refused(403, "another tenant").Read("tenants/acme")
		acme.Read("my").Is(fields{"tenant": "bolt"})
		w.Vault.Change(func(v *vault) { v.Entities["acme-admin"].Disabled = true })
		wait(6 * time.Second)
		acme.Refused(403, "disabled").Read("my")
	})
}

func TestIdentityMetadataIsChosen(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Read("my")
		w.Root().Write("config", fields{"tenant_metadata": "customer"})
		acme.Refused(403, `"customer"`).Read("my")
		w.Vault.Change(func(v *vault) { v.Entities["acme-admin"].Metadata["customer"] = "acme" })
		wait(6 * time.Second)
		acme.Read("my")
	})
}

func TestVaultThatDoesNotAnswerIsARefusal(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Vault.Change(func(v *vault) { v.Away = true })
		acme.Refused(503, "identity").Read("my")
		w.Vault.Change(func(v *vault) { v.Away = false })
		acme.Read("my") // a failure is not remembered

		// Half an answer is none: who is of a tenant by a group would be one of the provider's.
		for _, half := range []string{"EntityInfo", "GroupsForEntity"} {
			wait(time.Minute)
			w.Vault.Change(func(v *vault) {
				v.Failing = half
				v.Entities["member"] = &logical.Entity{ID: "member"}
				v.Groups["member"] = []*logical.Group{{Metadata: map[string]string{"tenant": "acme"}}}
			})
			member := person{W: w, Entity: "member", Accessor: "member-accessor"}
			member.Refused(503, "identity").Write("verify", fields{"message": "x", "signature": "x"})
			w.Vault.Change(func(v *vault) { v.Failing = "" })
			member.Refused(403, "provider").Write("verify", fields{"message": "x", "signature": "x"})
		}

		hang := make(chan struct{})
		w.Vault.Change(func(v *vault) { v.Hang = hang })
		wait(time.Minute)
		start := time.Now()
		acme.Refused(503, "identity").Read("my")
		if took := time.Since(start); took == 0 || took > 5*time.Second {
			t.Errorf("refused after %s", took)
		}
		w.Vault.Change(func(v *vault) { v.Hang = nil })
		close(hang)
	})
}

// Vault knows a namespace's own entities: of one of another namespace it tells nothing, and no error.
func TestCallersOfAnotherNamespace(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.Tenant("acme")
		other := person{W: w, Entity: "elsewhere", Accessor: "elsewhere-accessor"}
		const said = "another one, or was deleted"
		other.Refused(403, said).Read("my")
		other.Refused(403, said).Read("tenants/acme/external/keys/billing")
		other.Refused(403, said).Read("config")
		other.Refused(403, said).Write("verify", fields{"message": "x", "signature": "x"})
	})
}

// Leases carry no identity: they are renewed and ended while nobody can be looked up.
func TestLeasesNeedNoIdentity(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/external/roles/app", nil)
		a := acme.Read("tenants/acme/external/creds/app")
		l, h := a.Lease(w), a.Holder(w)
		w.Vault.Change(func(v *vault) { v.Away = true })
		l.Renew(0).Expect(200, "")
		l.End().Expect(200, "")
		h.Finds("revoked")
	})
}
