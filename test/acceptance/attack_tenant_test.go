//go:build acceptance

package acceptance

import (
	"fmt"
	"strings"
	"testing"
)

// TestAttackByTenant has another tenant's people try to reach a tenant's keys, by both spellings of a path, whatever
// the policies say, with all that may have become known of them: names, key IDs, lease IDs, signed calls.
func TestAttackByTenant(t *testing.T) {
	t.Parallel()
	v := shared.newVictim(t, "victim")
	other := shared.tenant(t, "attacker")
	admin := shared.caller(t, other+"-admin")
	broad := shared.person(t, other+"-wide", other, "wide")
	verifier := shared.caller(t, other+"-verifier")

	// By its name, the other tenant is closed, to policies first and to the wall behind them.
	v.tries(t, admin, closed("tenants/{tenant}", "permission denied"))
	v.tries(t, broad, closed("tenants/{tenant}", "belongs to another tenant"))
	v.refusedSomehow(t, admin, inDisguise())
	v.refusedSomehow(t, broad, inDisguise())

	// By my/ everything is one's own: what has the name, or the ID, of another's does not exist.
	item, _ := planted(t, shared, "mine", v.tenant+"_Imported")
	another, _ := planted(t, shared, "another", v.current)
	for _, who := range []*caller{admin, broad} {
		v.tries(t, who, []attack{
			{"GET", "apikeys/my/ids/{key}", nil, missing, ""},
			{"GET", "apikeys/my/ids/{leased}", nil, missing, ""},
			{"GET", "apikeys/my/ids/{imported}", nil, missing, ""},
			{"GET", "apikeys/my/external/keys/hidden-billing", nil, missing, ""},
			{"PATCH", "apikeys/my/external/keys/hidden-billing", fields{"description": "mine"}, missing, ""},
			{"POST", "apikeys/my/external/keys/hidden-billing", fields{"cas": 3}, conflict, "cas"},
			{"DELETE", "apikeys/my/external/keys/hidden-billing", nil, missing, ""},
			{"POST", "apikeys/my/external/keys/hidden-gone/restore", nil, missing, ""},
			{"POST", "apikeys/my/external/keys/hidden-billing/reveal", nil, missing, ""},
			{
				"POST",
				"apikeys/my/external/keys/hidden-billing/reveal",
				fields{"recipient": v.box.recipient},
				missing,
				"",
			},
			{"GET", "apikeys/my/external/keys/hidden-billing/handover", nil, missing, ""},
			{"GET", "apikeys/my/external/keys/hidden-billing/history", nil, missing, ""},
			{
				"POST",
				"apikeys/my/external/keys/hidden-billing/rotate",
				fields{"current_key_id": "{current}"},
				missing,
				"",
			},
			{"POST", "apikeys/my/external/keys/hidden-billing/revoke", fields{"key_id": "{current}"}, missing, ""},
			{"POST", "apikeys/my/internal/roles/hidden-role/revoke-leased", nil, missing, ""},
			{"GET", "apikeys/my/internal/leased/{leased}", nil, missing, ""},
			{"POST", "apikeys/my/internal/leased/{leased}/revoke", nil, missing, ""},
			{"LIST", "apikeys/my/internal/leased?after=0", nil, missing, ""},
			{"GET", "apikeys/my/report", nil, ok, `"keys":[]`},
			{"GET", "apikeys/my/due?within=720h", nil, ok, `"items":[]`},
			{"POST", "apikeys/my/external/import", fields{"keys": []any{item}}, ok, "key_id: this ID cannot be used"},
			{
				"POST",
				"apikeys/my/external/import",
				fields{"keys": []any{another}},
				ok,
				"key_id: this ID cannot be used",
			},
			{
				"POST",
				"apikeys/my/external/import",
				fields{"keys": []any{item}, "dry_run": true},
				ok,
				"key_id: this ID cannot be used",
			},

			// What a path says cannot be said otherwise.
			{
				"POST",
				"apikeys/my/external/import",
				fields{"keys": []any{item}, "tenant": "{tenant}"},
				invalid,
				"tenant: comes from the path",
			},
			{
				"POST",
				"apikeys/my/external/import",
				fields{"keys": []any{item}, "kind": "internal"},
				invalid,
				"kind: comes from the path",
			},
			{"GET", "apikeys/my/report?tenant={tenant}", nil, invalid, "tenant: comes from"},
			{"GET", "apikeys/my/due?tenant={tenant}", nil, invalid, "tenant: comes from"},
			{"GET", "apikeys/my/ids/{key}?tenant={tenant}", nil, invalid, "tenant: comes from"},
			{
				"GET",
				"apikeys/my/external/keys/hidden-billing/handover?tenant={tenant}",
				nil,
				invalid,
				"tenant: comes from",
			},
			{"LIST", "apikeys/my/external/keys?tenant={tenant}", nil, invalid, "tenant: comes from"},
			{"PATCH", "apikeys/my", fields{"tenant": "{tenant}"}, invalid, "tenant: comes from"},

			// Leases by the built-in policy, which tell and end nothing.
			{"PUT", "sys/leases/lookup", fields{"lease_id": "{lease}"}, ok, "{tenant}"},
			{"PUT", "sys/leases/renew", fields{"lease_id": "{lease}"}, ok, `"data":null`},
			{"PUT", "sys/leases/revoke", fields{"lease_id": "{lease}"}, forbidden, "permission denied"},
			{
				"LIST",
				"sys/leases/lookup/apikeys/tenants/{tenant}/internal/creds/hidden-role",
				nil,
				forbidden,
				"permission denied",
			},
		})
	}
	v.tries(t, broad, []attack{
		{"POST", "apikeys/my/external/sign/hidden-billing", fields{"request": "GET /a"}, missing, ""},
		{"GET", "apikeys/my/external/static-creds/hidden-billing", nil, missing, ""},
		{"GET", "apikeys/tenants/" + other + "/internal/creds/hidden-role", nil, missing, ""},
		{"POST", "apikeys/my/verify", fields{"request": "GET /a", "tenant": "{tenant}"}, invalid, "tenant: comes from"},
		{"GET", "apikeys/admin/ids/{key}", nil, forbidden, "belongs to tenant"},
		{"GET", "apikeys/admin/report", nil, forbidden, "belongs to tenant"},
		{"POST", "apikeys/admin/import", fields{"keys": []any{item}}, forbidden, "belongs to tenant"},
		{"POST", "apikeys/pickup", fields{"request": "GET /a"}, forbidden, "belongs to tenant"},
		{"GET", "apikeys/status", nil, forbidden, "belongs to tenant"},
		{"GET", "apikeys/metrics", nil, forbidden, "belongs to tenant"},
		{"POST", "apikeys/tidy", nil, forbidden, "belongs to tenant"},
	})

	// A page begins after any name that one likes, and shows one's own.
	admin.must("POST", "apikeys/my/external/keys/mine", nil)
	for _, after := range []string{"", "hidden-a", "hidden-billing", "../" + v.tenant} {
		a := admin.must("LIST", "apikeys/my/external/keys?limit=1000&after="+after, nil)
		if got := names(a); len(got) > 1 || len(got) == 1 && got[0] != "mine" {
			t.Errorf("after %q: %v", after, got)
		}
	}

	// In a batch, the victim's calls are as unknown as made-up ones beside one's own.
	mine := admin.must("POST", "apikeys/my/external/keys/mine/reveal", nil).holder(t)
	call := v.old.call("GET", "/wfo/v1/agents")
	stranger := holder{t, "0123456789abcdef", v.old.key, v.old.scheme}.call("GET", "/wfo/v1/agents")
	a := verifier.must(
		"POST",
		"apikeys/my/verify",
		fields{"batch": []any{call, mine.call("GET", "/wfo/v1/agents"), stranger, fields{"request": call}}},
	)
	results := a.Data["results"].([]any)
	for i, want := range []string{"unknown_key", "valid", "unknown_key", "unknown_key"} {
		row := results[i].(map[string]any)
		if row["verdict"] != want || want == "unknown_key" && fmt.Sprint(row) != fmt.Sprint(results[2]) {
			t.Errorf("item %d is %v, want %s", i, row, want)
		}
	}
	v.toldNothing(t, verifier, call, a, nil)

	v.unharmed(t)
	// The same names are free to the other tenant, and are its own.
	admin.must("POST", "apikeys/my/external/keys/hidden-billing", fields{"cas": 0, "description": "mine"})
	admin.must("POST", "apikeys/my/external/keys/hidden-billing/revoke", nil)
	v.unharmed(t)
}

// TestAttackByApp has an app try what is its tenant's administrator's, and others of the tenant what is the app's.
func TestAttackByApp(t *testing.T) {
	t.Parallel()
	v := shared.newVictim(t, "app-victim")
	var attacks []attack
	for _, try := range closed("my", "permission denied") {
		if !strings.Contains(try.path, "/sign/") && !strings.Contains(try.path, "/static-creds/") {
			attacks = append(attacks, try)
		}
	}
	v.tries(t, v.app, attacks)
	for _, who := range []string{"-viewer", "-auditor", "-verifier"} {
		v.tries(t, shared.caller(t, v.tenant+who), []attack{
			{"POST", "apikeys/my/external/keys/hidden-billing/reveal", nil, forbidden, "permission denied"},
			{"GET", "apikeys/my/external/keys/hidden-billing/handover", nil, forbidden, "permission denied"},
			{"GET", "apikeys/my/external/static-creds/hidden-billing", nil, forbidden, "permission denied"},
			{"GET", "apikeys/tenants/{tenant}/internal/creds/hidden-role", nil, forbidden, "permission denied"},
			{
				"POST",
				"apikeys/my/external/sign/hidden-billing",
				fields{"request": "GET /a"},
				forbidden,
				"permission denied",
			},
			{"POST", "apikeys/my/external/import", fields{"keys": []any{fields{}}}, forbidden, "permission denied"},
		})
	}
	v.unharmed(t)
}
