//go:build acceptance

package acceptance

import (
	"net/http"
	"testing"
)

// TestRoleLimit holds a role to its max_leased, which is written by JSON and by the command line, and read, written
// back and taken away as any setting is. Vault's own end of a lease makes room.
func TestRoleLimit(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "roles")
	admin, app, root := shared.caller(t, tenant+"-admin"), shared.caller(t, tenant+"-app"), shared.caller(t, "root")
	const role = "apikeys/my/internal/roles/desktop"
	creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"
	for _, bad := range []any{0, -1, 1.5, "many", []string{"1"}, true} {
		admin.refused(http.StatusBadRequest, "max_leased: must be", "POST", role, fields{"max_leased": bad})
	}
	admin.refused(http.StatusBadRequest, "max_leased: 20000 is over", "POST", role, fields{"max_leased": 20000})
	admin.must("POST", role, fields{"max_leased": 1})
	lease := app.must("GET", creds, nil)
	full := `max_leased: role "desktop" has the 1 live leased keys it may have`
	app.refused(http.StatusBadRequest, full, "GET", creds, nil)
	root.must("POST", "sys/leases/revoke", fields{"lease_id": lease.LeaseID, "sync": true})
	app.must("GET", creds, nil)
	app.refused(http.StatusBadRequest, full, "GET", creds, nil)
	if got := admin.run("write", "-field=max_leased", role, "max_leased=2"); got != "2" {
		t.Errorf("written by the command line: %q", got)
	}
	app.must("GET", creds, nil)
	if got := admin.must("PATCH", role, fields{"max_leased": nil}); got.Data["max_leased"] != nil {
		t.Errorf("null leaves %v", got.Data["max_leased"])
	}
	app.must("GET", creds, nil)
}
