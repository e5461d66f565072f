package backend_test

import (
	"regexp"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/policies"

	"github.com/hashicorp/vault/sdk/logical"
)

// The table of the shipped policies says of every operation who may do it, be it nobody. Of a tenant's, it says so of
// the path under my/.
func TestEveryOperationIsInTheTableOfGrants(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		for _, p := range w.Paths() {
			pattern := strings.Trim(p.Pattern, "^$")
			if strings.HasPrefix(pattern, "tenants/") {
				continue
			}
			whole, shown := regexp.MustCompile("^"+pattern+"$"), make(map[logical.Operation]bool)
			for _, grant := range policies.Grants {
				if whole.MatchString(grant.Path) {
					shown[logical.Operation(grant.Capability)] = true
				}
			}
			for op := range p.Operations {
				if !shown[op] {
					t.Errorf("no row is about %s %s", op, pattern)
				}
			}
		}
	})
}
