//go:build acceptance

package acceptance

import (
	"maps"
	"slices"
	"strings"
	"testing"

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

// TestPolicies asks the server what everybody may do, and holds it to the table.
func TestPolicies(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "policies")
	people := slices.Concat(tour.Provider(), furtherProvider(), tour.Staff(tenant))
	paths := map[string]bool{}
	for _, grant := range policies.Grants {
		paths[fullPath(grant.Path, tenant)] = true
	}

	for _, person := range people {
		may := capabilities(t, person.Name, slices.Collect(maps.Keys(paths)))
		policy := strings.TrimPrefix(person.Policies[0], policies.Prefix)
		for _, grant := range policies.Grants {
			want := slices.Contains(strings.Fields(grant.Policies), policy)
			has, _ := may[fullPath(grant.Path, tenant)].([]any)
			if got := slices.Contains(has, any(grant.Capability)); got != want {
				t.Errorf("%s may %s %s: %t", policy, grant.Capability, grant.Path, got)
			}
		}
	}
}

func fullPath(path, tenant string) string {
	return "apikeys/" + strings.ReplaceAll(path, "{tenant}", tenant)
}

// TestNoWayRoundTheWall checks that the SPA cannot grant itself what its policy leaves out, nor get at what is stored.
func TestNoWayRoundTheWall(t *testing.T) {
	t.Parallel()
	paths := []string{
		"sys/policies/acl/apikeys-spa", "sys/policy/apikeys-spa", "auth/token/create", "auth/token/roles/spa", "auth/userpass/users/spa",
		"auth/approle/role/spa", "identity/entity", "identity/entity-alias", "identity/group", "sys/mounts/apikeys/tune",
		"sys/remount", "sys/leases/revoke", "sys/leases/revoke-prefix/apikeys", "sys/leases/lookup/apikeys/tenants",
		"sys/raw/logical", "sys/storage/raft/snapshot", "sys/plugins/catalog/secret/vault-plugin-secrets-apikeys",
		"sys/audit/file", "sys/generate-root/attempt", "sys/rotate",
	}
	may := capabilities(t, "spa", paths)
	for _, path := range paths {
		if has, _ := may[path].([]any); !slices.Equal(has, []any{"deny"}) {
			t.Errorf("%s: %v", path, has)
		}
	}
}
