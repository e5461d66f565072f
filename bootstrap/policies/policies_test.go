package policies_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// names returns those of the shipped policies.
func names(t *testing.T) []string {
	t.Helper()
	found, err := fs.Glob(files, "*.hcl")
	if err != nil || len(found) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	for i, file := range found {
		found[i] = strings.TrimSuffix(file, ".hcl")
	}
	return found
}

func onMount(path string) string {
	return policies.Mount + "/" + strings.ReplaceAll(path, "{tenant}", "acme")
}

// TestGrants holds every policy to the table, by the rules of both servers.
func TestGrants(t *testing.T) {
	for _, policy := range names(t) {
		rules := shipped(t, policy)
		for _, grant := range policies.Grants {
			want := slices.Contains(strings.Fields(grant.Policies), policy)
			for _, by := range servers {
				if got := rules.allows(by, grant.Capability, onMount(grant.Path)); got != want {
					t.Errorf("%s: %s lets %s %s: %t", by, policy, grant.Capability, grant.Path, got)
				}
			}
		}
	}
}

// TestGrantsAreAll checks that the table misses nothing that a policy lets anybody do, and names no policy that there
// is not.
func TestGrantsAreAll(t *testing.T) {
	all := names(t)
	for _, policy := range all {
		rules := shipped(t, policy)
		shown := map[string]bool{}
		for _, grant := range policies.Grants {
			if r := rules.decides(vault, grant.Capability, onMount(grant.Path)); r != nil {
				shown[r.path+" "+grant.Capability] = true
			}
		}
		for path, r := range rules {
			for _, capability := range r.may {
				if capability != "deny" && !shown[path+" "+capability] {
					t.Errorf("%s: no row of the table shows %s %s", policy, capability, path)
				}
			}
		}
	}
	for _, grant := range policies.Grants {
		for name := range strings.FieldsSeq(grant.Policies) {
			if !slices.Contains(all, name) {
				t.Errorf("%s %s: there is no policy %s", grant.Capability, grant.Path, name)
			}
		}
	}
}

// TestMonitor checks that a token that watches reads two paths and can do nothing else.
func TestMonitor(t *testing.T) {
	for path, r := range shipped(t, "monitor") {
		if !slices.Equal(r.may, []string{"read"}) || path != onMount("metrics") && path != onMount("status") {
			t.Errorf("%s %s", path, r.may)
		}
	}
}

// deniedToSPA are the paths that the SPA's policy denies by name.
var deniedToSPA = []string{
	"config", "metrics", "tidy", "tidy/status", "verify", "pickup", "keyring/0123456789abcdef", "admin/import",
	"my", "my/external/keys/", "my/external/keys/billing", "tenants/{tenant}/external/keys/billing",
}

// TestSPAHoldsNothingMore gives the SPA other policies beside its own: what it is denied stays so.
func TestSPAHoldsNothingMore(t *testing.T) {
	capabilities := []string{"create", "read", "list", "update", "patch", "delete"}
	wide := "path \"apikeys/*\" {\n  capabilities = [\"create\", \"read\", \"list\", \"update\", \"patch\", " +
		"\"delete\"]\n}\n"
	for _, other := range []string{
		"", "wide", "segments", "operator", "monitor", "platform-verifier", "local-verifier", "migrator",
	} {
		rules := shipped(t, "spa")
		switch other {
		case "":
		case "wide":
			rules.add(t, wide, "")
		case "segments":
			rules.add(t, strings.ReplaceAll(wide, "*", "+"), "")
			rules.add(t, strings.ReplaceAll(wide, "*", "+/*"), "")
		default:
			rules = shipped(t, "spa", other)
		}
		for _, path := range deniedToSPA {
			for _, capability := range capabilities {
				for _, by := range servers {
					if rules.allows(by, capability, onMount(path)) {
						t.Errorf("%s: spa and %q may %s %s", by, other, capability, path)
					}
				}
			}
		}
		for _, by := range servers {
			if !rules.allows(by, "list", onMount("admin/tenants/")) ||
				!rules.allows(by, "read", onMount("admin/report")) {
				t.Errorf("%s: beside %q the SPA cannot do its work", by, other)
			}
		}
	}
}
