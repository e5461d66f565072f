package backend_test

import (
	"maps"
	"strings"
	"testing"
)

// cost is what some requests cost: operations of storage, callbacks into Vault.
type cost struct {
	Gets, Puts, Lists, Deletes int
	Callbacks                  map[string]int
}

// cost does something and returns what it cost.
func (w *world) cost(do func()) cost {
	w.t.Helper()
	now := func() cost {
		return cost{
			w.storage.Count(get),
			w.storage.Count(put),
			w.storage.Count(list),
			w.storage.Count(del),
			w.vault.made(),
		}
	}
	before := now()
	do()
	after := now()
	maps.DeleteFunc(after.Callbacks, func(what string, n int) bool { return n == before.Callbacks[what] })
	for what := range after.Callbacks {
		after.Callbacks[what] -= before.Callbacks[what]
	}
	return cost{
		after.Gets - before.Gets, after.Puts - before.Puts, after.Lists - before.Lists, after.Deletes - before.Deletes,
		after.Callbacks,
	}
}

// atMost checks a cost against bounds; callbacks are counted in sum.
func (c cost) atMost(t *testing.T, what string, most cost, callbacks int) {
	t.Helper()
	n := 0
	for _, made := range c.Callbacks {
		n += made
	}
	if c.Gets > most.Gets || c.Puts > most.Puts || c.Lists > most.Lists || c.Deletes > most.Deletes || n > callbacks {
		t.Errorf("%s: %+v, want at most %+v and %d callbacks", what, c, most, callbacks)
	}
}

// What each request costs, as the design promises it. Identities are looked up once in
// some seconds, and time stands still here.
func TestCosts(t *testing.T) {
	none := cost{}
	for _, row := range []struct {
		name      string
		do        func(s *priced)
		most      cost
		callbacks int
	}{
		{"warm verify", func(s *priced) { s.h.finds("valid") }, none, 0},
		{"warm verify of the tenant's own", func(s *priced) { s.acme.write("my/verify", s.h.call()) }, none, 0},
		{"warm verify of a leased key", func(s *priced) { s.leased.finds("valid") }, none, 0},
		{"warm verify of an unknown key", func(s *priced) { s.unknown.finds("unknown_key") }, none, 0},
		{"warm verify of a batch", func(s *priced) {
			w := s.acme.w
			w.root().write("verify", fields{"batch": []any{s.h.call(), s.leased.call(), s.unknown.call()}})
		}, none, 0},
		{"warm sign", func(s *priced) { s.sign() }, none, 0},
		{"warm read of static-creds", func(s *priced) { s.acme.read("my/external/static-creds/billing") }, none, 0},
		{"cold verify", func(s *priced) { s.h.finds("valid") }, cost{Gets: 2}, 0},
		{"cold verify of a leased key", func(s *priced) { s.leased.finds("valid") }, cost{Gets: 2}, 0},
		{"cold verify of an unknown key", func(s *priced) { s.unknown.finds("unknown_key") }, cost{Gets: 1}, 0},
		{"cold sign", func(s *priced) { s.sign() }, cost{Gets: 1}, 0},
		{"create", func(s *priced) { s.acme.write("my/external/keys/fresh", nil) }, cost{Gets: 3, Puts: 3}, 0},
		{"rotate", func(s *priced) { s.acme.write("my/external/keys/billing/rotate", nil) }, cost{Gets: 3, Puts: 3}, 0},
		{
			"disable", func(s *priced) { s.acme.write("my/external/keys/billing/disable", nil) },
			cost{Gets: 2, Puts: 1},
			0,
		},
		{"revoke", func(s *priced) { s.acme.write("my/external/keys/billing/revoke", nil) }, cost{Gets: 2, Puts: 2}, 0},
		{"delete", func(s *priced) { s.acme.remove("my/external/keys/billing") }, cost{Gets: 2, Puts: 2}, 0},
		{"creds", func(s *priced) { s.acme.read("tenants/acme/external/creds/app") }, cost{Gets: 2, Puts: 2}, 1},
		{"renew", func(s *priced) { s.lease.renew(0).expect(200, "") }, cost{Gets: 1, Puts: 1}, 1},
		{"end of a lease", func(s *priced) { s.lease.end().expect(200, "") }, cost{Gets: 1, Puts: 2}, 0},
		{
			"revoke-leased", func(s *priced) { s.acme.write("my/external/roles/app/revoke-leased", nil) },
			cost{Gets: 1, Puts: 1},
			0,
		},
		{
			"suspend", func(s *priced) { s.acme.w.spa().write("admin/tenants/acme/suspend", nil) },
			cost{Gets: 1, Puts: 1},
			0,
		},
		{
			"delete of a tenant", func(s *priced) { s.acme.w.spa().remove("admin/tenants/acme") },
			cost{Gets: 1, Puts: 2},
			0,
		},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			s := newPriced(w)
			if strings.HasPrefix(row.name, "cold") {
				s.coolDown()
			}
			w.cost(func() { row.do(s) }).atMost(t, row.name, row.most, row.callbacks)
		})
	}
}

// priced is a warm world.
type priced struct {
	acme               person
	h, leased, unknown holder
	lease              *lease
}

func newPriced(w *world) *priced {
	s := &priced{acme: w.tenant("acme")}
	s.h = s.acme.key("my/external/keys/billing", nil)
	s.acme.write("my/external/roles/app", nil)
	a := s.acme.read("tenants/acme/external/creds/app")
	s.lease, s.leased = a.lease(w), a.holder(w)
	s.unknown = s.h
	s.unknown.keyID = "0123456789abcdef"
	s.warm()
	s.sign()
	for _, h := range []holder{s.h, s.leased, s.unknown} {
		w.verdict(h.call())
	}
	return s
}

// warm has the caches filled that are about the mount, the tenant and the people.
func (s *priced) warm() {
	w := s.acme.w
	s.acme.read("my")
	w.spa().read("admin/tenants/acme")
	w.root().read("config")
	s.acme.read("my/external/roles/app")
}

func (s *priced) sign() {
	s.acme.write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: example.com\n"})
}

// coolDown restarts the engine and warms up all but keys.
func (s *priced) coolDown() {
	s.acme.w.restart()
	s.warm()
}
