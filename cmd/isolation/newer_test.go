package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// newer answers about a token's rules as Vault 1.21.4 does, which lists those with a + as well, a prefix without its
// star. No two of them here are about the same path.
type newer map[string][]string

// default121 are the rules that the policy default of Vault 1.21.4 has.
func default121() newer {
	all := newer{
		"auth/token/lookup-self":        {"read"},
		"sys/internal/ui/resultant-acl": {"read"},
		"cubbyhole/*":                   {"create", "delete", "list", "read", "update"},
	}
	for _, path := range []string{
		"auth/token/renew-self", "auth/token/revoke-self", "sys/capabilities-self", "sys/control-group/request",
		"sys/leases/lookup", "sys/leases/renew",
		"sys/renew", "sys/tools/hash", "sys/tools/hash/*", "sys/wrapping/lookup", "sys/wrapping/unwrap",
		"sys/wrapping/wrap",
	} {
		all[path] = []string{"update"}
	}
	all["identity/oidc/provider/+/authorize*"] = []string{"read", "update"}
	return all
}

func (n newer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data := map[string]any{}
	switch r.URL.Path {
	case "/v1/sys/internal/ui/resultant-acl":
		exact, globs := map[string]any{}, map[string]any{}
		for path, may := range n {
			rule := map[string]any{"capabilities": may}
			if prefix, is := strings.CutSuffix(path, "*"); is {
				globs[prefix] = rule
			} else {
				exact[path] = rule
			}
		}
		data = map[string]any{"exact_paths": exact, "glob_paths": globs, "root": false, "chroot_namespace": ""}
	case "/v1/sys/capabilities-self":
		var asked struct{ Paths []string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, path := range asked.Paths {
			data[path] = []string{"deny"}
			for _, rule := range slices.Sorted(maps.Keys(n)) {
				if meet(rule, path) {
					data[path] = n[rule]
				}
			}
		}
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

// TestNewerServers has rules with a + judged where the server lists them.
func TestNewerServers(t *testing.T) {
	for _, row := range []struct {
		rule string
		may  []string
		want []string // what is told of it
	}{
		{"sys/capabilities-self", []string{"update"}, nil},
		{"sys/auth/+", []string{"create"}, []string{"sys/auth/+ (create): lets them log in as somebody of a tenant"}},
		{"auth/+/role/*", []string{"read"}, nil},
		{"identity/oidc/provider/+/authorize*", []string{"delete"}, []string{"authorize* (delete): lets them give " +
			"themselves"}},
		{"identity/entity/id/1234", []string{"update"}, []string{"identity/entity/id/1234 (update): lets them give " +
			"themselves"}},
		{"sys/+/*", []string{"sudo", "update"}, []string{
			"sys/+/* (sudo update): lets them become root", "sys/+/* (sudo update): lets them log in as somebody of " +
				"a tenant",
			"sys/+/* (sudo update): lets them write themselves any policy", "sys/+/* (sudo update): lets them put " +
				"another binary",
		}},
	} {
		rules := default121()
		rules[row.rule] = row.may
		front := httptest.NewServer(rules)
		at := &caller{at: &server{addr: front.URL, http: front.Client()}, Entity: "spa", entityID: "1234"}
		r := &run{
			mount:  "apikeys",
			a:      new(party),
			b:      new(party),
			spa:    &party{Name: "SPA", Callers: []*caller{at}},
			report: new(report),
		}
		if err := r.grants(t.Context(), r.spa, at); err != nil {
			t.Fatal(err)
		}
		front.Close()
		var told []string
		for _, w := range r.report.Walls {
			for _, h := range w.Holes {
				told = append(told, fmt.Sprint(h.Request, ": ", h.Answer))
			}
		}
		for _, want := range row.want {
			if !slices.ContainsFunc(told, func(hole string) bool { return strings.Contains(hole, want) }) {
				t.Errorf("%s: %q is not told, but %q", row.rule, want, told)
			}
		}
		if len(row.want) == 0 && len(told) > 0 {
			t.Errorf("%s: %q", row.rule, told)
		}
		for _, hole := range told {
			if !strings.Contains(hole, row.rule) {
				t.Errorf("%s: the server's own rule is told: %s", row.rule, hole)
			}
		}
	}
}
