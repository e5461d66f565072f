//go:build acceptance

package acceptance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// handsOut says which paths exist to hand a secret out in clear; no other may.
func handsOut(path string) bool {
	return slices.ContainsFunc([]string{"/creds/", "/static-creds/", "/reveal", "/keyring/"}, func(part string) bool {
		return strings.Contains(path, part)
	})
}

// places returns the paths that a template of the OpenAPI document stands for, as it is filled by every combination of
// what there is.
func places(template string, with map[string][]string) []string {
	before, rest, ok := strings.Cut(template, "{")
	if !ok {
		return []string{template}
	}
	name, after, _ := strings.Cut(rest, "}")
	var all []string
	for _, value := range with[name] {
		all = append(all, places(before+value+after, with)...)
	}
	return all
}

// furnished is a tenant with keys in every state, and what paths may name in it.
type furnished struct {
	tenant string
	there  map[string][]string // what there is, by the name of the part of a path
	secret string              // one of those handed out
	people []*caller           // everybody who has a token
}

// furnish opens a tenant with keys of both kinds, rotated and revealed, and leased ones.
func furnish(t *testing.T, prefix string) furnished {
	t.Helper()
	tenant := shared.tenant(t, prefix)
	admin, app, gateway := shared.caller(t, tenant+"-admin"), shared.caller(
		t,
		tenant+"-app",
	), shared.caller(t, "gateway")
	f := furnished{
		tenant: tenant,
		people: []*caller{shared.caller(t, "spa"), shared.caller(t, "operator"), gateway, shared.caller(t, "root")},
	}
	for _, person := range tour.Staff(tenant) {
		f.people = append(f.people, shared.caller(t, person.Name))
	}
	f.there = map[string][]string{
		"tenant": {
			tenant,
		},
		"kind": {"external", "internal"},
		"role": {"desktop", "none"},
		"name": {"live", "disabled", "revoked", "deleted", "none"},
	}
	for _, kind := range f.there["kind"] {
		keys := "apikeys/my/" + kind + "/keys/"
		for _, name := range f.there["name"][:4] {
			admin.must("POST", keys+name, fields{"reveal": "always", "metadata": fields{"team": "blue"}})
			old := admin.must("POST", keys+name+"/reveal", nil)
			gateway.must("POST", "apikeys/verify", fields{"request": old.holder(t).call("GET", "/wfo/v1/agents")})
			admin.must("POST", keys+name+"/rotate", fields{"overlap": "1h"})
			admin.must("POST", keys+name+"/reveal", nil)
			f.there["key_id"], f.secret = append(f.there["key_id"], old.field("key_id")), old.field("key")
		}
		admin.must("POST", keys+"disabled/disable", fields{"reason": "to see it"})
		admin.must("POST", keys+"revoked/revoke", fields{"reason": "to see it"})
		admin.must("DELETE", keys+"deleted", nil)
		admin.must("POST", "apikeys/my/"+kind+"/roles/desktop", nil)
		leased := app.must("GET", "apikeys/tenants/"+tenant+"/"+kind+"/creds/desktop", nil)
		f.there["key_id"] = append(f.there["key_id"], leased.field("key_id"))
	}
	return f
}

// TestNothingTells has everybody read and list all that can be read and listed. No answer but those that hand secrets
// out may hold one.
func TestNothingTells(t *testing.T) {
	t.Parallel()
	f := furnish(t, "tells")
	doc := shared.openAPI(t)
	saw := map[string]int{}
	doc.each(t, "/", func(template, verb string, _ operation) {
		if verb != "get" || handsOut(template) {
			return
		}
		method := "GET"
		if strings.HasSuffix(template, "/") {
			method = "LIST"
		}
		for _, path := range places(template, f.there) {
			for _, who := range f.people {
				a := who.ask(method, "apikeys"+path, nil)
				if shared.known(a.body) {
					t.Errorf("%s %s %s: %d holds a secret", who.name, method, path, a.status)
				}
				if a.status == http.StatusOK {
					if of := a.field("tenant"); of != f.tenant &&
						(strings.HasPrefix(template, "/my") || strings.HasPrefix(template, "/tenants/")) {
						t.Errorf("%s %s %s: does not say that it is of %s", who.name, method, path, f.tenant)
					}
					saw[strings.TrimPrefix(who.name, f.tenant+"-")]++
				}
			}
		}
	})
	for who, least := range map[string]int{
		"admin": 37, "viewer": 29, "auditor": 37, "internal-issuer": 23, "external-issuer": 23, "spa": 12,
		"operator": 1,
	} {
		if saw[who] < least {
			t.Errorf("%s saw %d answers, of %d at least", who, saw[who], least)
		}
	}
}

// TestMistakesTellNothing has a secret pasted into every field that there is, and into one that there is not: where it
// is refused, the refusal does not repeat it.
func TestMistakesTellNothing(t *testing.T) {
	t.Parallel()
	f := furnish(t, "mistakes")
	doc := shared.openAPI(t)
	f.there["tenant"] = []string{shared.unused("mistakes")} // whom no mistake can harm
	refused := 0
	for _, prefix := range []string{"/my", "/admin", "/verify"} {
		doc.each(t, prefix, func(template, verb string, o operation) {
			if verb == "get" || verb == "delete" {
				return
			}
			method, path := strings.ToUpper(verb), "apikeys"+places(template, f.there)[0]
			for _, field := range append(doc.fields(o.Body.Content), "no_such_field") {
				if field == "display_name" {
					continue // It is taken, and shown to all who list tenants: to the other tests as well.
				}
				for _, who := range f.people {
					a := who.ask(method, path, fields{field: f.secret})
					if a.status == http.StatusForbidden {
						continue
					}
					if a.status >= http.StatusBadRequest {
						refused++
					}
					if a.status >= http.StatusBadRequest && shared.known(a.body) {
						t.Errorf("%s %s with a secret as %s: the %d holds it", method, template, field, a.status)
					}
					break // One who may is enough.
				}
			}
		})
	}
	if refused < 100 {
		t.Errorf("%d mistakes were refused, which is less than there are to make", refused)
	}
}
