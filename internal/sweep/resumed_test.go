package sweep_test

import (
	"testing"
	"time"
)

// What the keys of a suspended or deleted tenant have missed is done at the first tick after
// it is active again, be that in the same minute or later.
func TestResumedTenantCatchesUpAtOnce(t *testing.T) {
	for stop, start := range map[string]string{"suspend": "resume", "delete": "restore"} {
		for _, later := range []time.Duration{0, time.Second, time.Minute, 3 * time.Hour} {
			clocked(t, start+" and "+later.String(), func(t *testing.T, w *world) {
				acme := w.Tenant("acme")
				const key = "my/external/keys/billing"
				acme.Write(key, fields{"ttl": "10d", "overlap": "4d", "auto_rotate": true})
				if stop == "delete" {
					w.SPA().Remove("admin/tenants/acme")
				} else {
					w.SPA().Write("admin/tenants/acme/"+stop, nil)
				}
				for range 2 {
					wait(79 * time.Hour) // the second time past the rotation
					w.Must(w.Tick())
				}
				w.SPA().Write("admin/tenants/acme/"+start, nil)
				wait(later)
				for tick := range 3 {
					w.Must(w.Tick())
					if n := len(acme.Read(key).Rows("versions")); n != 2 {
						t.Fatalf("%d versions at tick %d", n, tick)
					}
					wait(time.Minute)
				}
			})
		}
	}
}
