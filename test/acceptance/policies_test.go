//go:build acceptance

package acceptance

import (
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// capabilities returns what somebody may do to each of the paths.
func capabilities(t *testing.T, name string, paths []string) map[string]any {
	t.Helper()
	asked := map[string]any{"token": shared.client(t, name).Token(), "paths": paths}
	answer, err := shared.Root().Logical().WriteWithContext(t.Context(), "sys/capabilities", asked)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Data
}

// heldToTable asks the server what everybody may do on a mount, and holds it to the table.
func heldToTable(t *testing.T, mount, prefix, tenant string, people []devserver.Person) {
	t.Helper()
	full := func(path string) string { return mount + "/" + strings.ReplaceAll(path, "{tenant}", tenant) }
	paths := map[string]bool{}
	for _, grant := range policies.Grants {
		paths[full(grant.Path)] = true
	}
	for _, person := range people {
		may := capabilities(t, person.Name, slices.Collect(maps.Keys(paths)))
		policy := strings.TrimPrefix(person.Policies[0], prefix)
		for _, grant := range policies.Grants {
			want := slices.Contains(strings.Fields(grant.Policies), policy)
			has, _ := may[full(grant.Path)].([]any)
			if got := slices.Contains(has, any(grant.Capability)); got != want {
				t.Errorf("%s%s may %s %s: %t", prefix, policy, grant.Capability, full(grant.Path), got)
			}
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "policies")
	people := slices.Concat(tour.Provider(), furtherProvider(), tour.Staff(tenant))
	heldToTable(t, policies.Mount, policies.Prefix, tenant, people)
}

// loads runs the script as an operator does, and returns what it says.
func (w *world) loads(t *testing.T, args ...string) (says string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), policyScript, args...)
	cmd.Env = append(w.Env(w.RootToken), "VAULT_BIN="+w.Bin, "BAO_BIN=")
	output, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(output), err == nil
}

// policy returns the rules that the server has under a name.
func (w *world) policy(t *testing.T, name string) string {
	t.Helper()
	rules, err := w.Root().Sys().GetPolicyWithContext(t.Context(), name)
	if err != nil || rules == "" {
		t.Fatalf("%s: %q, %v", name, rules, err)
	}
	return rules
}

// TestPoliciesForAnotherMount has the script write the policies for a mount whose path has a slash. They let the same
// people do the same there, and nothing on the other mount; and the policies of that stay as they are.
func TestPoliciesForAnotherMount(t *testing.T) {
	t.Parallel()
	const mount, prefix = "team/eu-keys", "team-"
	root := shared.caller(t, "root")
	plugin := root.must("GET", "sys/mounts/apikeys", nil)
	root.must("POST", "sys/mounts/"+mount, fields{
		"type": plugin.field("type"), "config": fields{"plugin_version": plugin.field("plugin_version")},
	})
	before := shared.policy(t, "apikeys-app")
	for range 2 { // the second time over its own
		if says, ok := shared.loads(t, "-m", mount, "-p", prefix); !ok ||
			!strings.Contains(says, prefix+"tenant-admin\n") {
			t.Fatal(says)
		}
	}
	if says, ok := shared.loads(t, "-m", mount); ok ||
		!strings.Contains(says, "was not written by this script for team/eu-keys/: nothing was written") {
		t.Errorf("over the policies of another mount: %s", says)
	}
	// What the tests load into a server is what the script writes into one.
	if says, ok := shared.loads(t, "app"); !ok ||
		strings.TrimRight(before, "\n") != strings.TrimRight(shared.policy(t, "apikeys-app"), "\n") {
		t.Errorf("the policy of this mount has changed: %s", says)
	}

	tenant := shared.unused("elsewhere")
	people := slices.Concat(tour.Provider(), furtherProvider(), tour.Staff(tenant))
	for i := range people {
		people[i].Policies = []string{prefix + strings.TrimPrefix(people[i].Policies[0], policies.Prefix)}
		people[i].Name = "there-" + people[i].Name
	}
	shared.know(people)
	heldToTable(t, mount, prefix, tenant, people)

	as := func(name string) *caller { return shared.caller(t, "there-"+name) }
	as("spa").must("POST", mount+"/admin/tenants/"+tenant, nil)
	as("spa").refused(http.StatusForbidden, "permission denied", "LIST", "apikeys/admin/tenants", nil)
	as("spa").refused(http.StatusForbidden, "permission denied", "GET", mount+"/config", nil)
	as("monitor").must("GET", mount+"/metrics", nil)
	as("monitor").refused(http.StatusForbidden, "permission denied", "GET", "apikeys/metrics", nil)
	as(
		"monitor",
	).refused(http.StatusForbidden, "permission denied", "PATCH", mount+"/config", fields{"tenant_binding": "auto"})
	admin := as(tenant + "-admin")
	admin.must("POST", mount+"/my/external/keys/billing", nil)
	admin.must("POST", mount+"/my/external/roles/desktop", nil)
	got := names(as(tenant+"-auditor").must("LIST", mount+"/my/external/keys", nil))
	if !slices.Equal(got, []string{"billing"}) {
		t.Errorf("the auditor sees %v", got)
	}
	lease := as(tenant+"-app").must("GET", mount+"/tenants/"+tenant+"/external/creds/desktop", nil)
	if got := names(as(tenant+"-viewer").must("LIST", mount+"/my/external/leased", nil)); len(got) != 1 {
		t.Errorf("the viewer sees %v", got)
	}
	admin.refused(http.StatusForbidden, "permission denied", "LIST", "apikeys/my/external/keys", nil)
	root.must("PUT", "sys/leases/revoke", fields{"lease_id": lease.LeaseID, "sync": true})
}

// TestNoWayRoundTheWall checks that the SPA cannot grant itself what its policy leaves out, nor get at what is stored.
func TestNoWayRoundTheWall(t *testing.T) {
	t.Parallel()
	paths := []string{
		"sys/policies/acl/apikeys-spa",
		"sys/policy/apikeys-spa",
		"auth/token/create",
		"auth/token/roles/spa",
		"auth/userpass/users/spa",
		"auth/approle/role/spa",
		"identity/entity",
		"identity/entity-alias",
		"identity/group",
		"sys/mounts/apikeys/tune",
		"sys/remount",
		"sys/leases/revoke",
		"sys/leases/revoke-prefix/apikeys",
		"sys/leases/lookup/apikeys/tenants",
		"sys/raw/logical",
		"sys/storage/raft/snapshot",
		"sys/plugins/catalog/secret/vault-plugin-secrets-apikeys",
		"sys/audit/file",
		"sys/generate-root/attempt",
		"sys/rotate",
	}
	may := capabilities(t, "spa", paths)
	for _, path := range paths {
		if has, _ := may[path].([]any); !slices.Equal(has, []any{"deny"}) {
			t.Errorf("%s: %v", path, has)
		}
	}
}
