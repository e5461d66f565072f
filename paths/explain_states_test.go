package paths_test

import (
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
		acme := w.Tenant("acme")
		call := row.call(t, w, acme)
		a := acme.Write("my/explain", call)
		a.Is(fields{"verdict": row.verdict, "tenant": "acme"})
		if findings(a) != row.verdict || !strings.Contains(about(a, row.verdict)["text"].(string), row.says) {
			t.Errorf("%s says %v, want %q", findings(a), a.Data["findings"], row.says)
		}
		if a.Data["string_to_sign"] == nil || a.Data["key_id"] == nil {
			t.Errorf("says nothing of the call: %v", a.Data)
		}
		if got := w.Verdict(call); got != row.verdict {
			t.Errorf("verify finds %s", got)
		}
	})
}

// A key, version or tenant that may not be used is named by what stands against it, the
// first of them where there are several, and by what to do.
func TestExplainStates(t *testing.T) {
	type change func(w *world, acme person, h holder) fields
	now := func(h holder) fields { return h.Call() }
	rows := []struct {
		name, verdict, says string
		change              change
	}{
		{
			"tenant suspended, key revoked and disabled",
			"tenant_suspended",
			"since when and why",
			func(w *world, acme person, h holder) fields {
				acme.Write(explained+"/disable", nil)
				acme.Write(explained+"/revoke", nil)
				w.SPA().Write("admin/tenants/acme/suspend", fields{"reason": "unpaid"})
				return now(h)
			},
		},
		{
			"version revoked, with a successor",
			"revoked",
			"Sign with its successor",
			func(_ *world, acme person, h holder) fields {
				acme.Write(explained+"/rotate", nil)
				acme.Write(explained+"/revoke", fields{"key_id": h.KeyID})
				return now(h)
			},
		},
		{"version revoked, without", "revoked", "Make another key", func(_ *world, acme person, h holder) fields {
			acme.Write(explained+"/revoke", fields{"key_id": h.KeyID})
			return now(h)
		}},
		{"version revoked and disabled", "revoked", "for good", func(_ *world, acme person, h holder) fields {
			acme.Write(explained+"/disable", fields{"key_id": h.KeyID})
			acme.Write(explained+"/revoke", fields{"key_id": h.KeyID})
			return now(h)
		}},
		{"version disabled", "disabled", "enable or restore it", func(_ *world, acme person, h holder) fields {
			acme.Write(explained+"/disable", fields{"key_id": h.KeyID})
			return now(h)
		}},
		{"key deleted", "disabled", "deleted: enable or restore it", func(_ *world, acme person, h holder) fields {
			acme.Remove(explained)
			return now(h)
		}},
		{"disabled and ended", "disabled", "enable", func(_ *world, acme person, h holder) fields {
			acme.Write(explained+"/disable", nil)
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
			acme.Write(explained+"/rotate", fields{"overlap": "1h"})
			wait(time.Hour)
			return now(h)
		}},
	}
	for _, scheme := range []string{"rfc9421", "vrnt-1", "hmac-sha256"} {
		for _, row := range rows {
			explainedRow{
				scheme + " " + row.name,
				row.verdict,
				row.says,
				func(_ *testing.T, w *world, acme person) fields {
					return row.change(w, acme, acme.Key(explained, fields{"scheme": scheme}))
				},
			}.holds(t)
		}
	}
}

// A leased key's role that has revoked all of its keys is a revocation.
func TestExplainLeased(t *testing.T) {
	explainedRow{"revoked by its role", "revoked", "for good", func(_ *testing.T, _ *world, acme person) fields {
		_, _, h := app(acme, nil)
		acme.Write("my/external/roles/app/revoke-leased", nil)
		return h.Call()
	}}.holds(t)
}

// asAgent signs a call that names a user: vrnt-1 signs the name, rfc9421 does not.
func asAgent(h holder, name string) fields {
	return fields{
		"request": headWith(h, "GET /wfo/agents HTTP/1.1\nHost: api.example.com\nVerint-UserName: "+name+"\n"),
	}
}

// headWith signs a head as it is.
func headWith(h holder, text string) string {
	h.W.T.Helper()
	head, err := signing.ParseHeadString(text)
	h.W.Must(err)
	added, err := signing.SignHead(h.Scheme, head, h.KeyID, h.Secret, time.Now())
	h.W.Must(err)
	head, err = head.With(added)
	h.W.Must(err)
	return head.String()
}

// A key's user is told, and the call's is not repeated.
func TestExplainUser(t *testing.T) {
	for _, scheme := range []string{"rfc9421", "vrnt-1"} {
		explainedRow{
			scheme + " another",
			"out_of_scope",
			"acts as Agent-7, and the call names another in Verint-UserName",
			func(_ *testing.T, _ *world, acme person) fields {
				return asAgent(acme.Key(explained, fields{"scheme": scheme, "user": "Agent-7"}), "agent-8")
			},
		}.holds(t)
		explainedRow{
			scheme + " another, out of scope too",
			"out_of_scope",
			"None of the key's scopes fits GET /wfo/agents",
			func(_ *testing.T, _ *world, acme person) fields {
				f := fields{"scheme": scheme, "user": "Agent-7", "scopes": []any{"POST /**"}}
				return asAgent(acme.Key(explained, f), "agent-8")
			},
		}.holds(t)
		clocked(t, scheme+" the same", func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(explained, fields{"scheme": scheme, "user": "Agent-7"})
			for _, call := range []fields{asAgent(h, "AGENT-7"), h.Call()} {
				a := acme.Write("my/explain", call)
				if a.Is(fields{"verdict": "valid"}); findings(a) != "" {
					t.Errorf("found %s", findings(a))
				}
			}
		})
	}
}

// A message is for no path and no user, so what bounds those shuts it out.
func TestExplainBoundMessages(t *testing.T) {
	explainedRow{
		"published",
		"out_of_scope",
		"a message can be held against none of these",
		func(_ *testing.T, w *world, acme person) fields {
			w.Root().Write("config", fields{"external_published": []any{"/api/**"}})
			return acme.Key(explained, fields{"scheme": "hmac-sha256"}).Call()
		},
	}.holds(t)
}
