package paths_test

import (
	"slices"
	"testing"
	"time"
)

// brokenRules returns the rules that a key breaks by a tenant's report.
func brokenRules(a answer, name string) []string {
	a.T.Helper()
	for _, k := range a.Rows("keys") {
		if k["name"] != name {
			continue
		}
		rules := []string{}
		for _, r := range k["failed"].([]any) {
			rules = append(rules, r.(string))
		}
		return rules
	}
	a.T.Fatalf("%s: no key %s", a.Asked, name)
	return nil
}

func TestReport(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.Tenant("acme"), newMailbox(t)
		w.Root().
			Write("config", fields{"allow_no_expiry": true, "allow_import_until": stamp(hour), "min_overlap": "1m"})
		expect := func(name string, want ...string) {
			t.Helper()
			got := brokenRules(acme.Read("my/report"), name)
			slices.Sort(want)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		acme.Write("my/external/keys/good", fields{"auto_rotate": true, "recipients": []any{box.recipient()}})
		box.holder(w, acme.Read("my/external/keys/good/handover")).Finds("valid")
		expect("good")

		acme.Key("my/external/keys/clear", nil).Finds("valid")
		expect("clear", "revealed_in_clear")
		acme.Write("my/external/keys/for-ever", fields{"ttl": 0})
		expect("for-ever", "no_expiry")
		acme.Write("my/external/keys/too-long", fields{"ttl": "300d"})
		w.Root().Write("config", fields{"external_max_ttl": "200d"})
		expect("too-long", "lifetime_over_cap")
		_, item := foreign(w, "Imported1")
		acme.Write("my/external/import", fields{"keys": []any{item}})
		expect("old-imported1", "imported_not_rotated")
		_, item = foreign(w, "Provider1")
		w.Root().
			Write("admin/import", fields{"keys": []any{altered(altered(item, "tenant", "acme"), "kind", "external")}})
		expect("old-provider1", "imported_not_rotated", "provider_knows")
		acme.Write("my/external/keys/good/rotate", nil)
		expect("good", "unpicked_successor")
		acme.Write("my/external/keys/revoked", nil)
		acme.Write("my/external/keys/revoked/revoke", nil)
		expect("revoked")

		wait(91 * day)
		expect("clear", "revealed_in_clear", "idle", "no_rotation")
		expect("for-ever", "no_expiry", "never_used", "no_rotation")
		a := w.Root().Read("admin/report")
		rows := a.Rows("tenants")
		if len(rows) != 1 || rows[0]["tenant"] != "acme" || rows[0]["keys"] != 7.0 ||
			rows[0]["failed"].(map[string]any)["no_expiry"] != 1.0 {
			t.Errorf("%v", rows)
		}
		for _, r := range acme.Read("my/report").Rows("rules") {
			if r["id"] == "" || r["requirement"] == "" || r["text"] == "" {
				t.Errorf("%v", r)
			}
		}
	})
}

// A failing rotation is told in the report as on the key.
func TestReportOfAFailingRotation(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, fields{"auto_rotate": true})
		wait(84 * 24 * time.Hour)
		w.Storage.Hooks(func(verb, path string) error {
			if verb == put && len(path) > 4 && path[:4] == "ids/" {
				return errStorage
			}
			return nil
		}, nil)
		if err := w.Tick(); err == nil {
			t.Error("a failing rotation is not logged")
		}
		w.Storage.Hooks(nil, nil)
		if got := brokenRules(acme.Read("my/report"), "billing"); !slices.Contains(got, "failing_rotation") {
			t.Error(got)
		}
	})
}

// The report claims of no key that it is not used, or never was, where that is not known;
// and says so of all others.
func TestReportOfWhatIsNotKnown(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		used := acme.Key(billing, fields{"ttl": "360d"})
		acme.Key("my/external/keys/other", fields{"ttl": "360d"})
		used.Finds("valid")
		w.Sweep()
		broken := func(what string, want map[string]string) {
			t.Helper()
			for _, row := range acme.Read("my/report").Rows("keys") {
				got := ""
				for _, id := range row["failed"].([]any) {
					if id == "idle" || id == "never_used" {
						got += id.(string)
					}
				}
				if name := row["name"].(string); got != want[name] {
					t.Errorf("%s: %s: %q, want %q", what, name, got, want[name])
				}
			}
		}
		wait(100 * day)
		broken("all is known", map[string]string{"billing": "idle", "other": "never_used"})
		w.Restart()
		broken("a crash", map[string]string{})
		wait(91 * day)
		broken("long after it", map[string]string{"billing": "idle", "other": "idle"})
		for _, path := range w.Entries("usage/") {
			w.Put(path, "{")
		}
		broken("damage", map[string]string{})
	})
}
