//go:build acceptance

package acceptance

import (
	"net/http"
	"testing"
)

// TestTwoMounts checks that two mounts know nothing of each other, though one process serves both: neither each other's
// tenants and keys, nor settings, nor calls seen. And that a mount with live leases can be taken away.
func TestTwoMounts(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "mounts")
	root, gateway := shared.caller(t, "root"), shared.caller(t, "gateway")
	admin := shared.caller(t, tenant+"-admin")
	admin.must("POST", "apikeys/my/external/keys/billing", nil)
	holder := admin.must("POST", "apikeys/my/external/keys/billing/reveal", nil).holder(t)

	const other = "other-keys"
	plugin := root.must("GET", "sys/mounts/apikeys", nil)
	root.must("POST", "sys/mounts/"+other, fields{
		"type": plugin.field("type"), "config": fields{"plugin_version": plugin.field("plugin_version")},
	})
	root.must("PATCH", other+"/config", fields{"tenant_binding": "auto"}) // Nobody has a policy for it.
	call := holder.call("GET", "/wfo/v1/agents")
	there := func() string {
		return root.must("PATCH", other+"/verify", fields{"request": call}).field("verdict")
	}
	if got := there(); got != "unknown_key" {
		t.Errorf("the other mount finds %s", got)
	}
	root.refused(http.StatusNotFound, tenant, "GET", other+"/admin/tenants/"+tenant, nil)
	root.must("POST", other+"/admin/tenants/"+tenant, nil)
	root.must("POST", other+"/tenants/"+tenant+"/external/keys/billing", nil)
	if got := there(); got != "unknown_key" {
		t.Errorf("the other mount, with a tenant and a key of the same names, finds %s", got)
	}
	if got := gateway.verdict(call); got != "valid" {
		t.Errorf("verdict %s", got)
	}
	if got := root.must("GET", "apikeys/config", nil).field("tenant_binding"); got != "required" {
		t.Errorf("tenant_binding is %s", got)
	}

	root.must("POST", other+"/tenants/"+tenant+"/internal/roles/desktop", nil)
	lease := root.must("GET", other+"/tenants/"+tenant+"/internal/creds/desktop", nil)
	root.must("DELETE", "sys/mounts/"+other, nil)
	root.refused(http.StatusBadRequest, "lease not found", "PUT", "sys/leases/renew", fields{"lease_id": lease.LeaseID})
}

// TestBatchToken checks that a lease that Vault cuts shorter than the key it is for says so, and ends the key.
func TestBatchToken(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "batch-token")
	app, root := shared.caller(t, tenant+"-app"), shared.caller(t, "root")
	shared.caller(t, tenant+"-admin").
		must("POST", "apikeys/my/internal/roles/desktop", fields{"ttl": "2h", "max_ttl": "8h"})
	root.must("POST", "auth/approle/role/"+app.name, fields{"token_type": "batch", "token_ttl": "10m"})
	token, err := shared.Login(t.Context(), app.name)
	if err != nil {
		t.Fatal(err)
	}
	app.token = token
	leased := app.must("GET", "apikeys/tenants/"+tenant+"/internal/creds/desktop", nil)
	if leased.Duration > 600 {
		t.Errorf("the lease is for %d s, and the token for 600", leased.Duration)
	}
	root.must("PUT", "sys/leases/revoke", fields{"lease_id": leased.LeaseID, "sync": true})
	if got := shared.caller(t, "gateway").verdict(leased.holder(t).call("GET", "/desktop/v1/queue")); got != "revoked" {
		t.Errorf("verdict %s", got)
	}
}
