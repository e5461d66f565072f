//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"testing"
)

// TestReborn has a tenant deleted, and its name taken anew once everything of it is erased: nothing of the first is the
// second's, and who held something of the first holds nothing.
func TestReborn(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	v := w.newVictim(t, "reborn")
	spa, operator, gateway := w.caller(t, "spa"), w.caller(t, "operator"), w.caller(t, "gateway")
	path := "apikeys/admin/tenants/" + v.tenant
	operator.must("PATCH", "apikeys/config", fields{"retention": "1m"})
	uid := spa.must("GET", path, nil).field("uid")

	// As soon as it is deleted all its keys are unknown, its people find nothing, and the name is not free yet.
	spa.must("DELETE", path, nil)
	if got := gateway.verdict(v.old.call("GET", "/a")); got != "unknown_key" {
		t.Errorf("a deleted tenant's key is %s", got)
	}
	v.admin.refused(http.StatusNotFound, "", "GET", "apikeys/my/external/keys/hidden-billing", nil)
	if a := spa.ask("POST", path, fields{"cas": 0}); a.status < http.StatusBadRequest {
		t.Errorf("the name is free at once: %s", a.body)
	}
	if a := v.app.ask("PUT", "sys/leases/renew", fields{"lease_id": v.lease}); a.status < http.StatusBadRequest {
		t.Errorf("a deleted tenant's lease is renewed: %s", a.body)
	}

	within(t, 2*tickWithin, "erasure", func() error { return spa.gone(path) })
	opened := spa.must("POST", path, fields{"cas": 0, "display_name": "another company"})
	if opened.field("uid") == uid || opened.field("keys") != "0" || opened.field("leased_keys") != "0" {
		t.Errorf("the new tenant: %s", opened.body)
	}
	v.tries(t, v.admin, []attack{
		{"GET", "apikeys/my/external/keys/hidden-billing", nil, missing, ""},
		{"GET", "apikeys/my/ids/{key}", nil, missing, ""},
		{"GET", "apikeys/my/internal/leased/{leased}", nil, missing, ""},
		{"GET", "apikeys/my/internal/roles/hidden-role", nil, missing, ""},
		{"POST", "apikeys/my/external/keys/hidden-gone/restore", nil, missing, ""},
		{"POST", "apikeys/my/external/keys/hidden-billing/reveal", nil, missing, ""},
		{"GET", "apikeys/my/report", nil, ok, `"keys":[]`},
	})
	v.admin.must("POST", "apikeys/my/external/keys/hidden-billing", nil)
	if got := gateway.verdict(v.old.call("GET", "/a")); got != "unknown_key" {
		t.Errorf("the first tenant's key is %s to the second's", got)
	}
	if a := v.app.ask("PUT", "sys/leases/renew", fields{"lease_id": v.lease}); a.status < http.StatusBadRequest {
		t.Errorf("the first tenant's lease is renewed: %s", a.body)
	}
	w.caller(t, "root").must("PUT", "sys/leases/revoke", fields{"lease_id": v.lease, "sync": true})

	// An imported ID is spent for ever, for the new tenant too.
	item, _ := planted(t, w, "again", v.tenant+"_Imported")
	a := v.admin.must("POST", "apikeys/my/external/import", fields{"keys": []any{item}})
	if got := a.field("results.0.error"); got != "key_id: this ID cannot be used" {
		t.Errorf("a spent ID: %q", got)
	}
}

// gone returns an error unless nothing is at the path, for [within].
func (c *caller) gone(path string) error {
	a, err := c.send("GET", path, nil)
	if err == nil && a.status != http.StatusNotFound {
		err = fmt.Errorf("%d: %s", a.status, a.field("state"))
	}
	return err
}
