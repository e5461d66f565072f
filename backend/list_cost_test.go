package backend_test

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
			acme := w.tenant("acme")
			w.root().write("config", fields{"max_keys": n})
			acme.write("my/external/roles/r0", nil)
			acme.write("my/external/roles/r1", nil)
			for i := range n {
				acme.key(fmt.Sprintf("my/external/keys/k%02d", i), fields{"owner": []string{"even", "odd"}[i%2]}).
					finds("valid")
				acme.read(fmt.Sprintf("tenants/acme/external/creds/r%d", i%2)).holder(w).finds("valid")
			}
			wait(time.Minute)
			w.must(w.tick())
			w.restart()
			acme.read("my")
			w.cost(func() { acme.list(row.path, row.f) }).exactly(t, "cold list", row.cold)
			w.cost(func() { acme.list(row.path, row.f) }).exactly(t, "warm list", row.warm)
		})
	}
}

// Tenants are counted once after a start: four lists each.
func TestListCostsOfTenants(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		const n = 10
		for i := range n {
			w.tenant(fmt.Sprintf("t%02d", i)).write("my/external/keys/k", nil)
		}
		w.restart()
		w.root().read("config")
		list := func() { w.spa().list("admin/tenants", nil) }
		w.cost(list).exactly(t, "cold list", cost{Gets: n, Lists: 1 + 4*n})
		w.cost(list).exactly(t, "warm list", cost{Lists: 1})
	})
}

// exactly checks a cost to the operation: what is not done is as telling as what is.
func (c cost) exactly(t *testing.T, what string, want cost) {
	t.Helper()
	if c.Gets != want.Gets || c.Puts != want.Puts || c.Lists != want.Lists || c.Deletes != want.Deletes {
		t.Errorf("%s: %+v, want %+v", what, c, want)
	}
}
