//go:build acceptance

package acceptance

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// TestAttackByChoice has another tenant choose the worst that it may, on its own paths: sizes and counts, patterns,
// uses. What would cost others is refused, and the victim's calls, and what is known of them, stay as they are.
func TestAttackByChoice(t *testing.T) {
	t.Parallel()
	v := shared.newVictim(t, "chosen")
	other := shared.tenant(t, "chooser")
	admin, verifier := shared.caller(t, other+"-admin"), shared.caller(t, other+"-verifier")
	gateway := shared.caller(t, "gateway")
	if got := gateway.verdict(v.old.call("GET", "/wfo/v1/agents")); got != "valid" {
		t.Fatal(got)
	}

	costly := make([]any, 32)
	for i := range costly {
		costly[i] = fmt.Sprintf("GET /**%s/z%d", strings.Repeat("/*", 118), i)
	}
	const keys, imports, own = "apikeys/my/external/keys/", "apikeys/my/external/import", "apikeys/my/verify"
	plain := func(secret string) fields {
		return fields{"keys": []any{
			fields{
				"name":   "plain",
				"key_id": other + "_Plain",
				"scheme": "vrnt-1",
				"key":    base64.RawURLEncoding.EncodeToString([]byte(secret)),
			},
		}}
	}
	long, many := strings.Repeat("m", 1<<20+1), strings.TrimSuffix(strings.Repeat("{},", 1001), ",")
	v.tries(t, admin, []attack{
		{"POST", keys + "costly", fields{"scopes": costly}, invalid, "scopes"},
		{"POST", keys + "costly", fields{"metadata": fields{"much": long}}, invalid, "metadata"},
		{"PATCH", "apikeys/my", fields{"external_published": costly[:1]}, invalid, "external_published"},
		{"POST", imports, plain(strings.Repeat("\x00", 32)), ok, "all of its bytes are equal"},
		{"POST", imports, plain(strings.Repeat("ab", 16)), ok, "a short pattern that repeats"},
		{
			"POST",
			"apikeys/my/explain",
			fields{"message": long, "signature": "v1:" + v.old.keyID + ":"},
			invalid,
			"message",
		},
	})
	v.tries(t, verifier, []attack{
		{"POST", own, fields{"batch_json": "[" + many + "]"}, invalid, "batch_json"},
		{"POST", own, fields{"batch_json": "[" + strings.Repeat(" ", 4<<20) + "]"}, invalid, "batch_json"},
		{"POST", own, fields{"message": long, "signature": "v1:" + v.old.keyID + ":"}, invalid, "message"},
	})

	// What it may: a key with scopes, and paths that are long, or that careless services read as another.
	admin.must("POST", keys+"scoped", fields{"scopes": []any{"GET /wfo/**"}, "reveal": "always"})
	scoped := admin.must("POST", keys+"scoped/reveal", nil).holder(t)
	for path, want := range map[string]string{
		"/wfo/agents":                         "valid",
		"/wfo" + strings.Repeat("/a", 15_000): "out_of_scope",
		"/wfo/%252e%252e/admin":               "out_of_scope",
		"/wfo/%c0%ae%c0%ae/admin":             "out_of_scope",
		"/wfo/..%20/admin":                    "out_of_scope",
		"/wfo/%3b/admin":                      "out_of_scope",
	} {
		if got := gateway.verdict(scoped.call("GET", path)); got != want {
			t.Errorf("%.40s is %s, want %s", path, got, want)
		}
	}

	// Uses of many versions, which once pushed out those of others.
	for range 40 {
		gateway.verdict(admin.must("POST", keys+"scoped/reveal", nil).holder(t).call("GET", "/wfo/agents"))
		admin.must("POST", keys+"scoped/rotate", fields{"overlap": 0})
	}
	used := v.admin.must("GET", "apikeys/my/external/keys/hidden-billing", nil)
	for i := range used.Data["versions"].([]any) {
		if id := used.version(i, "key_id"); (used.version(i, "last_used_at") != "") != (id == v.old.keyID) {
			t.Errorf("version %s was used last at %q", id, used.version(i, "last_used_at"))
		}
	}
	v.unharmed(t)
}
