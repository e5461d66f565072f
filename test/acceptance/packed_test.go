//go:build acceptance

package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestPackedForms imports and signs lists that are one text each, by JSON and by the command line, and knows the
// results by what it called the items.
func TestPackedForms(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "packed")
	admin, gateway := shared.caller(t, tenant+"-admin"), shared.caller(t, "gateway")
	text := func(list []any) string {
		b, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one, holder := planted(t, shared, "one", shared.unused("Packed-one-"))
	two, _ := planted(t, shared, "two", shared.unused("Packed-two-"))
	keys := text([]any{
		one.with(fields{"reference": "row 1", "metadata": fields{"team": "crm"}, "scopes": []any{"GET /wfo/**"}}),
		two.with(fields{"reference": "row 2", "zeal": "x"}),
	})
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(keys+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const path = "apikeys/my/external/import"
	var told answered
	told.body = []byte(admin.run("write", "-format=json", path, "keys_json=@"+file, "dry_run=true"))
	for _, a := range []*answered{&told, admin.must("POST", path, fields{"keys_json": keys})} {
		for field, want := range map[string]string{
			"results.0.ok": "true", "results.0.reference": "row 1", "results.0.error": "",
			"results.1.ok": "false", "results.1.reference": "row 2", "results.1.error": `an item has no field "zeal"`,
		} {
			if got := a.field(field); got != want {
				t.Errorf("%s is %q, want %q", field, got, want)
			}
		}
	}
	if got := gateway.verdict(holder.call("GET", "/wfo/v1/agents")); got != "valid" {
		t.Errorf("imported: %s", got)
	}

	admin.must("POST", "apikeys/my/external/keys/orders", fields{"scheme": "hmac-sha256"})
	messages := text([]any{
		fields{"message": "order 1", "reference": "a"}, fields{"message": "order 2", "reference": "b"},
	})
	app := shared.caller(t, tenant+"-app")
	a := app.must("POST", "apikeys/my/external/sign/orders", fields{"batch_json": messages})
	var signed struct {
		Results []struct{ Signature, Reference string }
	}
	if err := json.Unmarshal([]byte(a.field("results_json")), &signed); err != nil || len(signed.Results) != 2 {
		t.Fatalf("%v: %s", err, a.body)
	}
	if signed.Results[0].Reference != "a" || signed.Results[1].Reference != "b" || a.field("key_ids.0") == "" {
		t.Errorf("signed %s", a.body)
	}
	sent := fields{"message": "order 2", "signature": signed.Results[1].Signature, "reference": "c"}
	a = gateway.must("PATCH", "apikeys/verify", fields{"batch": []any{sent}})
	if a.field("results.0.verdict") != "valid" || a.field("results.0.reference") != "c" {
		t.Errorf("verified %s", a.body)
	}
}
