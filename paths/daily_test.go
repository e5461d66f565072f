package paths_test

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
		acme := w.Tenant("acme")
		acme.Write("my/internal/roles/app", fields{"ttl": "1h"})
		leased := "my/internal/leased/" + acme.Read("tenants/acme/internal/creds/app").Str("key_id")
		another := "my/internal/leased/" + acme.Read("tenants/acme/internal/creds/app").Str("key_id")
		first := acme.Write(billing, nil).Str("current_key_id")
		acme.Write(billing+"/rotate", nil)
		acme.Write("my/external/keys/other", nil)
		version := func(a answer) any { return a.Rows("versions")[0]["reason"] }
		whole := func(a answer) any { return a.Data["reason"] }
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
			{w.SPA(), "admin/tenants/acme/suspend", fields{}, func(a answer) any { return a.Data["suspended_reason"] }},
		} {
			with := func(reason string) answer {
				sent := fields{"reason": reason}
				for name, value := range row.sent {
					sent[name] = value
				}
				return row.who.Write(row.path, sent)
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
					strings.Contains(strings.Join(a.Warnings, "\n"), stands) != step.told {
					t.Errorf(
						"%s %v with reason %q keeps %q, warnings %q",
						row.path,
						row.sent,
						step.given,
						got,
						a.Warnings,
					)
				}
			}
		}
		w.SPA().Write("admin/tenants/acme/resume", nil)
		entries := acme.Read(billing + "/history").Rows("entries")
		if last := entries[len(entries)-1]; last["operation"] != "revoke" || last["reason"] != "stolen" {
			t.Errorf("the history ends with %v", last)
		}
	})
}

// What is revoked without a reason shows none, and not why it was disabled before.
func TestRevokedWithoutAReason(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/internal/roles/app", fields{"ttl": "1h"})
		leased := "my/internal/leased/" + acme.Read("tenants/acme/internal/creds/app").Str("key_id")
		acme.Key(billing, nil)
		for _, path := range []string{billing, leased} {
			acme.Write(path+"/disable", fields{"reason": "holiday"}).
				Is(fields{"state": "disabled", "reason": "holiday"})
			acme.Write(path+"/revoke", nil).Is(fields{"state": "revoked", "reason": ""})
			acme.Write(path+"/revoke", fields{"reason": "leaked"}).Is(fields{"state": "revoked", "reason": "leaked"})
		}
	})
}

// The keys of a role are revoked with a reason that the role and each of them show.
func TestRevokeLeasedWithAReason(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/internal/roles/app", fields{"ttl": "1h"})
		leased := "my/internal/leased/" + acme.Read("tenants/acme/internal/creds/app").Str("key_id")
		acme.Read(leased).Is(fields{"state": "current", "reason": ""})
		const reason = "a laptop was lost"
		acme.Write("my/internal/roles/app/revoke-leased", fields{"reason": reason}).Is(fields{"revoked_reason": reason})
		acme.Read(leased).Is(fields{"state": "revoked", "reason": "a laptop was lost"})
		acme.Write("my/internal/roles/app/revoke-leased", nil).Is(fields{"revoked_reason": reason})
		acme.Write("my/internal/roles/app/revoke-leased", fields{"reason": "another"}).
			Is(fields{"revoked_reason": "another"})
		acme.Read(leased).Is(fields{"reason": reason})
		acme.Remove("my/internal/roles/app")
		acme.Write("my/internal/roles/app", nil)
		w.Restart()
		acme.Read(leased).Is(fields{"reason": reason})
		var last answer
		for range apikey.KeptReasons {
			last = acme.Write("my/internal/roles/app/revoke-leased", fields{"reason": "once more"})
		}
		last.Warns("reason")
		acme.Read(leased).Is(fields{"reason": ""})
		acme.Refused(400, "reason").Write("my/internal/roles/app/revoke-leased", fields{"reason": "two\nlines"})
	})
}

// What the command line sends: an empty text for null, 1 for true, a file with its last line's
// end, an address without a prefix.
func TestWhatTheCommandLineSends(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, fields{
			"auto_rotate": "1", "recipients": aRecipient + "\n", "ttl": "30d", "replay": "off",
			"allowed_cidrs": "192.0.2.7,2001:DB8::1", "description": "from a file\n", "metadata": "a=b",
		}).Is(fields{
			"auto_rotate": true, "ttl": 30 * 24 * 3600, "description": "from a file",
			"allowed_cidrs": []any{"192.0.2.7", "2001:DB8::1"},
		})
		acme.Patch(billing, fields{
			"auto_rotate": "", "recipients": "", "ttl": "", "replay": "", "allowed_cidrs": "", "description": "",
			"metadata": "", "overlap": "",
		}).Is(fields{
			"auto_rotate":   false,
			"recipients":    []any{},
			"ttl":           90 * 24 * 3600,
			"replay":        "on",
			"allowed_cidrs": []any{},
			"description":   "",
			"metadata":      map[string]any{},
		})
		// A default that a text sets bends as one that null sets does.
		w.SPA().Patch("admin/tenants/acme", fields{"max_ttl": "10d"})
		acme.Patch(billing, fields{"ttl": ""}).Is(fields{"ttl": 10 * 24 * 3600})
		w.Root().Write("config", fields{"min_overlap": "1m", "static_ttl": ""}).Is(fields{"static_ttl": 300})
		w.Root().Write("config", fields{"tenant_metadata": "customer", "window_past": "30"})
		w.Root().Write("config", fields{"tenant_metadata": "", "window_past": ""}).
			Is(fields{"tenant_metadata": "tenant", "window_past": 300})
		for _, name := range []string{"description", "owner"} {
			acme.Refused(400, name).Write(billing, fields{name: "one\nactive  another"})
		}
		acme.Refused(400, "metadata").Write(billing, fields{"metadata": fields{"a": "one\ntwo"}})
		acme.Refused(400, "reason").Write(billing+"/disable", fields{"reason": "one\ttwo"})
	})
}

// A number that was likely meant in another unit is told.
func TestBriefLives(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, fields{"ttl": "90"}).Warns("1m30s")
		acme.Write("my/external/keys/hour", fields{"ttl": "1h"}).Silent()
		acme.Patch("my/external/keys/hour", fields{"ttl": "59m"}).Warns("59m")
		acme.Patch("my/external/keys/hour", fields{"description": "no word of it"}).Silent()
		wait(time.Second)
	})
}

// Whether keys may be fetched is told to provider and tenant alike.
func TestWhetherLocalVerifyHolds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, spa := w.Tenant("acme"), w.SPA()
		holds := func(want bool) {
			t.Helper()
			for _, a := range []answer{acme.Read("my"), spa.Read("admin/tenants/acme")} {
				if got := a.Data["effective"].(map[string]any)["allow_local_verify"]; got != want {
					t.Errorf("%s: %v, want %t", a.Asked, got, want)
				}
			}
		}
		holds(false)
		w.Root().Write("config", fields{"allow_local_verify": true})
		holds(false)
		spa.Patch("admin/tenants/acme", fields{"allow_local_verify": true})
		holds(true)
		acme.Patch("my", fields{"allow_local_verify": false})
		holds(false)
	})
}

// A use is kept to the minute, and is never told to have been before the version was there.
func TestNothingIsUsedBeforeItIsThere(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/internal/roles/app", fields{"ttl": "1h"})
		wait(15 * time.Second) // into a minute
		h, made := acme.Key(billing, nil), stamp(0)
		leased := acme.Read("tenants/acme/internal/creds/app")
		for _, used := range []holder{h, leased.Holder(w)} {
			used.Finds("valid")
		}
		wait(10 * time.Minute)
		for name, shown := range map[string]map[string]any{
			"version": acme.Read(billing).Rows("versions")[0],
			"leased":  acme.Read("my/internal/leased/" + leased.Str("key_id")).Data,
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
		listed := fmt.Sprint(acme.List("my/external/keys", nil).Data["key_info"])
		if !strings.Contains(listed, "last_used_at:"+made) {
			t.Error(listed)
		}
	})
}
