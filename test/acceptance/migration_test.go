//go:build acceptance

package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestMigrationCommands moves keys in as docs/migration.md says, by the tenant and by the provider, and rotates and
// takes away what was moved.
func TestMigrationCommands(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format("2006-01-02") }
	r := plays(t, "docs/migration.md", w, map[string]string{"2026-09-01": day(-90), "2027-06-30": day(200)})
	r.hasAge()
	if _, err := w.openNamed(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	const dry = "vault write -format=json apikeys/my/external/import @keys.json dry_run=true"

	// The file as it is shown, and as it is made from a table.
	r.writes("keys.json", r.filled(`"keys"`))
	shown := fieldsOf(r.reads("keys.json"))
	if got := fieldsOf(r.shell("acme-admin", dry)); got["results.0.ok"] != "true" || got["results.0.error"] != "" {
		t.Errorf("the file is not taken: %s", got["results.0.error"])
	}
	r.writes("old.csv", r.filled("crm-old,Np9Sv4Ef"))
	r.runs("nobody", "old.csv > keys.json")
	for field, value := range fieldsOf(r.reads("keys.json")) {
		if want, ok := shown[field]; ok && want != value {
			t.Errorf("%s of the table is another than in the file", field)
		}
	}

	judged := r.runs("acme-admin", "dry_run=true")
	if want := r.filled(`"ok":true`); judged != want {
		t.Errorf("prints\n%sand not\n%s", judged, want)
	}
	refused := r.runs("acme-admin", "select(.ok | not)")
	if !strings.HasSuffix(judged, "\n"+refused) || strings.Count(refused, "\n") != 1 {
		t.Errorf("refused is\n%s", refused)
	}
	r.holds(r.shell("acme-admin", "vault read -field=name apikeys/my/ids/Np9Sv4Ef"), "crm-old")
	r.byTheProvider()
	r.afterwards()
}

// byTheProvider has the provider bring a key in while the operator lets it.
func (r *reader) byTheProvider() {
	r.t.Helper()
	item, _ := planted(r.t, r.w, "desk", "Provider_01")
	item = item.with(fields{"tenant": "acme", "kind": "external"})
	file, err := json.Marshal(fields{"keys": []any{item}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.writes("all.json", string(file))
	migrator := r.w.caller(r.t, "migrator")
	shut := func() {
		r.t.Helper()
		migrator.refused(
			http.StatusForbidden,
			"allow_import_until",
			"POST",
			"apikeys/admin/import",
			fields{"keys": []any{item}},
		)
	}
	shut()
	r.runs("operator", "allow_import_until=")
	r.holds(r.runs("migrator", "apikeys/admin/import")) // refuses nothing
	r.runs("operator", "null")
	shut()
	r.holds(r.shell("acme-admin", "vault read -field=provider_knows apikeys/my/external/keys/desk"), "true")
}

// afterwards rotates what was imported, ends the old version, and takes the key away.
func (r *reader) afterwards() {
	r.t.Helper()
	const key = "apikeys/my/external/keys/crm-old"
	r.stands["age1…"] = r.recipient("identity.txt")
	r.runs("acme-admin", "crm-old/handover")
	r.shell("nobody", "age -d -i identity.txt crm.age > crm.json")
	if got := fieldsOf(r.reads("crm.json")); got["name"] != "crm-old" || got["key_id"] == "Np9Sv4Ef" {
		r.t.Errorf("handed over is %s, version %s", got["name"], got["key_id"])
	}
	r.runs("acme-admin", "crm-old/revoke")
	r.holds(r.shell("acme-admin", "vault read -field=state apikeys/my/ids/Np9Sv4Ef"), "revoked")
	r.holds(r.runs("acme-admin", "imported_not_rotated"), "desk")
	r.runs("acme-admin", "vault delete")
	r.holds(r.shell("acme-admin", "vault read -field=state "+key), "deleted")
}
