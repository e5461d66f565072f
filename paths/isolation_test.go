package paths_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// neighbour is a tenant with a key, a role and a leased key that are all named like the
// other tenant's.
type neighbour struct {
	person
	name      string
	h, leased holder
}

func newNeighbour(w *world, name string) neighbour {
	n := neighbour{person: w.Tenant(name), name: name}
	n.h = n.Key(
		"my/external/keys/billing",
		fields{"description": name + "-plans", "owner": name + "-owner", "metadata": fields{"of": name}},
	)
	n.Write("my/external/roles/app", fields{"description": name + "-apps", "metadata": fields{"of": name}})
	n.leased = n.Read("tenants/" + name + "/external/creds/app").Holder(w)
	return n
}

// Nothing of one tenant is visible, signable, verifiable or countable by another that
// has the same names.
func TestTenantsAreApart(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := newNeighbour(w, "acme"), newNeighbour(w, "bolt")
		bolt.Write("my/external/keys/extra", nil)
		for _, ids := range []string{acme.h.KeyID, acme.leased.KeyID} {
			bolt.Refused(404, ids).Read("my/ids/" + ids)
			for _, kind := range []string{"external", "internal"} {
				bolt.Refused(404, "leased key").Read("my/" + kind + "/leased/" + ids)
				for _, verb := range []string{"disable", "enable", "revoke"} {
					bolt.Refused(404, "leased key").Write("my/"+kind+"/leased/"+ids+"/"+verb, nil)
				}
			}
			for _, verb := range []string{"disable", "enable", "revoke"} {
				bolt.Refused(404, "key_id").Write("my/external/keys/billing/"+verb, fields{"key_id": ids})
			}
			bolt.Refused(409, bolt.h.KeyID).Write("my/external/keys/billing/rotate", fields{"current_key_id": ids})
		}

		// Verdicts: each finds its own, and the other's is as unknown as nobody's.
		for _, theirs := range []holder{acme.h, acme.leased} {
			call := theirs.Call()
			got := bolt.Write("my/verify", call)
			nobodys := bolt.Write("my/verify", withKeyID(theirs, "0123456789abcdef").Call())
			if string(raw(got)) != string(raw(nobodys)) {
				t.Errorf("another tenant's key %s, nobody's %s", raw(got), raw(nobodys))
			}
			got.Is(fields{"verdict": "unknown_key"})
			// It was not recorded as seen.
			acme.Write("my/verify", call).Is(fields{"verdict": "valid", "tenant": "acme"})
		}
		withKeyID(acme.h, bolt.h.KeyID).Finds("bad_signature")

		// What bolt signs with the key of that name is bolt's.
		a := bolt.Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: x"})
		a.Is(fields{"key_id": bolt.h.KeyID, "tenant": "bolt"})

		acme.Read("my").Is(fields{"keys": 1, "leased_keys": 1})
		bolt.Read("my").Is(fields{"keys": 2, "leased_keys": 1})

		// Changing one leaves the other as it is.
		before := raw(acme.Read("my/external/keys/billing"))
		bolt.Write("my/external/keys/billing", fields{"owner": "somebody"})
		bolt.Write("my/external/keys/billing/revoke", nil)
		bolt.Write("my/external/roles/app/revoke-leased", nil)
		bolt.Remove("my/external/roles/app")
		bolt.Remove("my/external/keys/billing")
		if after := raw(acme.Read("my/external/keys/billing")); string(after) != string(before) {
			t.Errorf("%s became %s", before, after)
		}
		acme.h.Finds("valid")
		acme.leased.Finds("valid")
		acme.Read("my/external/roles/app").Is(fields{"description": "acme-apps"})
		w.SPA().Remove("admin/tenants/bolt")
		acme.h.Finds("valid")
		acme.leased.Finds("valid")
	})
}

func withKeyID(h holder, keyID string) holder {
	h.KeyID = keyID
	return h
}

func raw(a answer) []byte {
	b, _ := json.Marshal(a.Data)
	return b
}

// Whatever bolt reads or lists, no answer holds anything of acme's; whatever it asks on
// acme's own paths is a 403 that tells nothing.
func TestNothingOfAnotherTenantIsShown(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := newNeighbour(w, "acme"), newNeighbour(w, "bolt")
		ofAcme := []string{"acme", acme.h.KeyID, acme.leased.KeyID, acme.Read("my").Str("uid")}
		asked := 0
		for _, p := range w.Paths() {
			for op := range p.Operations {
				path := example(p, "acme", "external", "billing", "app", acme.leased.KeyID)
				if theirs := strings.HasPrefix(path, "tenants/"); theirs || strings.HasPrefix(path, "my") {
					a := bolt.Trying().Ask(op, path, nil)
					text := a.Text + string(raw(a)) + strings.Join(a.Warnings, " ")
					text = strings.ReplaceAll(text, acme.leased.KeyID, "") // what bolt has asked about
					if theirs && a.Status != 403 {
						t.Errorf("%s %s: %d", op, path, a.Status)
					}
					if slices.ContainsFunc(
						ofAcme,
						func(s string) bool { return s != acme.leased.KeyID && strings.Contains(text, s) },
					) {
						t.Errorf("%s %s shows %s", op, path, text)
					}
					asked++
				}
			}
		}
		if asked < 40 {
			t.Errorf("only %d operations asked", asked)
		}
		acme.h.Finds("valid")
		acme.leased.Finds("valid")
	})
}

// The provider's administrator sees of a tenant counts and state, and never a key.
func TestProviderSeesNoKeys(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := newNeighbour(w, "acme")
		for _, a := range []answer{
			w.SPA().List("admin/tenants/", nil), w.SPA().Read("admin/tenants/acme"), w.Root().Read("config"),
			w.SPA().Read("admin/ids/" + acme.h.KeyID),
		} {
			for _, s := range []string{"billing", "acme-plans", "acme-owner", acme.h.KeyID, acme.leased.KeyID} {
				if strings.Contains(string(raw(a)), s) {
					t.Errorf("%s shows %s", a.Asked, s)
				}
			}
		}
		for _, p := range w.Paths() {
			for op := range p.Operations {
				path := example(p, "acme", "external", "billing", "app", acme.leased.KeyID)
				if strings.HasPrefix(path, "tenants/") || strings.HasPrefix(path, "my") {
					w.SPA().Refused(403, "tenant").Ask(op, path, nil)
				}
			}
		}
	})
}

// A caller who belongs to a tenant is refused on every path of the provider's.
func TestTenantsStayOnTheirPaths(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := newNeighbour(w, "acme")
		asked := 0
		for _, p := range w.Paths() {
			for op := range p.Operations {
				path := example(p, "acme", "external", "billing", "app", acme.h.KeyID)
				if !strings.HasPrefix(path, "tenants/") && !strings.HasPrefix(path, "my") {
					acme.Refused(403, "provider").Ask(op, path, nil)
					asked++
				}
			}
		}
		if asked < 10 {
			t.Errorf("only %d operations asked", asked)
		}
	})
}
