package paths_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

const jwtMount = "auth_jwt_1a2b3c4d"

// logsIn is a login: it writes what the method says of its alias over what was there.
func logsIn(w *world, entity, mount string, metadata map[string]string) person {
	p := person{W: w, Entity: entity, Accessor: entity + "-accessor", Status: 200}
	w.Vault.Change(func(v *vault) {
		now := &logical.Entity{ID: entity, Metadata: v.Entities[entity].GetMetadata()}
		now.Aliases = []*logical.Alias{{Name: entity, MountAccessor: mount, Metadata: metadata}}
		v.Entities[entity] = now
	})
	return p
}

// claims has the mount trust the claim tenant of logins by jwt.
func claims(w *world) {
	w.Root().Patch("config", fields{"tenant_claims": []any{jwtMount + ":tenant"}})
}

func TestWhoMayGoWhereByClaim(t *testing.T) {
	said := func(tenant string) map[string]string { return map[string]string{"role": "people", "tenant": tenant} }
	for _, row := range []struct {
		who, binding, path string
		status             int
		about              string
	}{
		{"acme", "required", "my", 200, ""},
		{"acme", "required", "tenants/acme/external/keys/none", 404, ""},
		{"acme", "required", "tenants/bolt", 403, "another tenant"},
		{"acme", "required", "tenants/nobody", 403, "another tenant"},
		{"acme", "required", "config", 403, "provider"},
		{"acme", "auto", "tenants/bolt", 403, "another tenant"},
		{"not opened", "required", "my", 404, "early"},
		{"without", "required", "my", 403, "no alias of it has what tenant_claims names"},
		{"without", "required", "tenants/acme", 403, "no alias of it has what tenant_claims names"},
		{"without", "auto", "my", 403, "no alias of it has what tenant_claims names"},
		{"empty", "required", "my", 403, "no alias of it has what tenant_claims names"},
		{"elsewhere", "required", "my", 403, "no alias of it has what tenant_claims names"},
		{"elsewhere", "required", "tenants/acme", 403, "no alias of it has what tenant_claims names"},
		{"no name", "required", "my", 403, "not a tenant's name"},
		{"no name", "auto", "tenants/acme", 403, "not a tenant's name"},
		{"no name", "required", "config", 403, "not a tenant's name"},
		{"forged", "required", "my", 403, "different tenants"},
		{"forged", "auto", "tenants/bolt", 403, "different tenants"},
		{"forged", "required", "config", 403, "different tenants"},
		{"grouped", "required", "my", 403, "different tenants"},
		{"twice", "required", "my", 200, ""},
	} {
		clocked(t, row.binding+" "+row.who+" "+row.path, func(_ *testing.T, w *world) {
			w.Tenant("acme")
			w.Tenant("bolt")
			w.Someone("forged", "bolt")
			w.Someone("twice", "acme")
			belongs(w, "grouped", "", "bolt")
			for who, login := range map[string]struct {
				mount    string
				metadata map[string]string
			}{
				"acme":       {jwtMount, said("acme")},
				"not opened": {jwtMount, said("early")},
				"without":    {jwtMount, map[string]string{"role": "people"}},
				"empty":      {jwtMount, said("")},
				"elsewhere":  {"auth_jwt_5e6f7a8b", said("acme")},
				"no name":    {jwtMount, said("Acme Inc.")},
				"forged":     {jwtMount, said("acme")},
				"grouped":    {jwtMount, said("acme")},
				"twice":      {jwtMount, said("acme")},
			} {
				logsIn(w, who, login.mount, login.metadata)
			}
			claims(w)
			w.Root().Patch("config", fields{"tenant_binding": row.binding})
			person{W: w, Entity: row.who, Accessor: row.who}.Refused(row.status, row.about).Read(row.path)
		})
	}
}

// A person who logs in for another tenant takes all of its sessions along, within seconds: so a mount's user claim has
// to be unique for user and tenant.
func TestOneUserOfTwoTenants(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.Tenant("acme")
		w.Tenant("bolt")
		claims(w)
		first := logsIn(w, "joe", jwtMount, map[string]string{"tenant": "acme"})
		first.Read("my").Is(fields{"tenant": "acme"})
		second := logsIn(w, "joe", jwtMount, map[string]string{"tenant": "bolt"})
		second.Read("my").Is(fields{"tenant": "acme"})
		wait(6 * time.Second)
		first.Read("my").Is(fields{"tenant": "bolt"})
		second.Read("my").Is(fields{"tenant": "bolt"})
		first.Refused(403, "another tenant").Read("tenants/acme")
	})
}

// The setting counts with its answer, one way and the other.
func TestClaimsAreChosen(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.Tenant("acme")
		joe := logsIn(w, "joe", jwtMount, map[string]string{"tenant": "acme", "org": "bolt"})
		joe.Refused(403, `has the metadata "tenant"`).Read("my")
		claims(w)
		joe.Read("my").Is(fields{"tenant": "acme"})
		w.Root().Patch("config", fields{"tenant_claims": jwtMount + ":tenant," + jwtMount + ":org"}).
			Is(fields{"tenant_claims": []any{jwtMount + ":tenant", jwtMount + ":org"}})
		joe.Refused(403, "different tenants").Read("my")
		w.Root().Patch("config", fields{"tenant_claims": nil}).Is(fields{"tenant_claims": []any{}})
		joe.Refused(403, `has the metadata "tenant"`).Read("my")
	})
}
