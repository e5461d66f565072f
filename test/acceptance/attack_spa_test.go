//go:build acceptance

package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

const (
	ok        = http.StatusOK
	invalid   = http.StatusBadRequest
	forbidden = http.StatusForbidden
	missing   = http.StatusNotFound
	conflict  = http.StatusConflict
)

// person makes somebody known who has the policies, and the tenant unless it is "".
func (w *world) person(t *testing.T, name, tenant string, has ...string) *caller {
	t.Helper()
	if err := w.Root().Sys().PutPolicyWithContext(t.Context(), "wide", wide); err != nil {
		t.Fatal(err)
	}
	w.know([]devserver.Person{{Name: name, Tenant: tenant, Policies: has}})
	return w.caller(t, name)
}

// inDisguise are spellings of a tenant's paths that a policy might take for others.
func inDisguise() []attack {
	var all []attack
	for _, path := range []string{
		"apikeys//tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/./tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/admin/../tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/admin/tenants/../../tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/admin/tenants/%2e%2e/%2e%2e/tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/admin%2f..%2ftenants/{tenant}/external/keys/hidden-billing",
		"apikeys/admin/tenants/..%2f..%2ftenants%2f{tenant}%2fexternal%2fkeys%2fhidden-billing",
		"apikeys/Tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/tenants/{tenant}/external/keys/hidden-billing/",
		"apikeys/tenants/{tenant}//external/keys/hidden-billing",
		"apikeys/tenants/{tenant}%00/external/keys/hidden-billing",
		"apikeys/admin/tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/admin/ids/../../tenants/{tenant}/external/keys/hidden-billing",
		"apikeys/admin/tenants/{tenant}/../../../tenants/{tenant}/external/keys/hidden-billing",
	} {
		all = append(all, attack{"GET", path, nil, 0, ""})
	}
	return all
}

// refusedSomehow tries each attack, which may be refused in any way.
func (v victim) refusedSomehow(t *testing.T, who *caller, attacks []attack) {
	t.Helper()
	for _, try := range attacks {
		path := v.fill(try.path)
		a := who.ask(try.method, path, nil)
		if a.status < http.StatusBadRequest || a.status >= http.StatusInternalServerError {
			t.Errorf("%s %s %s: %d %s", who.name, try.method, path, a.status, a.body)
		}
		v.toldNothing(t, who, try.method+" "+path, a, nil)
	}
}

// deniedToSPA are the provider's paths that the policy of the SPA denies by name, so that no broader policy grants them
// either.
var deniedToSPA = []attack{
	{"GET", "apikeys/config", nil, forbidden, "permission denied"},
	{"POST", "apikeys/config", fields{"tenant_binding": "auto"}, forbidden, "permission denied"},
	{"PATCH", "apikeys/config", fields{"tenant_binding": "auto"}, forbidden, "permission denied"},
	{"POST", "apikeys/verify", fields{"request": "GET /a"}, forbidden, "permission denied"},
	{"PATCH", "apikeys/verify", fields{"request": "GET /a"}, forbidden, "permission denied"},
	{"POST", "apikeys/pickup", fields{"request": "GET /a"}, forbidden, "permission denied"},
	{"GET", "apikeys/keyring/{key}", nil, forbidden, "permission denied"},
	{"GET", "apikeys/metrics", nil, forbidden, "permission denied"},
	{"POST", "apikeys/tidy", nil, forbidden, "permission denied"},
	{"GET", "apikeys/tidy/status", nil, forbidden, "permission denied"},
	{"POST", "apikeys/admin/import", fields{"keys": []any{fields{}}}, forbidden, "permission denied"},
}

// TestAttackBySPA has the provider's administrator try to reach a tenant's keys: with the shipped policy, with one that
// grants far too much beside it or alone, and with root. What the built-in policy lets everybody do is in the table
// too.
func TestAttackBySPA(t *testing.T) {
	t.Parallel()
	v := shared.newVictim(t, "spa-victim")
	spa, root := shared.caller(t, "spa"), shared.caller(t, "root")
	both := shared.person(t, v.tenant+"-spa-too-wide", "", append(policies.Named("spa"), "wide")...)
	alone := shared.person(t, v.tenant+"-wide-alone", "", "wide")
	wrapped := v.wraps(t)

	for _, prefix := range []string{"tenants/{tenant}", "my"} {
		v.tries(t, spa, closed(prefix, "permission denied"))
		v.tries(t, both, closed(prefix, "permission denied")) // the policy of the SPA denies what the other grants
		v.tries(t, alone, closed(prefix, `has the metadata \"tenant\"`))
		v.tries(t, root, closed(prefix, `has the metadata \"tenant\"`))
	}
	for _, who := range []*caller{spa, both, alone, root} {
		v.refusedSomehow(t, who, inDisguise())
	}

	shipped := []attack{
		{"GET", "apikeys/admin/ids/{key}", nil, ok, `"tenant":"{tenant}"`},
		{"GET", "apikeys/admin/ids/{leased}", nil, ok, `"tenant":"{tenant}"`},
		{"GET", "apikeys/admin/tenants/{tenant}", nil, ok, `"keys":3`},
		{"LIST", "apikeys/admin/tenants?limit=1000", nil, ok, "{tenant}"},
		{"GET", "apikeys/admin/report?limit=1000", nil, ok, "{tenant}"},
		{
			"PATCH",
			"apikeys/admin/tenants/{tenant}",
			fields{"tenant": "another"},
			invalid,
			"tenant: comes from the path",
		},
		{"POST", "apikeys/admin/tenants/{tenant}", fields{"cas": 0}, conflict, "cas"},
		{"POST", "apikeys/admin/tenants/{tenant}/restore", nil, ok, `"state":"active"`}, // there is nothing to undo
		{"POST", "apikeys/admin/tenants/my", nil, invalid, "my"},
	}
	v.tries(t, spa, shipped)
	for _, who := range []*caller{spa, both} {
		v.tries(t, who, deniedToSPA)
	}

	// The built-in policy: a lease that is known can be looked up and renewed, but tells no secret; nothing else about
	// leases is granted. A wrapping token is as good as what it wraps.
	builtIn := []attack{
		{"PUT", "sys/leases/lookup", fields{"lease_id": "{lease}"}, ok, "{tenant}"},
		{"PUT", "sys/leases/renew", fields{"lease_id": "{lease}"}, ok, `"data":null`},
		{"PUT", "sys/leases/revoke", fields{"lease_id": "{lease}"}, forbidden, "permission denied"},
		{"PUT", "sys/leases/revoke-prefix/apikeys/tenants/{tenant}", nil, forbidden, "permission denied"},
		{"PUT", "sys/leases/revoke-force/apikeys/tenants/{tenant}", nil, forbidden, "permission denied"},
		{"LIST", "sys/leases/lookup/apikeys/tenants/{tenant}/internal/creds/", nil, forbidden, "permission denied"},
		{
			"LIST",
			"sys/leases/lookup/apikeys/tenants/{tenant}/internal/creds/hidden-role",
			nil,
			forbidden,
			"permission denied",
		},
		{"POST", "sys/wrapping/lookup", fields{"token": wrapped}, ok, "apikeys/my/external/keys/hidden-billing/reveal"},
		{"POST", "sys/wrapping/rewrap", fields{"token": wrapped}, forbidden, "permission denied"},
		{"GET", "cubbyhole/response", nil, missing, ""},
		{"GET", "identity/entity/name/" + v.tenant + "-admin", nil, forbidden, "permission denied"},
		{"POST", "identity/lookup/entity", fields{"name": v.tenant + "-admin"}, forbidden, "permission denied"},
		{
			"POST",
			"identity/entity",
			fields{"name": "spa", "metadata": map[string]string{"tenant": v.tenant}},
			forbidden,
			"permission denied",
		},
		{
			"POST",
			"identity/group",
			fields{"name": v.tenant, "metadata": map[string]string{"tenant": v.tenant}},
			forbidden,
			"permission denied",
		},
		{
			"POST",
			"auth/token/create",
			fields{"policies": policies.Named("tenant-admin")},
			forbidden,
			"permission denied",
		},
		{"POST", "sys/policies/acl/apikeys-spa", fields{"policy": wide}, forbidden, "permission denied"},
		{"GET", "sys/raw/logical", nil, forbidden, "permission denied"},
		{"GET", "sys/internal/ui/mounts/apikeys", nil, ok, "apikeys"},
	}
	v.words = append(
		v.words[1:],
		"hidden description",
		"hidden owner",
	) // A wrapping token tells the path, as a lease ID does.
	v.tries(t, spa, builtIn)
	v.tries(t, both, builtIn)
	v.unharmed(t)
	a := v.admin.must("POST", "sys/wrapping/unwrap", fields{"token": wrapped})
	if a.field("key_id") != v.current {
		t.Errorf("whose the token is gets %s", a.field("key_id"))
	}

	// With a policy that grants all of apikeys/, what is left is what identity cannot tell from the provider's own
	// work: it still gives no secret in clear, and imports stay closed.
	call := v.old.call("GET", "/wfo/v1/agents")
	wideOpen := []attack{
		{"POST", "apikeys/admin/import", fields{"keys": []any{fields{}}}, forbidden, "allow_import_until"},
		{"POST", "apikeys/verify", fields{"request": "GET /a"}, ok, "malformed"},
		{"POST", "apikeys/pickup", fields{"request": "GET /a"}, ok, "malformed"},
		{"GET", "apikeys/keyring/{key}", nil, forbidden, "config allow_local_verify"},
	}
	v.tries(t, alone, wideOpen)
	relayed := alone.must("POST", "apikeys/pickup", fields{"request": call})
	if got := v.box.opens(t, relayed).keyID; got != v.current {
		t.Errorf("picked up %s", got)
	}
}

// wraps has the victim's administrator reveal a key wrapped, and returns the wrapping token.
func (v victim) wraps(t *testing.T) string {
	t.Helper()
	client := v.box.w.client(t, v.admin.name)
	client.SetWrappingLookupFunc(func(string, string) string { return "5m" })
	secret, err := client.Logical().WriteWithContext(t.Context(), "apikeys/my/external/keys/hidden-billing/reveal", nil)
	if err != nil || secret.WrapInfo == nil {
		t.Fatalf("not wrapped: %v", err)
	}
	return strings.TrimSpace(secret.WrapInfo.Token)
}
