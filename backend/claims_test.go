package backend_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

const jwtMount = "auth_jwt_1a2b3c4d"

// logsIn is a login: it writes what the method says of its alias over what was there.
func (w *world) logsIn(entity, mount string, metadata map[string]string) person {
	p := person{w: w, entity: entity, accessor: entity + "-accessor", status: 200}
	w.vault.change(func(v *vault) {
		now := &logical.Entity{ID: entity, Metadata: v.entities[entity].GetMetadata()}
		now.Aliases = []*logical.Alias{{Name: entity, MountAccessor: mount, Metadata: metadata}}
		v.entities[entity] = now
	})
	return p
}

// claims has the mount trust the claim tenant of logins by jwt.
func (w *world) claims() {
	w.root().patch("config", fields{"tenant_claims": []any{jwtMount + ":tenant"}})
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
			w.tenant("acme")
			w.tenant("bolt")
			w.someone("forged", "bolt")
			w.someone("twice", "acme")
			w.belongs("grouped", "", "bolt")
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
				w.logsIn(who, login.mount, login.metadata)
			}
			w.claims()
			w.root().patch("config", fields{"tenant_binding": row.binding})
			person{w: w, entity: row.who, accessor: row.who}.refused(row.status, row.about).read(row.path)
		})
	}
}

// A person who logs in for another tenant takes all of its sessions along, within seconds: so a mount's user claim has
// to be unique for user and tenant.
func TestOneUserOfTwoTenants(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.tenant("acme")
		w.tenant("bolt")
		w.claims()
		first := w.logsIn("joe", jwtMount, map[string]string{"tenant": "acme"})
		first.read("my").is(fields{"tenant": "acme"})
		second := w.logsIn("joe", jwtMount, map[string]string{"tenant": "bolt"})
		second.read("my").is(fields{"tenant": "acme"})
		wait(6 * time.Second)
		first.read("my").is(fields{"tenant": "bolt"})
		second.read("my").is(fields{"tenant": "bolt"})
		first.refused(403, "another tenant").read("tenants/acme")
	})
}

// The setting counts with its answer, one way and the other.
func TestClaimsAreChosen(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		w.tenant("acme")
		joe := w.logsIn("joe", jwtMount, map[string]string{"tenant": "acme", "org": "bolt"})
		joe.refused(403, `has the metadata "tenant"`).read("my")
		w.claims()
		joe.read("my").is(fields{"tenant": "acme"})
		w.root().patch("config", fields{"tenant_claims": jwtMount + ":tenant," + jwtMount + ":org"}).
			is(fields{"tenant_claims": []any{jwtMount + ":tenant", jwtMount + ":org"}})
		joe.refused(403, "different tenants").read("my")
		w.root().patch("config", fields{"tenant_claims": nil}).is(fields{"tenant_claims": []any{}})
		joe.refused(403, `has the metadata "tenant"`).read("my")
	})
}
