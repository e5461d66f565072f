package identity

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// claiming are sources with claims of two auth mounts, of which the second has two.
var claiming = Sources{
	"tenant", tenant.ClaimsOf([]string{"auth_jwt_1:tenant", "auth_oidc_2:org", "auth_oidc_2:org id"}),
}

// aliases returns the aliases of an entity, each given as a mount's accessor and what a login has written: a key, a
// colon and the value.
func aliases(all ...[]string) (list []*logical.Alias) {
	for _, one := range all {
		a := &logical.Alias{MountAccessor: one[0], Metadata: map[string]string{"role": "people"}}
		for _, pair := range one[1:] {
			key, value, _ := strings.Cut(pair, ":")
			a.Metadata[key] = value
		}
		list = append(list, a)
	}
	return list
}

// What aliases on the mounts that are named say beside an entity and its groups, as policy.
func TestClaimsNameTenants(t *testing.T) {
	jwt := func(tenant string) []string { return []string{"auth_jwt_1", "tenant:" + tenant} }
	oidc := func(pairs ...string) []string { return append([]string{"auth_oidc_2"}, pairs...) }
	custom := aliases([]string{"auth_jwt_1"})
	custom[0].CustomMetadata = map[string]string{"tenant": "bolt"}
	beside := aliases([]string{"auth_jwt_10", "tenant:bolt"}, []string{"", "tenant:bolt"})
	bare := []*logical.Alias{{MountAccessor: "auth_jwt_1"}}
	const differ, noName = "different tenants", "is not a tenant's name"
	for name, row := range map[string]struct {
		entity, group string
		aliases       []*logical.Alias
		want, about   string
	}{
		"a claim alone":            {"", "", aliases(jwt("acme")), "acme", ""},
		"another key":              {"", "", aliases(oidc("org:acme")), "acme", ""},
		"a key with a blank":       {"", "", aliases(oidc("org id:acme")), "acme", ""},
		"no alias":                 {"", "", nil, "", ""},
		"no such claim":            {"", "", aliases(oidc()), "", ""},
		"an empty claim":           {"", "", aliases(jwt("")), "", ""},
		"no metadata":              {"", "", bare, "", ""},
		"a key of the other mount": {"", "", aliases([]string{"auth_jwt_1", "org:acme"}, oidc("tenant:acme")), "", ""},
		"another mount":            {"", "", beside, "", ""},
		"another mount beside":     {"", "", append(aliases(jwt("acme")), beside...), "acme", ""},
		"custom metadata":          {"", "", custom, "", ""},
		"an entity alone":          {"acme", "", bare, "acme", ""},
		"all the same":             {"acme", "acme", aliases(jwt("acme"), oidc("org:acme", "org id:acme")), "acme", ""},
		"the entity differs":       {"bolt", "", aliases(jwt("acme")), "", differ},
		"a group differs":          {"", "bolt", aliases(jwt("acme")), "", differ},
		"two claims of a mount":    {"", "", aliases(oidc("org:acme", "org id:bolt")), "", differ},
		"two mounts":               {"", "", aliases(jwt("acme"), oidc("org:bolt")), "", differ},
		"two aliases of a mount":   {"", "", aliases(jwt("acme"), jwt("bolt")), "", differ},
		"no name":                  {"", "", aliases(oidc("org id:Acme Inc.")), "", `"org␣id" metadata ` + noName},
		"a pattern":                {"", "", aliases(jwt("+")), "", noName},
		"the word for mine":        {"", "", aliases(jwt("my")), "", noName},
		"a list":                   {"", "", aliases(jwt(`["acme"]`)), "", noName},
		"blanks around it":         {"", "", aliases(jwt(" acme")), "", noName},
		"in capitals":              {"", "", aliases(jwt("Acme")), "", noName},
	} {
		said := func(tenant string) map[string]string { return map[string]string{"tenant": tenant} }
		entity := &logical.Entity{Metadata: said(row.entity), Aliases: row.aliases}
		groups := []*logical.Group{{Metadata: said(row.group)}}
		got, err := claiming.singleTenant(entity, groups)
		if string(got) != row.want || (err != nil) != (row.about != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err != nil && (!errors.Is(err, refusal.Forbidden) || !strings.Contains(err.Error(), row.about)) {
			t.Errorf("%s: %v", name, err)
		}
		if row.entity != "" || row.group != "" {
			continue
		}
		if got, err := (Sources{Metadata: "tenant"}).singleTenant(entity, groups); got != "" || err != nil {
			t.Errorf("%s, which no setting names: %q, %v", name, got, err)
		}
	}
}

// logins is an identity store of one entity, of which each login writes its alias anew.
type logins struct{ tenant string }

func (l *logins) EntityInfo(id string) (*logical.Entity, error) {
	return &logical.Entity{ID: id, Aliases: aliases([]string{"auth_jwt_1", "tenant:" + l.tenant})}, nil
}

func (l *logins) GroupsForEntity(string) ([]*logical.Group, error) { return nil, nil }

// The settings count at once, and another login within seconds.
func TestClaimsAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &logins{tenant: "acme"}
		lookup := New(store)
		is := func(from Sources, want tenant.Name) {
			t.Helper()
			if got, err := lookup.TenantOf(t.Context(), "joe", from, time.Now()); got != want || err != nil {
				t.Errorf("%q, %v instead of %q", got, err, want)
			}
		}
		none := Sources{Metadata: "tenant"}
		is(claiming, "acme")
		is(none, "")
		is(claiming, "acme")
		store.tenant = "bolt"
		is(claiming, "acme")
		time.Sleep(maxAge)
		is(claiming, "bolt")
	})
}
