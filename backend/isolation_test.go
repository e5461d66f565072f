package backend_test

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
	n := neighbour{person: w.tenant(name), name: name}
	n.h = n.key(
		"my/external/keys/billing",
		fields{"description": name + "-plans", "owner": name + "-owner", "metadata": fields{"of": name}},
	)
	n.write("my/external/roles/app", fields{"description": name + "-apps", "metadata": fields{"of": name}})
	n.leased = n.read("tenants/" + name + "/external/creds/app").holder(w)
	return n
}

// Nothing of one tenant is visible, signable, verifiable or countable by another that
// has the same names.
func TestTenantsAreApart(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := newNeighbour(w, "acme"), newNeighbour(w, "bolt")
		bolt.write("my/external/keys/extra", nil)
		for _, ids := range []string{acme.h.keyID, acme.leased.keyID} {
			bolt.refused(404, ids).read("my/ids/" + ids)
			for _, kind := range []string{"external", "internal"} {
				bolt.refused(404, "leased key").read("my/" + kind + "/leased/" + ids)
				for _, verb := range []string{"disable", "enable", "revoke"} {
					bolt.refused(404, "leased key").write("my/"+kind+"/leased/"+ids+"/"+verb, nil)
				}
			}
			for _, verb := range []string{"disable", "enable", "revoke"} {
				bolt.refused(404, "key_id").write("my/external/keys/billing/"+verb, fields{"key_id": ids})
			}
			bolt.refused(409, bolt.h.keyID).write("my/external/keys/billing/rotate", fields{"current_key_id": ids})
		}

		// Verdicts: each finds its own, and the other's is as unknown as nobody's.
		for _, theirs := range []holder{acme.h, acme.leased} {
			call := theirs.call()
			got := bolt.write("my/verify", call)
			nobodys := bolt.write("my/verify", withKeyID(theirs, "0123456789abcdef").call())
			if string(raw(got)) != string(raw(nobodys)) {
				t.Errorf("another tenant's key %s, nobody's %s", raw(got), raw(nobodys))
			}
			got.is(fields{"verdict": "unknown_key"})
			// It was not recorded as seen.
			acme.write("my/verify", call).is(fields{"verdict": "valid", "tenant": "acme"})
		}
		withKeyID(acme.h, bolt.h.keyID).finds("bad_signature")

		// What bolt signs with the key of that name is bolt's.
		a := bolt.write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: x"})
		a.is(fields{"key_id": bolt.h.keyID, "tenant": "bolt"})

		acme.read("my").is(fields{"keys": 1, "leased_keys": 1})
		bolt.read("my").is(fields{"keys": 2, "leased_keys": 1})

		// Changing one leaves the other as it is.
		before := raw(acme.read("my/external/keys/billing"))
		bolt.write("my/external/keys/billing", fields{"owner": "somebody"})
		bolt.write("my/external/keys/billing/revoke", nil)
		bolt.write("my/external/roles/app/revoke-leased", nil)
		bolt.remove("my/external/roles/app")
		bolt.remove("my/external/keys/billing")
		if after := raw(acme.read("my/external/keys/billing")); string(after) != string(before) {
			t.Errorf("%s became %s", before, after)
		}
		acme.h.finds("valid")
		acme.leased.finds("valid")
		acme.read("my/external/roles/app").is(fields{"description": "acme-apps"})
		w.spa().remove("admin/tenants/bolt")
		acme.h.finds("valid")
		acme.leased.finds("valid")
	})
}

func withKeyID(h holder, keyID string) holder {
	h.keyID = keyID
	return h
}

func raw(a answer) []byte {
	b, _ := json.Marshal(a.data)
	return b
}

// Whatever bolt reads or lists, no answer holds anything of acme's; whatever it asks on
// acme's own paths is a 403 that tells nothing.
func TestNothingOfAnotherTenantIsShown(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := newNeighbour(w, "acme"), newNeighbour(w, "bolt")
		ofAcme := []string{"acme", acme.h.keyID, acme.leased.keyID, acme.read("my").str("uid")}
		asked := 0
		for _, p := range w.paths() {
			for op := range p.Operations {
				path := example(p, "acme", "external", "billing", "app", acme.leased.keyID)
				if theirs := strings.HasPrefix(path, "tenants/"); theirs || strings.HasPrefix(path, "my") {
					a := bolt.trying().ask(op, path, nil)
					text := a.text + string(raw(a)) + strings.Join(a.warnings, " ")
					text = strings.ReplaceAll(text, acme.leased.keyID, "") // what bolt has asked about
					if theirs && a.status != 403 {
						t.Errorf("%s %s: %d", op, path, a.status)
					}
					if slices.ContainsFunc(
						ofAcme,
						func(s string) bool { return s != acme.leased.keyID && strings.Contains(text, s) },
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
		acme.h.finds("valid")
		acme.leased.finds("valid")
	})
}

// The provider's administrator sees of a tenant counts and state, and never a key.
func TestProviderSeesNoKeys(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := newNeighbour(w, "acme")
		for _, a := range []answer{
			w.spa().list("admin/tenants/", nil), w.spa().read("admin/tenants/acme"), w.root().read("config"),
			w.spa().read("admin/ids/" + acme.h.keyID),
		} {
			for _, s := range []string{"billing", "acme-plans", "acme-owner", acme.h.keyID, acme.leased.keyID} {
				if strings.Contains(string(raw(a)), s) {
					t.Errorf("%s shows %s", a.asked, s)
				}
			}
		}
		for _, p := range w.paths() {
			for op := range p.Operations {
				path := example(p, "acme", "external", "billing", "app", acme.leased.keyID)
				if strings.HasPrefix(path, "tenants/") || strings.HasPrefix(path, "my") {
					w.spa().refused(403, "tenant").ask(op, path, nil)
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
		for _, p := range w.paths() {
			for op := range p.Operations {
				path := example(p, "acme", "external", "billing", "app", acme.h.keyID)
				if !strings.HasPrefix(path, "tenants/") && !strings.HasPrefix(path, "my") {
					acme.refused(403, "provider").ask(op, path, nil)
					asked++
				}
			}
		}
		if asked < 10 {
			t.Errorf("only %d operations asked", asked)
		}
	})
}
