//go:build acceptance

package acceptance

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// planted is a key that was made elsewhere, and who holds it.
func planted(t *testing.T, w *world, name, keyID string) (fields, holder) {
	t.Helper()
	raw := make([]byte, 32)
	rand.Read(raw)
	key := base64.RawURLEncoding.EncodeToString(raw)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.secrets.add(key); err != nil {
		t.Fatal(err)
	}
	return fields{"name": name, "key_id": keyID, "key": key, "scheme": "vrnt-1"}, holder{t, keyID, raw, signing.Vrnt1}
}

// with returns a copy of the fields with others.
func (f fields) with(others fields) fields {
	all := fields{}
	for _, from := range []fields{f, others} {
		for name, value := range from {
			all[name] = value
		}
	}
	return all
}

// TestImportThousands imports as much at once as can be, twice, and says how long that takes.
func TestImportThousands(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, true) // in files, as a server that matters has it
	tenant := w.tenant(t, "thousands")
	admin, gateway := w.caller(t, tenant+"-admin"), w.caller(t, "gateway")
	w.caller(t, "spa").must("PATCH", "apikeys/admin/tenants/"+tenant, fields{"max_keys": 2000})

	var some []holder
	lists := make([][]any, 2)
	for i := range lists {
		for j := range 1000 {
			item, holder := planted(t, w, fmt.Sprintf("legacy-%d-%d", i, j), fmt.Sprintf("Legacy-%d-%05d", i, j))
			lists[i] = append(lists[i], item)
			if j%333 == 0 {
				some = append(some, holder)
			}
		}
	}
	begun := time.Now()
	for _, list := range lists {
		for len(list) > 0 { // what a busy machine has not reached in time is sent again
			a := admin.must("POST", "apikeys/my/external/import", fields{"keys": list})
			var again []any
			for i, result := range a.Data["results"].([]any) {
				switch row := result.(map[string]any); {
				case row["ok"] == true:
				case strings.HasPrefix(fmt.Sprint(row["error"]), "not reached in time"):
					again = append(again, list[i])
				default:
					t.Fatalf("key %d: %v", i, row)
				}
			}
			list = again
		}
	}
	took := time.Since(begun)
	t.Logf("2,000 keys in %v", took.Round(time.Millisecond))
	if took > 5*time.Minute { // It takes seconds; a machine may be busy.
		t.Errorf("2,000 keys took %v", took)
	}
	for _, holder := range some {
		if got := gateway.verdict(holder.call("GET", "/wfo/v1/agents")); got != "valid" {
			t.Errorf("%s: %s", holder.keyID, got)
		}
	}
	if got := admin.must("GET", "apikeys/my", nil).field("keys"); got != "2000" {
		t.Errorf("%s keys", got)
	}
	// The limit holds for imports too, and says so for the key that is too many.
	more, _ := planted(t, w, "one-more", "Legacy-one-more")
	a := admin.must("POST", "apikeys/my/external/import", fields{"keys": []any{more}})
	if got := a.field("results.0.error"); !strings.HasPrefix(got, "max_keys") {
		t.Errorf("one more: %q", got)
	}
}

// TestMigration has the provider bring in the keys it holds already, while the operator lets it.
func TestMigration(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "migrated"), w.tenant(t, "migrated")
	migrator, operator, spa := w.caller(t, "migrator"), w.caller(t, "operator"), w.caller(t, "spa")
	gateway, admin := w.caller(t, "gateway"), w.caller(t, ours+"-admin")
	const path = "apikeys/admin/import"
	item, holder := planted(t, w, "desktop", "Provider_01")
	item = item.with(fields{"tenant": ours, "kind": "internal"})
	other, _ := planted(t, w, "other", "Provider_02")
	other = other.with(fields{"tenant": ours, "kind": "internal"})
	spa.must("POST", "apikeys/admin/tenants/"+theirs+"/suspend", nil)

	migrator.refused(http.StatusForbidden, "allow_import_until", "POST", path, fields{"keys": []any{item}})
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	if got := operator.must("PATCH", "apikeys/config", fields{"allow_import_until": until}).
		field("allow_import_until"); got != until {
		t.Errorf("open until %s, want %s", got, until)
	}
	for _, who := range []*caller{operator, spa, gateway, admin, w.caller(t, ours+"-app")} {
		who.refused(http.StatusForbidden, "", "POST", path, fields{"keys": []any{item}})
	}
	wide := w.enrol(t, "wide", ours) // The policy lets them; being of the tenant, they are the tenant's.
	wide.refused(http.StatusForbidden, "the caller belongs to tenant", "POST", path, fields{"keys": []any{item}})

	list := []any{
		item,
		other.with(fields{"tenant": "nobody"}),
		other.with(fields{"tenant": theirs}),
		other.with(fields{"kind": "both"}),
		other.with(fields{"tenant": nil}),
		item.with(fields{"name": "twice"}),
		other.with(fields{"name": "desktop"}),
	}
	for _, dry := range []bool{true, false} {
		a := migrator.must("POST", path, fields{"keys": list, "dry_run": dry})
		for i, about := range []string{"", "tenant", "tenant_suspended", "kind", "tenant", "key_id: this ID cannot " +
			"be used", "name"} {
			got := a.field(fmt.Sprintf("results.%d.error", i))
			if !strings.HasPrefix(got, about) || (got == "") != (about == "") {
				t.Errorf("dry_run=%t: item %d: %q, want %q", dry, i, got, about)
			}
		}
		want := map[bool]string{true: "unknown_key", false: "valid"}[dry]
		if got := gateway.verdict(holder.call("GET", "/desktop/v1/queue")); got != want {
			t.Errorf("dry_run=%t: %s", dry, got)
		}
	}

	// The tenant sees that the provider knows the key, until it is rotated.
	key := "apikeys/my/internal/keys/desktop"
	if got := admin.must("GET", key, nil).field("provider_knows"); got != "true" {
		t.Errorf("provider_knows is %s", got)
	}
	if got := string(admin.must("GET", "apikeys/my/report", nil).body); !strings.Contains(got, `"provider_knows"]`) &&
		!strings.Contains(got, `"provider_knows",`) {
		t.Errorf("the report does not say so: %s", got)
	}
	if got := admin.must("POST", key+"/rotate", nil).field("provider_knows"); got != "false" {
		t.Errorf("rotated, provider_knows is %s", got)
	}
	migrator.refused(http.StatusForbidden, "", "GET", "apikeys/tenants/"+ours+"/internal/keys/desktop", nil)
	migrator.refused(http.StatusForbidden, "", "POST", "apikeys/verify", fields{"request": "GET /a"})

	operator.must("PATCH", "apikeys/config", fields{"allow_import_until": nil})
	migrator.refused(http.StatusForbidden, "allow_import_until", "POST", path, fields{"keys": []any{other}})
}
