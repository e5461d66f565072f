package backend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// A reason that comes with a second request is kept where none was; where one was, the first
// stands, and the caller is told.
func TestReasonsThatComeLater(t *testing.T) {
	const stands = "the first stands"
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/internal/roles/app", fields{"ttl": "1h"})
		leased := "my/internal/leased/" + acme.read("tenants/acme/internal/creds/app").str("key_id")
		another := "my/internal/leased/" + acme.read("tenants/acme/internal/creds/app").str("key_id")
		first := acme.write(billing, nil).str("current_key_id")
		acme.write(billing+"/rotate", nil)
		acme.write("my/external/keys/other", nil)
		version := func(a answer) any { return a.rows("versions")[0]["reason"] }
		whole := func(a answer) any { return a.data["reason"] }
		for _, row := range []struct {
			who    person
			path   string
			sent   fields
			reason func(answer) any
		}{
			{acme, billing + "/disable", fields{"key_id": first}, version},
			{acme, billing + "/revoke", fields{"key_id": first}, version},
			{acme, billing + "/disable", fields{}, whole},
			{acme, billing + "/revoke", fields{}, whole},
			{acme, "my/external/keys/other/disable", fields{}, whole},
			{acme, leased + "/disable", fields{}, whole},
			{acme, leased + "/revoke", fields{}, whole},
			{acme, another + "/revoke", fields{}, whole},
			{w.spa(), "admin/tenants/acme/suspend", fields{}, func(a answer) any { return a.data["suspended_reason"] }},
		} {
			with := func(reason string) answer {
				sent := fields{"reason": reason}
				for name, value := range row.sent {
					sent[name] = value
				}
				return row.who.write(row.path, sent)
			}
			with("")
			for _, step := range []struct {
				given, kept string
				told        bool
			}{
				{"stolen", "stolen", false},
				{"stolen", "stolen", false},
				{"lost", "stolen", true},
				{"", "stolen", false},
			} {
				a := with(step.given)
				if got := row.reason(a); got != step.kept ||
					strings.Contains(strings.Join(a.warnings, "\n"), stands) != step.told {
					t.Errorf(
						"%s %v with reason %q keeps %q, warnings %q",
						row.path,
						row.sent,
						step.given,
						got,
						a.warnings,
					)
				}
			}
		}
		w.spa().write("admin/tenants/acme/resume", nil)
		entries := acme.read(billing + "/history").rows("entries")
		if last := entries[len(entries)-1]; last["operation"] != "revoke" || last["reason"] != "stolen" {
			t.Errorf("the history ends with %v", last)
		}
	})
}

// What is revoked without a reason shows none, and not why it was disabled before.
func TestRevokedWithoutAReason(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/internal/roles/app", fields{"ttl": "1h"})
		leased := "my/internal/leased/" + acme.read("tenants/acme/internal/creds/app").str("key_id")
		acme.key(billing, nil)
		for _, path := range []string{billing, leased} {
			acme.write(path+"/disable", fields{"reason": "holiday"}).
				is(fields{"state": "disabled", "reason": "holiday"})
			acme.write(path+"/revoke", nil).is(fields{"state": "revoked", "reason": ""})
			acme.write(path+"/revoke", fields{"reason": "leaked"}).is(fields{"state": "revoked", "reason": "leaked"})
		}
	})
}

// The keys of a role are revoked with a reason that the role and each of them show.
func TestRevokeLeasedWithAReason(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/internal/roles/app", fields{"ttl": "1h"})
		leased := "my/internal/leased/" + acme.read("tenants/acme/internal/creds/app").str("key_id")
		acme.read(leased).is(fields{"state": "current", "reason": ""})
		const reason = "a laptop was lost"
		acme.write("my/internal/roles/app/revoke-leased", fields{"reason": reason}).is(fields{"revoked_reason": reason})
		acme.read(leased).is(fields{"state": "revoked", "reason": "a laptop was lost"})
		acme.write("my/internal/roles/app/revoke-leased", nil).is(fields{"revoked_reason": reason})
		acme.write("my/internal/roles/app/revoke-leased", fields{"reason": "another"}).
			is(fields{"revoked_reason": "another"})
		acme.read(leased).is(fields{"reason": reason})
		acme.remove("my/internal/roles/app")
		acme.write("my/internal/roles/app", nil)
		w.restart()
		acme.read(leased).is(fields{"reason": reason})
		var last answer
		for range apikey.KeptReasons {
			last = acme.write("my/internal/roles/app/revoke-leased", fields{"reason": "once more"})
		}
		last.warns("reason")
		acme.read(leased).is(fields{"reason": ""})
		acme.refused(400, "reason").write("my/internal/roles/app/revoke-leased", fields{"reason": "two\nlines"})
	})
}

// What the command line sends: an empty text for null, 1 for true, a file with its last line's
// end, an address without a prefix.
func TestWhatTheCommandLineSends(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{
			"auto_rotate": "1", "recipients": aRecipient + "\n", "ttl": "30d", "replay": "off",
			"allowed_cidrs": "192.0.2.7,2001:DB8::1", "description": "from a file\n", "metadata": "a=b",
		}).is(fields{
			"auto_rotate": true, "ttl": 30 * 24 * 3600, "description": "from a file",
			"allowed_cidrs": []any{"192.0.2.7", "2001:DB8::1"},
		})
		acme.patch(billing, fields{
			"auto_rotate": "", "recipients": "", "ttl": "", "replay": "", "allowed_cidrs": "", "description": "",
			"metadata": "", "overlap": "",
		}).is(fields{
			"auto_rotate":   false,
			"recipients":    []any{},
			"ttl":           90 * 24 * 3600,
			"replay":        "on",
			"allowed_cidrs": []any{},
			"description":   "",
			"metadata":      map[string]any{},
		})
		// A default that a text sets bends as one that null sets does.
		w.spa().patch("admin/tenants/acme", fields{"max_ttl": "10d"})
		acme.patch(billing, fields{"ttl": ""}).is(fields{"ttl": 10 * 24 * 3600})
		w.root().write("config", fields{"min_overlap": "1m", "static_ttl": ""}).is(fields{"static_ttl": 300})
		w.root().write("config", fields{"tenant_metadata": "customer", "window_past": "30"})
		w.root().write("config", fields{"tenant_metadata": "", "window_past": ""}).
			is(fields{"tenant_metadata": "tenant", "window_past": 300})
		for _, name := range []string{"description", "owner"} {
			acme.refused(400, name).write(billing, fields{name: "one\nactive  another"})
		}
		acme.refused(400, "metadata").write(billing, fields{"metadata": fields{"a": "one\ntwo"}})
		acme.refused(400, "reason").write(billing+"/disable", fields{"reason": "one\ttwo"})
	})
}

// A number that was likely meant in another unit is told.
func TestBriefLives(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{"ttl": "90"}).warns("1m30s")
		acme.write("my/external/keys/hour", fields{"ttl": "1h"}).silent()
		acme.patch("my/external/keys/hour", fields{"ttl": "59m"}).warns("59m")
		acme.patch("my/external/keys/hour", fields{"description": "no word of it"}).silent()
		wait(time.Second)
	})
}

// Whether keys may be fetched is told to provider and tenant alike.
func TestWhetherLocalVerifyHolds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, spa := w.tenant("acme"), w.spa()
		holds := func(want bool) {
			t.Helper()
			for _, a := range []answer{acme.read("my"), spa.read("admin/tenants/acme")} {
				if got := a.data["effective"].(map[string]any)["allow_local_verify"]; got != want {
					t.Errorf("%s: %v, want %t", a.asked, got, want)
				}
			}
		}
		holds(false)
		w.root().write("config", fields{"allow_local_verify": true})
		holds(false)
		spa.patch("admin/tenants/acme", fields{"allow_local_verify": true})
		holds(true)
		acme.patch("my", fields{"allow_local_verify": false})
		holds(false)
	})
}

// A use is kept to the minute, and is never told to have been before the version was there.
func TestNothingIsUsedBeforeItIsThere(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write("my/internal/roles/app", fields{"ttl": "1h"})
		wait(15 * time.Second) // into a minute
		h, made := acme.key(billing, nil), stamp(0)
		leased := acme.read("tenants/acme/internal/creds/app")
		for _, used := range []holder{h, leased.holder(w)} {
			used.finds("valid")
		}
		wait(10 * time.Minute)
		for name, shown := range map[string]map[string]any{
			"version": acme.read(billing).rows("versions")[0],
			"leased":  acme.read("my/internal/leased/" + leased.str("key_id")).data,
		} {
			if shown["first_used_at"] != made || shown["last_used_at"] != made {
				t.Errorf(
					"%s: used from %v to %v, made at %s",
					name,
					shown["first_used_at"],
					shown["last_used_at"],
					made,
				)
			}
		}
		listed := fmt.Sprint(acme.list("my/external/keys", nil).data["key_info"])
		if !strings.Contains(listed, "last_used_at:"+made) {
			t.Error(listed)
		}
	})
}
