//go:build acceptance

package acceptance

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// grants says who may do what by policy; whoever is not named may not. A tenant's people act through my/, and the tenant
// here is theirs.
var grants = []struct{ capability, path, who string }{
	{"read", "config", "operator"},
	{"update", "config", "operator"},
	{"patch", "config", "operator"},
	{"read", "status", "operator monitor"},
	{"read", "metrics", "operator monitor"},
	{"update", "tidy", "operator"},
	{"read", "tidy/status", "operator"},

	{"list", "admin/tenants/", "spa migrator"},
	{"update", "admin/tenants/initech", "spa"},
	{"patch", "admin/tenants/initech", "spa"},
	{"delete", "admin/tenants/initech", "spa"},
	{"read", "admin/tenants/initech", "spa migrator"},
	{"update", "admin/tenants/initech/suspend", "spa"},
	{"update", "admin/tenants/initech/resume", "spa"},
	{"update", "admin/tenants/initech/restore", "spa"},
	{"read", "admin/ids/0123456789abcdef", "spa"},
	{"read", "admin/report", "spa"},
	{"update", "admin/import", "migrator"},
	{"read", "admin/import", ""},

	{"read", "my", "admin viewer auditor"},
	{"patch", "my", "admin"},
	{"read", "my/due", "admin viewer auditor internal-issuer external-issuer"},
	{"read", "my/ids/0123456789abcdef", "admin viewer auditor internal-issuer external-issuer"},
	{"read", "my/report", "admin auditor"},
	{"update", "my/explain", "admin"},
	{"update", "my/external/import", "admin"},
	{"update", "my/internal/import", "admin"},

	{"list", "my/external/keys/", "admin viewer auditor external-issuer"},
	{"list", "my/internal/keys/", "admin viewer auditor internal-issuer"},
	{"read", "my/external/keys/billing", "admin viewer auditor external-issuer"},
	{"read", "my/internal/keys/billing", "admin viewer auditor internal-issuer"},
	{"update", "my/external/keys/billing", "admin external-issuer"},
	{"update", "my/internal/keys/billing", "admin internal-issuer"},
	{"patch", "my/external/keys/billing", "admin external-issuer"},
	{"patch", "my/internal/keys/billing", "admin internal-issuer"},
	{"delete", "my/external/keys/billing", "admin"},
	{"delete", "my/internal/keys/billing", "admin"},
	{"update", "my/external/keys/billing/rotate", "admin external-issuer"},
	{"update", "my/internal/keys/billing/rotate", "admin internal-issuer"},
	{"update", "my/external/keys/billing/disable", "admin external-issuer"},
	{"update", "my/internal/keys/billing/enable", "admin internal-issuer"},
	{"update", "my/external/keys/billing/revoke", "admin"},
	{"update", "my/internal/keys/billing/revoke", "admin"},
	{"update", "my/external/keys/billing/restore", "admin"},
	{"update", "my/external/keys/billing/extend", "admin external-issuer"},
	{"update", "my/internal/keys/billing/extend", "admin internal-issuer"},
	{"read", "my/external/keys/billing/history", "admin auditor external-issuer"},
	{"read", "my/internal/keys/billing/history", "admin auditor internal-issuer"},

	// The ways to a secret.
	{"update", "my/external/keys/billing/reveal", "admin external-issuer"},
	{"update", "my/internal/keys/billing/reveal", "admin internal-issuer"},
	{"read", "my/external/keys/billing/handover", "admin external-issuer"},
	{"read", "my/internal/keys/billing/handover", "admin internal-issuer"},
	{"read", "my/external/static-creds/billing", "app"},
	{"read", "my/internal/static-creds/billing", "app"},
	{"read", "tenants/{tenant}/internal/creds/desktop", "app"},
	{"read", "tenants/{tenant}/external/creds/desktop", "app"},
	{"read", "my/internal/creds/desktop", ""},
	{"read", "tenants/initech/internal/creds/desktop", ""},
	{"read", "keyring/0123456789abcdef", "local-gateway"},
	{"update", "pickup", "gateway"},
	{"patch", "pickup", ""},

	{"list", "my/internal/roles/", "admin viewer auditor internal-issuer"},
	{"read", "my/internal/roles/desktop", "admin viewer auditor internal-issuer"},
	{"update", "my/internal/roles/desktop", "admin internal-issuer"},
	{"patch", "my/internal/roles/desktop", "admin internal-issuer"},
	{"update", "my/external/roles/desktop", "admin external-issuer"},
	{"update", "my/internal/roles/desktop/revoke-leased", "admin"},
	{"delete", "my/internal/roles/desktop", "admin"},
	{"list", "my/internal/leased/", "admin viewer auditor internal-issuer"},
	{"list", "my/external/leased/", "admin viewer auditor external-issuer"},
	{"read", "my/internal/leased/0123456789abcdef", "admin viewer auditor internal-issuer"},
	{"update", "my/internal/leased/0123456789abcdef/disable", "admin"},
	{"update", "my/internal/leased/0123456789abcdef/revoke", "admin"},

	{"update", "my/external/sign/billing", "app"},
	{"update", "my/internal/sign/billing", "app"},
	{"patch", "my/external/sign/billing", "app"},
	{"update", "my/verify", "verifier"},
	{"patch", "my/verify", "verifier"},
	{"update", "verify", "gateway"},
	{"patch", "verify", "gateway"},

	// Through its full name a tenant is reached by nobody whom these policies serve, not even its own people.
	{"read", "tenants/{tenant}", ""},
	{"list", "tenants/{tenant}/external/keys/", ""},
	{"update", "tenants/{tenant}/external/keys/billing/reveal", ""},
	{"read", "tenants/{tenant}/external/static-creds/billing", ""},
	{"update", "tenants/{tenant}/verify", ""},
	{"update", "tenants/{tenant}/explain", ""},
	{"read", "tenants/{tenant}/report", ""},
	{"read", "tenants/{tenant}/external/keys/billing/handover", ""},
	{"update", "tenants/{tenant}/external/import", ""},
}

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

func TestPolicies(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "policies")
	people := map[string]string{} // by job
	for _, name := range []string{"spa", "operator", "monitor", "gateway", "migrator", "local-gateway"} {
		people[name] = name
	}
	for _, person := range tour.Staff(tenant) {
		people[strings.TrimPrefix(person.Name, tenant+"-")] = person.Name
	}
	paths := map[string]bool{}
	for _, grant := range grants {
		paths[fullPath(grant.path, tenant)] = true
	}

	for job, name := range people {
		may := capabilities(t, name, slices.Collect(maps.Keys(paths)))
		for _, grant := range grants {
			want := slices.Contains(strings.Fields(grant.who), job)
			has, _ := may[fullPath(grant.path, tenant)].([]any)
			if got := slices.Contains(has, any(grant.capability)); got != want {
				t.Errorf("%s may %s %s: %t", job, grant.capability, grant.path, got)
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
