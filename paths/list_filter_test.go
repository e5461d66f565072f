package paths_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Filters let through what has exactly that, all of them what has all of it.
func TestKeyFilters(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		const list = "my/external/keys/"
		for name, owner := range map[string]string{
			"a": "finance", "b": "", "c": "finance", "d": "Finance", "e": "", "f": "finance",
		} {
			acme.Write(list+name, fields{"owner": owner})
		}
		acme.Write(list+"c/disable", nil)
		acme.Write(list+"d/revoke", nil)
		acme.Remove(list + "e")
		acme.Remove(list + "f")
		acme.Write("my/internal/keys/other", fields{"owner": "finance"})
		w.Tenant("bolt").Write(list+"theirs", fields{"owner": "finance"})
		for _, row := range []struct {
			given fields
			want  string
		}{
			{fields{"owner": "finance"}, "a c f"},
			{fields{"owner": "Finance"}, "d"},
			{fields{"owner": ""}, "b e"},
			{fields{"owner": nil}, "a b c d e f"},
			{fields{"owner": "fin"}, ""},
			{fields{"owner": "*"}, ""},
			{fields{"state": "active"}, "a b"},
			{fields{"state": "disabled"}, "c"},
			{fields{"state": "revoked"}, "d"},
			{fields{"state": "deleted"}, "e f"},
			{fields{"state": nil}, "a b c d e f"},
			{fields{"state": "active", "owner": "finance"}, "a"},
			{fields{"state": "active", "owner": "Finance"}, ""},
			{fields{"owner": "finance", "after": "a"}, "c f"},
			{fields{"owner": "finance", "after": "b", "limit": 2}, "c f"},
		} {
			a := acme.List(list, row.given)
			if got := strings.Join(a.Keys(), " "); got != row.want {
				t.Errorf("%v: %q, want %q", row.given, got, row.want)
			}
			whole(a)
			if row.want == "" && len(a.Data) != 0 { // else Vault makes no 404 of it
				t.Errorf("%v: an empty list answers %v", row.given, a.Data)
			}
		}
		// The total is of what is let through, wherever the page begins.
		acme.List(list, fields{"owner": "finance", "limit": 1}).Is(fields{"total": 3, "next": "a"})
		acme.List(list, fields{"owner": "finance", "limit": 1, "after": "b"}).Is(fields{"total": 3, "next": "c"})
		whole(acme.List(list, fields{"owner": "finance", "limit": 1, "after": "c"}))

		for _, state := range []any{"", "current", "ACTIVE", "active,disabled", []any{"active"}, 1, true} {
			acme.Refused(400, "state: must be one of active, disabled, revoked, deleted").
				List(list, fields{"state": state})
		}
		for _, owner := range []any{strings.Repeat("x", 257), "a\x00b", 1, []any{"finance"}} {
			acme.Refused(400, "owner: ").List(list, fields{"owner": owner})
		}
		acme.Refused(400, "role: ").List(list, fields{"role": "app"})
		acme.Refused(400, "scheme: this path has no such field; its fields are after, limit, owner, state").
			List(list, fields{"scheme": "rfc9421"})
		for _, path := range []string{"my/external/roles/", "admin/tenants/"} {
			who := acme
			if path == "admin/tenants/" {
				who = w.SPA()
			}
			who.Refused(400, "state").List(path, fields{"state": "active"})
		}
	})
}

func TestLeasedFilters(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		const list = "my/external/leased/"
		byName := map[string]string{}
		for _, role := range []string{"app", "web"} {
			acme.Write("my/external/roles/"+role, fields{"owner": role + "-team"})
			for i := range 3 {
				byName[fmt.Sprint(role, i)] = acme.Read("tenants/acme/external/creds/" + role).Str("key_id")
			}
		}
		ids := func(names string) []string {
			all := []string{}
			for _, name := range strings.Fields(names) {
				all = append(all, byName[name])
			}
			slices.Sort(all)
			return all
		}
		check := func(given fields, names string) {
			t.Helper()
			a := acme.List(list, given)
			if got := a.Keys(); !slices.Equal(got, ids(names)) {
				t.Errorf("%v: %v, want %v", given, got, ids(names))
			}
			whole(a)
		}
		acme.Write(list+byName["app1"]+"/disable", nil)
		acme.Write(list+byName["web1"]+"/disable", nil)
		acme.Write(list+byName["web2"]+"/revoke", nil)
		check(fields{"role": "app"}, "app0 app1 app2")
		check(fields{"role": "nobody"}, "")
		check(fields{"owner": "web-team"}, "web0 web1 web2")
		check(fields{"owner": ""}, "")
		check(fields{"state": "current"}, "app0 app2 web0")
		check(fields{"state": "disabled"}, "app1 web1")
		check(fields{"state": "disabled", "role": "web"}, "web1")
		check(fields{"state": "revoked"}, "web2")
		check(fields{"state": "expired"}, "")
		acme.List(list, fields{"role": "app", "limit": 2}).Is(fields{"total": 3, "next": ids("app0 app1 app2")[1]})

		// What a role has revoked is revoked, as long as its keys are listed.
		acme.Write("my/external/roles/app", fields{"owner": "others"})
		acme.Write("my/external/roles/app/revoke-leased", nil)
		acme.Remove("my/external/roles/app")
		check(fields{"state": "current"}, "web0")
		check(fields{"state": "revoked", "role": "app"}, "app0 app1 app2")
		check(fields{"owner": "app-team"}, "app0 app1 app2") // as it was when they were issued

		for _, state := range []any{"", "active", "deleted", "overlapping"} {
			acme.Refused(400, "state: must be one of current, disabled, revoked, expired, destroyed").
				List(list, fields{"state": state})
		}
		for _, role := range []any{"", "No Name", "../web", 1, []any{"web"}} {
			acme.Refused(400, "role: ").List(list, fields{"role": role})
		}
	})
}
