package paths_test

import (
	"strings"
	"testing"
)

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
		{"warm verify", func(s *priced) { s.h.Finds("valid") }, none, 0},
		{"warm verify of the tenant's own", func(s *priced) { s.acme.Write("my/verify", s.h.Call()) }, none, 0},
		{"warm verify of a leased key", func(s *priced) { s.leased.Finds("valid") }, none, 0},
		{"warm verify of an unknown key", func(s *priced) { s.unknown.Finds("unknown_key") }, none, 0},
		{"warm verify of a batch", func(s *priced) {
			w := s.acme.W
			w.Root().Write("verify", fields{"batch": []any{s.h.Call(), s.leased.Call(), s.unknown.Call()}})
		}, none, 0},
		{"warm sign", func(s *priced) { s.sign() }, none, 0},
		{"warm read of static-creds", func(s *priced) { s.acme.Read("my/external/static-creds/billing") }, none, 0},
		{"cold verify", func(s *priced) { s.h.Finds("valid") }, cost{Gets: 2}, 0},
		{"cold verify of a leased key", func(s *priced) { s.leased.Finds("valid") }, cost{Gets: 2}, 0},
		{"cold verify of an unknown key", func(s *priced) { s.unknown.Finds("unknown_key") }, cost{Gets: 1}, 0},
		{"cold sign", func(s *priced) { s.sign() }, cost{Gets: 1}, 0},
		{"create", func(s *priced) { s.acme.Write("my/external/keys/fresh", nil) }, cost{Gets: 3, Puts: 3}, 0},
		{"rotate", func(s *priced) { s.acme.Write("my/external/keys/billing/rotate", nil) }, cost{Gets: 3, Puts: 3}, 0},
		{
			"disable", func(s *priced) { s.acme.Write("my/external/keys/billing/disable", nil) },
			cost{Gets: 2, Puts: 1},
			0,
		},
		{"revoke", func(s *priced) { s.acme.Write("my/external/keys/billing/revoke", nil) }, cost{Gets: 2, Puts: 2}, 0},
		{"delete", func(s *priced) { s.acme.Remove("my/external/keys/billing") }, cost{Gets: 2, Puts: 2}, 0},
		{"creds", func(s *priced) { s.acme.Read("tenants/acme/external/creds/app") }, cost{Gets: 2, Puts: 2}, 1},
		{"renew", func(s *priced) { s.lease.Renew(0).Expect(200, "") }, cost{Gets: 1, Puts: 1}, 1},
		{"end of a lease", func(s *priced) { s.lease.End().Expect(200, "") }, cost{Gets: 1, Puts: 2}, 0},
		{
			"revoke-leased", func(s *priced) { s.acme.Write("my/external/roles/app/revoke-leased", nil) },
			cost{Gets: 1, Puts: 1},
			0,
		},
		{
			"suspend", func(s *priced) { s.acme.W.SPA().Write("admin/tenants/acme/suspend", nil) },
			cost{Gets: 1, Puts: 1},
			0,
		},
		{
			"delete of a tenant", func(s *priced) { s.acme.W.SPA().Remove("admin/tenants/acme") },
			cost{Gets: 1, Puts: 2},
			0,
		},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			s := newPriced(w)
			if strings.HasPrefix(row.name, "cold") {
				s.coolDown()
			}
			w.Cost(func() { row.do(s) }).AtMost(t, row.name, row.most, row.callbacks)
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
	s := &priced{acme: w.Tenant("acme")}
	s.h = s.acme.Key("my/external/keys/billing", nil)
	s.acme.Write("my/external/roles/app", nil)
	a := s.acme.Read("tenants/acme/external/creds/app")
	s.lease, s.leased = a.Lease(w), a.Holder(w)
	s.unknown = s.h
	s.unknown.KeyID = "0123456789abcdef"
	s.warm()
	s.sign()
	for _, h := range []holder{s.h, s.leased, s.unknown} {
		w.Verdict(h.Call())
	}
	return s
}

// warm has the caches filled that are about the mount, the tenant and the people.
func (s *priced) warm() {
	w := s.acme.W
	s.acme.Read("my")
	w.SPA().Read("admin/tenants/acme")
	w.Root().Read("config")
	s.acme.Read("my/external/roles/app")
}

func (s *priced) sign() {
	s.acme.Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: example.com\n"})
}

// coolDown restarts the engine and warms up all but keys.
func (s *priced) coolDown() {
	s.acme.W.Restart()
	s.warm()
}
