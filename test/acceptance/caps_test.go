//go:build acceptance

package acceptance

import (
	"strings"
	"testing"
	"time"
)

// TestLeaseCaps checks that leased keys live no longer than the mount lets them, by its config or by how it is tuned,
// when issued and when renewed. It needs a mount of its own to lower the caps of.
func TestLeaseCaps(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "caps")
	admin, app := w.caller(t, tenant+"-admin"), w.caller(t, tenant+"-app")
	operator, root := w.caller(t, "operator"), w.caller(t, "root")
	creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"
	admin.must("POST", "apikeys/my/internal/roles/desktop", fields{"ttl": "2h", "max_ttl": "8h"})
	early := app.must("GET", creds, nil)

	for _, test := range []struct {
		name, by, spelled string
		most              time.Duration
		lower             func()
	}{
		{"config", "config internal_max_ttl", "1h", time.Hour, func() {
			operator.must("PATCH", "apikeys/config", fields{"internal_default_ttl": "30m", "internal_max_ttl": "1h"})
		}},
		{"mount", "the mount's max_lease_ttl", "20m", 20 * time.Minute, func() {
			root.must("POST", "sys/mounts/apikeys/tune", fields{"max_lease_ttl": "20m"})
		}},
	} {
		test.lower()
		fresh := app.must("GET", creds, nil)
		if cut := "was cut to " + test.spelled + " by " + test.by; !strings.Contains(fresh.says(), cut) {
			t.Errorf("%s: issued with %q, want %q", test.name, fresh.says(), cut)
		}
		check := func(what string, a *answered) {
			t.Helper()
			most := int(test.most / time.Second)
			if a.Duration > most || a.Duration < most-60 {
				t.Errorf("%s: %s for %d s, want about %d", test.name, what, a.Duration, most)
			}
		}
		check("issued", fresh)
		for name, lease := range map[string]*answered{"fresh": fresh, "early": early} {
			renewed := app.must("PUT", "sys/leases/renew", fields{"lease_id": lease.LeaseID, "increment": 3 * 3600})
			check("renewed the "+name+" one", renewed)
			if cut := "cut by " + test.by + " of " + test.spelled; !strings.Contains(renewed.says(), cut) {
				t.Errorf("%s: the %s one renewed with %q, want %q", test.name, name, renewed.says(), cut)
			}
			// The key ends when the lease says it does, and not a second later.
			key := admin.must("GET", "apikeys/my/internal/leased/"+lease.field("key_id"), nil)
			ends, err := time.Parse(time.RFC3339, key.field("expires_at"))
			if err != nil || time.Until(ends) > test.most {
				t.Errorf("%s: the %s key ends at %s, %v", test.name, name, ends, err)
			}
		}
	}
	admin.refused(400, "config internal_max_ttl", "POST", "apikeys/my/internal/roles/desktop", fields{"max_ttl": "9h"})
}
