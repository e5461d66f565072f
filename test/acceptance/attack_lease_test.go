//go:build acceptance

package acceptance

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestLeasesByTheirIDs checks what docs/security.md says: whoever knows a lease's ID may look it up and renew it by the
// server's built-in policy, is told nothing by that, and can be kept from it in two ways.
func TestLeasesByTheirIDs(t *testing.T) {
	t.Parallel()
	v := shared.newVictim(t, "lessee")
	root := shared.caller(t, "root")
	root.must("PUT", "sys/policies/acl/no-leases-by-id", fields{"policy": `
		path "sys/leases/lookup" { capabilities = ["deny"] }
		path "sys/leases/renew"  { capabilities = ["deny"] }
		path "sys/renew"         { capabilities = ["deny"] }`})
	stranger := func(name string, of fields) *caller {
		of["ttl"] = "1h"
		return &caller{t, shared, name, root.must("POST", "auth/token/create", of).Auth.Token}
	}
	ways := func(status int, says, told string) []attack {
		return []attack{
			{"PUT", "sys/leases/lookup", fields{"lease_id": "{lease}"}, status, says},
			{"PUT", "sys/leases/renew", fields{"lease_id": "{lease}"}, status, told},
			{"PUT", "sys/renew", fields{"lease_id": "{lease}"}, status, told},
		}
	}
	v.tries(t, stranger("default", fields{"policies": []string{"default"}}), ways(ok, "{lease}", `"data":null`))
	for _, kept := range []*caller{
		stranger("denied", fields{"policies": []string{"default", "no-leases-by-id"}}),
		stranger("without", fields{"policies": []string{"no-such-policy"}, "no_default_policy": true}),
	} {
		v.tries(t, kept, ways(forbidden, "permission denied", "permission denied"))
		// No other spelling leads there.
		for _, path := range []string{"sys/leases/lookup/{lease}", "sys/leases/renew/{lease}", "sys/renew/{lease}"} {
			if a := kept.ask("PUT", v.fill(path), nil); a.status != http.StatusForbidden {
				t.Errorf("%s %s: %d %s", kept.name, path, a.status, a.body)
			}
		}
	}
	v.unharmed(t)
}

// TestNumbersOutOfRange checks what docs/operations.md says of them: the request fails before the engine has it, and
// nothing comes of it.
func TestNumbersOutOfRange(t *testing.T) {
	t.Parallel()
	admin := shared.caller(t, shared.tenant(t, "numbers")+"-admin")
	for _, name := range []string{"ttl", "no_such_field"} {
		a := admin.ask("POST", "apikeys/my/external/keys/many", fields{name: json.RawMessage("1e400")})
		if a.status != http.StatusInternalServerError {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	admin.must("POST", "apikeys/my/external/keys/many", fields{"ttl": json.RawMessage("1e3")})
}
