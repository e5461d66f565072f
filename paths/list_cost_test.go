package paths_test

import (
	"fmt"
	"testing"
	"time"
)

// What a list costs of storage: one list, a read of each record that is not in memory, and one of the tenant's uses,
// however many keys were used.
func TestListCosts(t *testing.T) {
	const n = 40
	for _, row := range []struct {
		name string
		path string
		f    fields
		cold cost
		warm cost
	}{
		{"keys", "my/external/keys", nil, cost{Gets: n + 1, Lists: 1}, cost{Gets: 1, Lists: 1}},
		{
			"page of keys", "my/external/keys",
			fields{"limit": 3, "after": "k03"},
			cost{Gets: 3 + 1, Lists: 1},
			cost{Gets: 1, Lists: 1},
		},
		{
			"filtered keys", "my/external/keys",
			fields{"owner": "odd"},
			cost{Gets: n + 1, Lists: 1},
			cost{Gets: 1, Lists: 1},
		},
		{
			"page of filtered keys", "my/external/keys",
			fields{"owner": "odd", "limit": 3},
			cost{Gets: n + 1, Lists: 1},
			cost{Gets: 1, Lists: 1},
		},
		{
			"keys that the filter keeps out", "my/external/keys",
			fields{"owner": "nobody"},
			cost{Gets: n, Lists: 1},
			cost{Lists: 1},
		},
		{"leased keys", "my/external/leased", nil, cost{Gets: n + 2 + 1, Lists: 1}, cost{Gets: 1, Lists: 1}},
		{
			"page of leased keys of a role", "my/external/leased",
			fields{"role": "r1", "limit": 3},
			cost{Gets: n + 2 + 1, Lists: 1},
			cost{Gets: 1, Lists: 1},
		},
		{"roles", "my/external/roles", nil, cost{Gets: 2, Lists: 1}, cost{Lists: 1}},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			w.Root().Write("config", fields{"max_keys": n})
			acme.Write("my/external/roles/r0", nil)
			acme.Write("my/external/roles/r1", nil)
			for i := range n {
				acme.Key(fmt.Sprintf("my/external/keys/k%02d", i), fields{"owner": []string{"even", "odd"}[i%2]}).
					Finds("valid")
				acme.Read(fmt.Sprintf("tenants/acme/external/creds/r%d", i%2)).Holder(w).Finds("valid")
			}
			wait(time.Minute)
			w.Must(w.Tick())
			w.Restart()
			acme.Read("my")
			w.Cost(func() { acme.List(row.path, row.f) }).Exactly(t, "cold list", row.cold)
			w.Cost(func() { acme.List(row.path, row.f) }).Exactly(t, "warm list", row.warm)
		})
	}
}

// Tenants are counted once after a start: four lists each.
func TestListCostsOfTenants(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		const n = 10
		for i := range n {
			w.Tenant(fmt.Sprintf("t%02d", i)).Write("my/external/keys/k", nil)
		}
		w.Restart()
		w.Root().Read("config")
		list := func() { w.SPA().List("admin/tenants", nil) }
		w.Cost(list).Exactly(t, "cold list", cost{Gets: n, Lists: 1 + 4*n})
		w.Cost(list).Exactly(t, "warm list", cost{Lists: 1})
	})
}
