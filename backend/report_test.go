package backend_test

import (
	"slices"
	"testing"
	"time"
)

// failed returns the rules that a key breaks by a tenant's report.
func (a answer) failed(name string) []string {
	a.t.Helper()
	for _, k := range a.rows("keys") {
		if k["name"] != name {
			continue
		}
		rules := []string{}
		for _, r := range k["failed"].([]any) {
			rules = append(rules, r.(string))
		}
		return rules
	}
	a.t.Fatalf("%s: no key %s", a.asked, name)
	return nil
}

func TestReport(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.tenant("acme"), newMailbox(t)
		w.root().
			write("config", fields{"allow_no_expiry": true, "allow_import_until": stamp(hour), "min_overlap": "1m"})
		expect := func(name string, want ...string) {
			t.Helper()
			got := acme.read("my/report").failed(name)
			slices.Sort(want)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		acme.write("my/external/keys/good", fields{"auto_rotate": true, "recipients": []any{box.recipient()}})
		box.holder(w, acme.read("my/external/keys/good/handover")).finds("valid")
		expect("good")

		acme.key("my/external/keys/clear", nil).finds("valid")
		expect("clear", "revealed_in_clear")
		acme.write("my/external/keys/for-ever", fields{"ttl": 0})
		expect("for-ever", "no_expiry")
		acme.write("my/external/keys/too-long", fields{"ttl": "300d"})
		w.root().write("config", fields{"external_max_ttl": "200d"})
		expect("too-long", "lifetime_over_cap")
		_, item := foreign(w, "Imported1")
		acme.write("my/external/import", fields{"keys": []any{item}})
		expect("old-imported1", "imported_not_rotated")
		_, item = foreign(w, "Provider1")
		w.root().
			write("admin/import", fields{"keys": []any{altered(altered(item, "tenant", "acme"), "kind", "external")}})
		expect("old-provider1", "imported_not_rotated", "provider_knows")
		acme.write("my/external/keys/good/rotate", nil)
		expect("good", "unpicked_successor")
		acme.write("my/external/keys/revoked", nil)
		acme.write("my/external/keys/revoked/revoke", nil)
		expect("revoked")

		wait(91 * day)
		expect("clear", "revealed_in_clear", "idle", "no_rotation")
		expect("for-ever", "no_expiry", "never_used", "no_rotation")
		a := w.root().read("admin/report")
		rows := a.rows("tenants")
		if len(rows) != 1 || rows[0]["tenant"] != "acme" || rows[0]["keys"] != 7.0 ||
			rows[0]["failed"].(map[string]any)["no_expiry"] != 1.0 {
			t.Errorf("%v", rows)
		}
		for _, r := range acme.read("my/report").rows("rules") {
			if r["id"] == "" || r["requirement"] == "" || r["text"] == "" {
				t.Errorf("%v", r)
			}
		}
	})
}

// A failing rotation is told in the report as on the key.
func TestReportOfAFailingRotation(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{"auto_rotate": true})
		wait(84 * 24 * time.Hour)
		w.storage.hooks(func(verb, path string) error {
			if verb == put && len(path) > 4 && path[:4] == "ids/" {
				return errStorage
			}
			return nil
		}, nil)
		if err := w.tick(); err == nil {
			t.Error("a failing rotation is not logged")
		}
		w.storage.hooks(nil, nil)
		if got := acme.read("my/report").failed("billing"); !slices.Contains(got, "failing_rotation") {
			t.Error(got)
		}
	})
}
