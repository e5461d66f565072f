//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// enters logs a user in by an issuer, whom its claims say the tenant of.
func (w *world) enters(t *testing.T, by *devserver.Issuer, user string, claims fields) *caller {
	t.Helper()
	token, err := by.Login(t.Context(), user, claims)
	if err != nil {
		t.Fatalf("%s: %v", user, err)
	}
	return &caller{t, w, user, token}
}

// issuer mounts the method jwt, whose logins hold the policies and those of apps by claim, and has the engine trust it.
func (w *world) issuer(t *testing.T, mount string, jobs ...string) *devserver.Issuer {
	t.Helper()
	by, err := w.EnableJWT(t.Context(), mount, append(policies.Named(jobs...), "app-by-claim-"+mount))
	if err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(
		t.Context(), policyScript, "-o", t.TempDir(), "-c", by.Accessor+":tenant", "variants/app-by-claim",
	)
	if output, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	rules, err := os.ReadFile(filepath.Join(script.Args[2], "apikeys-app-by-claim.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Root().Sys().PutPolicyWithContext(t.Context(), "app-by-claim-"+mount, string(rules)); err != nil {
		t.Fatal(err)
	}
	return by
}

// outside returns what there is on a server beside the engine: policies, groups, entities and mounts.
func (w *world) outside(t *testing.T) string {
	t.Helper()
	root, all := w.caller(t, "root"), map[string]any{}
	for _, list := range []string{
		"sys/policies/acl", "identity/group/id", "identity/group-alias/id", "identity/entity/id",
		"identity/entity-alias/id", "auth/jwt/role",
	} {
		all[list] = root.ask("LIST", list, nil).Data["keys"]
	}
	for _, read := range []string{"sys/auth", "sys/mounts", "apikeys/config"} {
		all[read] = root.must("GET", read, nil).Data
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTenantFromClaim shows that a person's tenant can be a claim of its login: of a tenant that nobody has configured
// anywhere but in admin/tenants.
func TestTenantFromClaim(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	theirs, spa := w.tenant(t, "claimed"), w.caller(t, "spa")
	by := w.issuer(t, "jwt", "tenant-admin")
	claim := by.Accessor + ":tenant"
	wrote := w.cli(t, "operator", "write", "-field=tenant_claims", "apikeys/config", "tenant_claims="+claim)
	if strings.TrimSpace(wrote) != "["+claim+"]" {
		t.Errorf("tenant_claims is %q, and not %q", wrote, claim)
	}
	early := w.enters(t, by, "early", fields{"tenant": "claimed-new"})
	early.refused(http.StatusNotFound, "claimed-new", "GET", "apikeys/my", nil)

	before := w.outside(t)
	spa.must("POST", "apikeys/admin/tenants/claimed-new", fields{"display_name": "New"})
	if after := w.outside(t); after != before {
		t.Errorf("opening a tenant has changed\n%s to\n%s", before, after)
	}
	early.must("POST", "apikeys/my/external/keys/billing", nil)
	joe := w.enters(t, by, "joe", fields{"tenant": "claimed-new"})
	w.tokens["joe"] = joe.token
	if got := w.cli(t, "joe", "read", "-field=tenant", "apikeys/my/external/keys/billing"); got != "claimed-new" {
		t.Errorf("joe reads the key of %q", got)
	}
	var answer struct{ Data struct{ Tenant string } }
	text := w.cli(t, "joe", "read", "-format=json", "apikeys/my")
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Data.Tenant != "claimed-new" {
		t.Errorf("joe's tenant: %v in %s", err, text)
	}
	joe.must("POST", "apikeys/my/external/roles/desktop", nil)
	joe.must("GET", "apikeys/tenants/claimed-new/external/creds/desktop", nil)
	// The policy that is made from the claim closes other tenants' paths, before the engine is asked.
	for _, path := range []string{
		"tenants/" + theirs, "tenants/" + theirs + "/external/creds/desktop", "admin/tenants/claimed-new", "config",
	} {
		joe.refused(http.StatusForbidden, "permission denied", "GET", "apikeys/"+path, nil)
	}

	operator := w.caller(t, "operator")
	for _, bad := range []any{"jwt", "auth/jwt:tenant", []string{by.Accessor + ":"}, []int{1}} {
		operator.refused(400, "tenant_claims: ", "POST", "apikeys/config", fields{"tenant_claims": bad})
	}
	operator.must("PATCH", "apikeys/config", fields{"tenant_claims": nil})
	joe.refused(http.StatusForbidden, `has the metadata "tenant"`, "GET", "apikeys/my", nil)
}

// TestClaimsThatNameNoTenant shows what a claim that is missing, bad or contradicted lets its bearer do: nothing.
// Policies let them everywhere, so that identity alone holds them back.
func TestClaimsThatNameNoTenant(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "claims"), w.tenant(t, "claims")
	w.enrol(t, "wide", "") // for its policy
	by, untrusted := w.wideIssuer(t, "jwt"), w.wideIssuer(t, "other-jwt")
	w.caller(t, "operator").must("PATCH", "apikeys/config", fields{"tenant_claims": []string{by.Accessor + ":tenant"}})
	root := w.caller(t, "root")
	entity := func(who *caller) string { return who.must("GET", "auth/token/lookup-self", nil).field("entity_id") }
	const forbidden = http.StatusForbidden

	good := w.enters(t, by, "good", fields{"tenant": ours})
	good.must("GET", "apikeys/tenants/"+ours, nil)
	good.refused(forbidden, "belongs to another tenant", "GET", "apikeys/tenants/"+theirs, nil)
	good.refused(forbidden, `the caller belongs to tenant "`+ours+`"`, "GET", "apikeys/config", nil)

	// Vault itself refuses a login whose claim is no text.
	for _, claim := range []any{[]string{ours}, []string{ours, theirs}, 7, true, fields{"name": ours}} {
		if _, err := by.Login(t.Context(), "odd", fields{"tenant": claim}); err == nil ||
			!strings.Contains(err.Error(), "to string") {
			t.Errorf("a login with the claim %v: %v", claim, err)
		}
	}

	const nothing = "no alias of it has what tenant_claims names"
	missing := w.enters(t, by, "missing", nil)
	null := w.enters(t, by, "null", fields{"tenant": nil})
	empty := w.enters(t, by, "empty", fields{"tenant": ""})
	elsewhere := w.enters(t, untrusted, "elsewhere", fields{"tenant": ours})
	custom := w.enters(t, by, "custom", nil)
	alias := root.must("GET", "identity/entity/id/"+entity(custom), nil).field("aliases.0.id")
	root.must("POST", "identity/entity-alias/id/"+alias, fields{
		"name": "custom", "mount_accessor": by.Accessor, "canonical_id": entity(custom),
		"custom_metadata": map[string]string{"tenant": ours},
	})
	for _, who := range []*caller{missing, null, empty, elsewhere, custom} {
		for _, path := range []string{"my", "tenants/" + ours, "tenants/" + ours + "/external/creds/none"} {
			who.refused(forbidden, nothing, "GET", "apikeys/"+path, nil)
		}
	}
	for _, bad := range []string{"No Tenant!", "+", "*", ours + "/..", " " + ours, "my"} {
		who := w.enters(t, by, "bad "+bad, fields{"tenant": bad})
		who.refused(forbidden, "is not a tenant's name", "GET", "apikeys/tenants/"+ours, nil)
		who.refused(forbidden, "is not a tenant's name", "GET", "apikeys/tenants/"+ours+"/external/creds/none", nil)
		who.refused(forbidden, "is not a tenant's name", "GET", "apikeys/config", nil)
	}

	// What somebody writes to the entity, or the groups it is in, cannot win against the claim.
	forged := w.enters(t, by, "forged", fields{"tenant": ours})
	grouped := w.enters(t, by, "grouped", fields{"tenant": ours})
	root.must("POST", "identity/entity/id/"+entity(forged), fields{"metadata": map[string]string{"tenant": theirs}})
	root.must("POST", "identity/group", fields{
		"name": "theirs", "member_entity_ids": []string{entity(grouped)},
		"metadata": map[string]string{"tenant": theirs},
	})
	for _, who := range []*caller{forged, grouped} {
		for _, path := range []string{"my", "tenants/" + ours, "tenants/" + theirs, "config"} {
			who.refused(forbidden, "name different tenants", "GET", "apikeys/"+path, nil)
		}
	}
	root.must("POST", "identity/entity/id/"+entity(forged), fields{"metadata": map[string]string{"tenant": ours}})
	until(t, "agreed", func() error { return forged.get("apikeys/my", "tenant", ours) })
}

// TestOneUserOfTwoTenants shows what becomes of a session whose user logs in for another tenant: it acts for that one,
// within seconds. Where the user claim is unique for user and tenant, the two stay apart.
func TestOneUserOfTwoTenants(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "both"), w.tenant(t, "both")
	by := w.issuer(t, "jwt", "tenant-admin")
	w.caller(t, "operator").must("PATCH", "apikeys/config", fields{"tenant_claims": []string{by.Accessor + ":tenant"}})
	enter := func(user, tenant string) string {
		name := fmt.Sprintf("%s of %s", user, tenant)
		w.tokens[strings.ReplaceAll(name, " ", "-")] = w.enters(t, by, user, fields{"tenant": tenant}).token
		return strings.ReplaceAll(name, " ", "-")
	}

	first := w.caller(t, enter("joe", ours))
	first.must("POST", "apikeys/my/external/keys/billing", nil)
	second := w.caller(t, enter("joe", theirs))
	until(t, "moved", func() error { return first.get("apikeys/my", "tenant", theirs) })
	first.refused(http.StatusNotFound, "", "GET", "apikeys/my/external/keys/billing", nil)
	second.must("GET", "apikeys/my", nil)
	s := w.separate(t, "spa", first.name, second.name)
	if s.expect(t, "one user on two sides: "); s.Tries != 3 || len(s.Made) > 0 {
		t.Errorf("%d tries, made %v", s.Tries, s.Made)
	}
	// A login without the claim takes the tenant away.
	w.enters(t, by, "joe", nil)
	until(t, "of none", func() error {
		if a := first.ask("GET", "apikeys/my", nil); a.status != http.StatusForbidden {
			return fmt.Errorf("%d", a.status)
		}
		return nil
	})

	apart := []string{enter(ours+"/ann", ours), enter(theirs+"/ann", theirs)}
	if got := w.caller(t, apart[0]).must("GET", "apikeys/my", nil).field("tenant"); got != ours {
		t.Errorf("the first session is of %s", got)
	}
	for i, of := range []string{ours, theirs} {
		until(t, "apart", func() error { return w.caller(t, apart[i]).get("apikeys/my", "tenant", of) })
	}
	w.separate(t, "spa", apart[0], apart[1]).expect(t)
}

// cli runs the server's own command line for somebody, and returns what it prints.
func (w *world) cli(t *testing.T, who string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), w.Bin, args...)
	cmd.Env = w.Env(w.caller(t, who).token)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", args, err, output)
	}
	return string(output)
}

// wideIssuer is an issuer whose people have a policy for all that is ours.
func (w *world) wideIssuer(t *testing.T, mount string) *devserver.Issuer {
	t.Helper()
	by, err := w.EnableJWT(t.Context(), mount, []string{"wide"})
	if err != nil {
		t.Fatal(err)
	}
	return by
}
