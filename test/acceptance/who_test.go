//go:build acceptance

package acceptance

import (
	"strings"
	"testing"
)

// TestWhoIsNamed sees in histories, versions and leased keys the names that Vault gives the logins, and a suspender's
// where the provider looks and nowhere else.
func TestWhoIsNamed(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "named")
	admin, app, spa := shared.caller(t, tenant+"-admin"), shared.caller(t, tenant+"-app"), shared.caller(t, "spa")
	name := func(c *caller) string {
		n := c.must("GET", "auth/token/lookup-self", nil).field("display_name")
		if n == "" {
			t.Fatalf("%s: Vault gives the token no name", c.name)
		}
		return n
	}
	is := func(a *answered, field, want string) {
		t.Helper()
		if got := a.field(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	const key = "apikeys/my/external/keys/billing"
	admin.must("POST", key, nil)
	admin.must("POST", key+"/reveal", nil)
	is(admin.must("GET", key, nil), "versions.0.revealed_by_name", name(admin))
	admin.must("POST", "apikeys/my/external/roles/app", nil)
	keyID := app.must("GET", "apikeys/tenants/"+tenant+"/external/creds/app", nil).field("key_id")
	is(admin.must("GET", "apikeys/my/external/leased/"+keyID, nil), "asked_by_name", name(app))
	if told := admin.run("read", "-field=entries", key+"/history"); strings.Count(told, "by_name:"+name(admin)) != 2 {
		t.Errorf("the command line shows %s", told)
	}
	spa.must("POST", "apikeys/admin/tenants/"+tenant+"/suspend", nil)
	is(spa.must("GET", "apikeys/admin/tenants/"+tenant, nil), "suspended_by_name", name(spa))
	if a := admin.must("GET", "apikeys/my", nil); strings.Contains(string(a.body), name(spa)) {
		t.Errorf("the tenant is told %s", a.body)
	}
}
