package backend_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

const explained = "my/external/keys/billing"

// explainedRow is a call that some rule refuses, and what its tenant is told of that.
type explainedRow struct {
	name, verdict, says string
	call                func(t *testing.T, w *world, acme person) fields
}

// holds asks for an explanation, and has verify agree with it.
func (row explainedRow) holds(t *testing.T) {
	t.Helper()
	clocked(t, row.name, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		call := row.call(t, w, acme)
		a := acme.write("my/explain", call)
		a.is(fields{"verdict": row.verdict, "tenant": "acme"})
		if a.findings() != row.verdict || !strings.Contains(a.about(row.verdict)["text"].(string), row.says) {
			t.Errorf("%s says %v, want %q", a.findings(), a.data["findings"], row.says)
		}
		if a.data["string_to_sign"] == nil || a.data["key_id"] == nil {
			t.Errorf("says nothing of the call: %v", a.data)
		}
		if got := w.verdict(call); got != row.verdict {
			t.Errorf("verify finds %s", got)
		}
	})
}

// A key, version or tenant that may not be used is named by what stands against it, the
// first of them where there are several, and by what to do.
func TestExplainStates(t *testing.T) {
	type change func(w *world, acme person, h holder) fields
	now := func(h holder) fields { return h.call() }
	rows := []struct {
		name, verdict, says string
		change              change
	}{
		{"tenant suspended, key revoked and disabled", "tenant_suspended", "since when and why", func(w *world, acme person, h holder) fields {
			acme.write(explained+"/disable", nil)
			acme.write(explained+"/revoke", nil)
			w.spa().write("admin/tenants/acme/suspend", fields{"reason": "unpaid"})
			return now(h)
		}},
		{"version revoked, with a successor", "revoked", "Sign with its successor", func(_ *world, acme person, h holder) fields {
			acme.write(explained+"/rotate", nil)
			acme.write(explained+"/revoke", fields{"key_id": h.keyID})
			return now(h)
		}},
		{"version revoked, without", "revoked", "Make another key", func(_ *world, acme person, h holder) fields {
			acme.write(explained+"/revoke", fields{"key_id": h.keyID})
			return now(h)
		}},
		{"version revoked and disabled", "revoked", "for good", func(_ *world, acme person, h holder) fields {
			acme.write(explained+"/disable", fields{"key_id": h.keyID})
			acme.write(explained+"/revoke", fields{"key_id": h.keyID})
			return now(h)
		}},
		{"version disabled", "disabled", "enable or restore it", func(_ *world, acme person, h holder) fields {
			acme.write(explained+"/disable", fields{"key_id": h.keyID})
			return now(h)
		}},
		{"key deleted", "disabled", "deleted: enable or restore it", func(_ *world, acme person, h holder) fields {
			acme.remove(explained)
			return now(h)
		}},
		{"disabled and ended", "disabled", "enable", func(_ *world, acme person, h holder) fields {
			acme.write(explained+"/disable", nil)
			wait(91 * 24 * time.Hour)
			return now(h)
		}},
		{"ended, without a successor", "expired", "Rotate the key", func(_ *world, _ person, h holder) fields {
			wait(91 * 24 * time.Hour)
			return now(h)
		}},
		{"ended, and the call is old", "expired", "The version ended at ", func(_ *world, _ person, h holder) fields {
			call := now(h)
			wait(91 * 24 * time.Hour)
			return call
		}},
		{"overlap over", "expired", "Sign with its successor", func(_ *world, acme person, h holder) fields {
			acme.write(explained+"/rotate", fields{"overlap": "1h"})
			wait(time.Hour)
			return now(h)
		}},
	}
	for _, scheme := range []string{"rfc9421", "vrnt-1", "hmac-sha256"} {
		for _, row := range rows {
			explainedRow{scheme + " " + row.name, row.verdict, row.says, func(_ *testing.T, w *world, acme person) fields {
				return row.change(w, acme, acme.key(explained, fields{"scheme": scheme}))
			}}.holds(t)
		}
	}
}

// A leased key's role that has revoked all of its keys is a revocation.
func TestExplainLeased(t *testing.T) {
	explainedRow{"revoked by its role", "revoked", "for good", func(_ *testing.T, _ *world, acme person) fields {
		_, _, h := app(acme, nil)
		acme.write("my/external/roles/app/revoke-leased", nil)
		return h.call()
	}}.holds(t)
}

// asAgent signs a call that names a user: vrnt-1 signs the name, rfc9421 does not.
func (h holder) asAgent(name string) fields {
	return fields{"request": h.headWith("GET /wfo/agents HTTP/1.1\nHost: api.example.com\nVerint-UserName: " + name + "\n")}
}

// headWith signs a head as it is.
func (h holder) headWith(text string) string {
	h.w.t.Helper()
	head, err := signing.ParseHeadString(text)
	h.w.must(err)
	added, err := signing.SignHead(h.scheme, head, h.keyID, h.secret, time.Now())
	h.w.must(err)
	head, err = head.With(added)
	h.w.must(err)
	return head.String()
}

// A key's user is told, and the call's is not repeated.
func TestExplainUser(t *testing.T) {
	for _, scheme := range []string{"rfc9421", "vrnt-1"} {
		explainedRow{scheme + " another", "out_of_scope", "acts as Agent-7, and the call names another in Verint-UserName", func(_ *testing.T, _ *world, acme person) fields {
			return acme.key(explained, fields{"scheme": scheme, "user": "Agent-7"}).asAgent("agent-8")
		}}.holds(t)
		explainedRow{scheme + " another, out of scope too", "out_of_scope", "None of the key's scopes fits GET /wfo/agents", func(_ *testing.T, _ *world, acme person) fields {
			return acme.key(explained, fields{"scheme": scheme, "user": "Agent-7", "scopes": []any{"POST /**"}}).asAgent("agent-8")
		}}.holds(t)
		clocked(t, scheme+" the same", func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key(explained, fields{"scheme": scheme, "user": "Agent-7"})
			for _, call := range []fields{h.asAgent("AGENT-7"), h.call()} {
				a := acme.write("my/explain", call)
				if a.is(fields{"verdict": "valid"}); a.findings() != "" {
					t.Errorf("found %s", a.findings())
				}
			}
		})
	}
}

// A message is for no path and no user, so what bounds those shuts it out.
func TestExplainBoundMessages(t *testing.T) {
	explainedRow{"published", "out_of_scope", "a message can be held against none of these", func(_ *testing.T, w *world, acme person) fields {
		w.root().write("config", fields{"external_published": []any{"/api/**"}})
		return acme.key(explained, fields{"scheme": "hmac-sha256"}).call()
	}}.holds(t)
}

// living signs an rfc9421 call that may live for so long, as our own signer does not.
func (h holder) living(created time.Time, life time.Duration) fields {
	params := fmt.Sprintf(`("@method" "@authority" "@path");created=%d;expires=%d;keyid="%s";nonce="n-%d"`,
		created.Unix(), created.Add(life).Unix(), h.keyID, created.UnixNano())
	tag := signing.MAC(h.secret, []byte("\"@method\": GET\n\"@authority\": api.example.com\n\"@path\": /wfo/agents\n\"@signature-params\": "+params))
	return fields{"request": "GET /wfo/agents HTTP/1.1\nHost: api.example.com\nSignature-Input: sig1=" + params +
		"\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":\n"}
}

// Each of the reasons to be too old or too new is told from the others.
func TestExplainTimes(t *testing.T) {
	of := func(acme person) holder { return acme.key(explained, nil) }
	for _, row := range []explainedRow{
		{"expires has passed", "too_old", "The call's own expires has passed", func(_ *testing.T, _ *world, acme person) fields {
			return of(acme).living(time.Now().Add(-20*time.Second), 10*time.Second)
		}},
		{"expires is now", "too_old", "The call's own expires has passed", func(_ *testing.T, _ *world, acme person) fields {
			return of(acme).living(time.Now().Add(-20*time.Second), 20*time.Second)
		}},
		{"never alive", "too_old", "The call's own expires has passed", func(_ *testing.T, _ *world, acme person) fields {
			return of(acme).living(time.Now(), 0)
		}},
		{"expires has passed, and the window too", "too_old", "301 seconds old, and may be 300", func(_ *testing.T, _ *world, acme person) fields {
			return of(acme).living(time.Now().Add(-301*time.Second), 10*time.Second)
		}},
		{"expires is far, and the window has passed", "too_old", "301 seconds old, and may be 300", func(_ *testing.T, _ *world, acme person) fields {
			return of(acme).living(time.Now().Add(-301*time.Second), time.Hour)
		}},
		{"ahead", "too_new", "61 seconds ahead, and may be 60", func(_ *testing.T, _ *world, acme person) fields {
			return of(acme).living(time.Now().Add(61*time.Second), time.Hour)
		}},
		{"the tenant's own window", "too_old", "31 seconds old, and may be 30", func(_ *testing.T, _ *world, acme person) fields {
			acme.patch("my", fields{"window_past": 30})
			return of(acme).callAt(time.Now().Add(-31 * time.Second))
		}},
		{"before the start, strictly", "too_old", "The server has started since the call was signed", func(_ *testing.T, w *world, acme person) fields {
			h := of(acme)
			w.root().write("config", fields{"replay": "strict"})
			call := h.call()
			wait(10 * time.Second)
			w.restart()
			return call
		}},
		{"before the start, strictly, expires has passed", "too_old", "The call's own expires has passed", func(_ *testing.T, w *world, acme person) fields {
			h := of(acme)
			w.root().write("config", fields{"replay": "strict"})
			call := h.living(time.Now(), 5*time.Second)
			wait(10 * time.Second)
			w.restart()
			return call
		}},
	} {
		row.holds(t)
	}
}

// With replay=memory a restart forgets: the call is good again, and explained so.
func TestExplainAfterARestart(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		call := acme.key(explained, nil).call()
		w.root().write("verify", call).is(fields{"verdict": "valid"})
		acme.write("my/explain", call).is(fields{"verdict": "replayed"})
		wait(10 * time.Second)
		w.restart()
		if a := acme.write("my/explain", call); a.data["verdict"] != "valid" || a.findings() != "" {
			t.Errorf("%v", a.data)
		}
	})
}

// Without a nonce it is the tag that is known again.
func TestExplainReplayedWithoutNonce(t *testing.T) {
	explainedRow{"no nonce", "replayed", "has been accepted before", func(t *testing.T, w *world, acme person) fields {
		h := acme.key(explained, fields{"compat": []any{"no_nonce"}})
		params := fmt.Sprintf(`("@method" "@target-uri");created=%d;keyid="%s"`, time.Now().Unix(), h.keyID)
		tag := signing.MAC(h.secret, []byte("\"@method\": GET\n\"@target-uri\": https://api.example.com/\n\"@signature-params\": "+params))
		call := fields{"request": "GET / HTTP/1.1\nHost: api.example.com\nSignature-Input: sig1=" + params +
			"\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(tag[:]) + ":\n"}
		a := w.root().write("verify", call)
		if a.is(fields{"verdict": "valid", "variant": "no_nonce"}); acme.write("my/explain", h.call()).findings() != "" {
			t.Error("another call is not good")
		}
		return call
	}}.holds(t)
}

// A full table is told from a call that was seen, whichever of the two comes first.
func TestExplainFullTable(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(explained, nil)
		w.root().write("config", fields{"replay_entries": 1000})
		seen := h.call()
		w.root().write("verify", seen).is(fields{"verdict": "valid"})
		for range 4 { // enough for each part of the table to be full
			items := make([]any, 1000)
			for i := range items {
				items[i] = h.call()
			}
			w.root().write("verify", fields{"batch": items})
		}
		for says, call := range map[string]fields{"replay_table_full, by replay_entries)": h.call(), "has been accepted before": seen} {
			a := acme.write("my/explain", call)
			a.is(fields{"verdict": "replayed"})
			if a.findings() != "replayed" || !strings.Contains(a.about("replayed")["text"].(string), says) {
				t.Errorf("%v, want %q", a.data["findings"], says)
			}
		}
		wait(10 * time.Minute)
		fresh := h.call()
		if a := acme.write("my/explain", fresh); a.data["verdict"] != "valid" || a.findings() != "" {
			t.Errorf("once there is room: %v", a.data)
		}
		acme.patch(explained, fields{"replay": "off"})
		w.root().write("verify", fresh).is(fields{"verdict": "valid"})
		if a := acme.write("my/explain", fresh); a.data["verdict"] != "valid" {
			t.Errorf("a key that lets replays pass: %v", a.data)
		}
	})
}
