package paths_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// findings returns the IDs of what an explanation found.
func findings(a answer) string {
	a.T.Helper()
	var ids []string
	for _, row := range a.Rows("findings") {
		ids = append(ids, row["id"].(string))
		if row["text"] == "" {
			a.T.Errorf("%s: %v says nothing", a.Asked, row["id"])
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// about returns what a finding says, which has to be there.
func about(a answer, id string) fields {
	a.T.Helper()
	for _, row := range a.Rows("findings") {
		if row["id"] == id {
			return row
		}
	}
	a.T.Fatalf("%s: no finding %s in %s", a.Asked, id, findings(a))
	return nil
}

// mistaken returns a vrnt-1 call over whatever text, as a client with a mistake makes it.
func mistaken(h holder, requestLine string, key []byte, text func(salt, iat string) string) fields {
	const salt = "oKGio6SlpqeoqaqrrK2urw"
	iat := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text(salt, iat)))
	sig := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	return fields{
		"request": requestLine + "\nAuthorization: Vrnt-1-HMAC-SHA256 salt=" + salt + ",iat=" + iat +
			",kid=" + h.KeyID + ",sig=" + sig + "\n",
	}
}

// The mistake is named, the text that should have been signed is shown, and a key whose
// compat lets the mistake in has none.
func TestExplainMistakes(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
		query := func(salt, iat string) string { return salt + "\nGET\n/a?x=1\n" + iat + "\n\n" }
		call := mistaken(h, "GET /a?x=1", h.Secret, query)
		a := acme.Write("my/explain", call)
		a.Is(fields{
			"verdict":        "bad_signature",
			"tenant":         "acme",
			"key_id":         h.KeyID,
			"name":           "billing",
			"kind":           "external",
			"scheme":         "vrnt-1",
			"string_to_sign": "oKGio6SlpqeoqaqrrK2urw\nGET\n/a\n" + stamp(0) + "\n\n",
			"server_time":    stamp(0),
			"skew_seconds":   0,
		})
		if got := findings(a); got != "path_query" || about(a, "path_query")["variant"] != "path_query" {
			t.Errorf("found %s, %v", got, a.Data["findings"])
		}
		text := mistaken(h, "GET /a?x=1", []byte(base64.RawURLEncoding.EncodeToString(h.Secret)), query)
		a = acme.Write("my/explain", text)
		if got := findings(a); got != "key_ascii path_query" || about(a, "key_ascii")["variant"] != "" {
			t.Errorf("found %s, %v", got, a.Data["findings"])
		}
		acme.Patch("my/external/keys/billing", fields{"compat": []any{"path_query"}})
		a = acme.Write("tenants/acme/explain", call)
		if a.Is(fields{"verdict": "valid"}); findings(a) != "" {
			t.Errorf("what is let in is found: %s", findings(a))
		}
		if got := findings(acme.Write("my/explain", text)); got != "key_ascii" {
			t.Errorf("what is let in is found beside another mistake: %s", got)
		}
	})
}

// The body is compared, for rfc9421 keys; a message's mistakes are named too.
func TestExplainBodiesAndMessages(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/feed", nil)
		text := "POST /a HTTP/1.1\nHost: api.example.com\nContent-Length: 2\nContent-Digest: " + signing.DigestBody(
			[]byte("{}"),
		) + "\n"
		head, err := signing.ParseHead([]byte(text))
		w.Must(err)
		added, err := signing.SignHead(h.Scheme, head, h.KeyID, h.Secret, time.Now())
		w.Must(err)
		for _, line := range added {
			text += line.Name + ": " + line.Value + "\n"
		}
		for body, want := range map[string]string{"{}": "", "{ }": "digest_mismatch"} {
			for name, sent := range map[string]string{
				"body": body, "body_base64": base64.StdEncoding.EncodeToString([]byte(body)),
			} {
				a := acme.Write("my/explain", fields{"request": text, name: sent})
				if a.Is(fields{"verdict": "valid", "scheme": "rfc9421"}); findings(a) != want {
					t.Errorf("%s %s: %s, want %q", name, body, findings(a), want)
				}
			}
		}
		m := acme.Key("my/internal/keys/queue", fields{"scheme": "hmac-sha256"})
		a := acme.Write(
			"my/explain",
			fields{"message": "order 17", "signature": signing.SignTagged(m.KeyID, m.Secret, []byte("order 17\n"))},
		)
		a.Is(fields{"verdict": "bad_signature", "string_to_sign": "order 17", "kind": "internal", "skew_seconds": nil})
		if findings(a) != "message_final_lf" {
			t.Errorf("found %s", findings(a))
		}
		if a = acme.Write("my/explain", withKeyID(h, m.KeyID).Call()); findings(a) != "wrong_scheme" ||
			a.Data["string_to_sign"] != nil {
			t.Errorf("another scheme: %v", a.Data)
		}
		acme.Refused(400, "body: goes with a request").
			Write("my/explain", fields{"message": "m", "signature": "v1:x:y", "body": "b"})
		acme.Refused(400, "body_base64: cannot be given together").
			Write("my/explain", fields{"request": text, "body": "b", "body_base64": "Yg=="})
		acme.Refused(400, "body_base64").Write("my/explain", fields{"request": text, "body_base64": "?"})
		acme.Refused(400, "request").Write("my/explain", nil)
		acme.Refused(400, "batch").Write("my/explain", fields{"batch": []any{text}})
	})
}

// What has a right signature is told which rule said no, with the tenant's own settings.
func TestExplainRules(t *testing.T) {
	const key = "my/external/keys/billing"
	for _, row := range []struct {
		verdict, says string
		call          func(w *world, acme person, h holder) fields
	}{
		{"valid", "", func(_ *world, _ person, h holder) fields { return h.Call() }},
		{"tenant_suspended", "Ask the provider", func(w *world, _ person, h holder) fields {
			w.SPA().Write("admin/tenants/acme/suspend", nil)
			return h.Call()
		}},
		{
			"revoked", "for good",
			func(_ *world, acme person, h holder) fields { acme.Write(key+"/revoke", nil); return h.Call() },
		},
		{
			"disabled", "enable",
			func(_ *world, acme person, h holder) fields { acme.Write(key+"/disable", nil); return h.Call() },
		},
		{"expired", "Sign with its successor", func(_ *world, acme person, h holder) fields {
			acme.Write(key+"/rotate", fields{"overlap": 0})
			return h.Call()
		}},
		{
			"too_old", "301 seconds old, and may be 300",
			func(_ *world, _ person, h holder) fields { return h.CallAt(time.Now().Add(-301 * time.Second)) },
		},
		{
			"too_new", "61 seconds ahead, and may be 60",
			func(_ *world, _ person, h holder) fields { return h.CallAt(time.Now().Add(61 * time.Second)) },
		},
		{"source_denied", "client_ip is not given", func(_ *world, acme person, h holder) fields {
			acme.Patch(key, fields{"allowed_cidrs": []any{"192.0.2.0/24"}})
			return h.Call()
		}},
		{
			"source_denied", "198.51.100.9 is not allowed: allowed_cidrs has 192.0.2.0/24, 2001:db8::/32",
			func(_ *world, acme person, h holder) fields {
				acme.Patch(key, fields{"allowed_cidrs": []any{"192.0.2.0/24", "2001:db8::/32"}})
				call := h.Call()
				call["client_ip"] = "198.51.100.9"
				return call
			},
		},
		{
			"out_of_scope", "fits GET /wfo/agents: they are POST /wfo/**, GET /x",
			func(_ *world, acme person, h holder) fields {
				acme.Patch(key, fields{"scopes": []any{"POST /wfo/**", "GET /x"}})
				return h.Call()
			},
		},
		{"out_of_scope", "published has /api/**", func(_ *world, acme person, h holder) fields {
			acme.Patch("my", fields{"published": []any{"/api/**"}})
			return h.Call()
		}},
		{"out_of_scope", "dot segments", func(_ *world, acme person, h holder) fields {
			acme.Patch(key, fields{"scopes": []any{"* /**"}})
			return fields{"request": h.Head("GET /a/../b HTTP/1.1", time.Now())}
		}},
		{"out_of_scope", "encoded twice", func(_ *world, acme person, h holder) fields {
			acme.Patch(key, fields{"scopes": []any{"* /wfo/**"}})
			return fields{"request": h.Head("GET /wfo/%252e%252e/admin HTTP/1.1", time.Now())}
		}},
		{"out_of_scope", "may have 4096 bytes and 64 segments", func(_ *world, acme person, h holder) fields {
			acme.Patch(key, fields{"scopes": []any{"* /**"}})
			return fields{"request": h.Head("GET /"+strings.Repeat("a/", 64)+" HTTP/1.1", time.Now())}
		}},
		{"replayed", "sign each attempt anew", func(w *world, _ person, h holder) fields {
			call := h.Call()
			w.Root().Write("verify", call).Is(fields{"verdict": "valid"})
			return call
		}},
	} {
		clocked(t, row.verdict, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(key, fields{"scheme": "vrnt-1"})
			a := acme.Write("my/explain", row.call(w, acme, h))
			a.Is(fields{"verdict": row.verdict, "key_id": h.KeyID})
			if row.verdict == "valid" {
				if findings(a) != "" {
					t.Errorf("found %s", findings(a))
				}
				return
			}
			if findings(a) != row.verdict || !strings.Contains(about(a, row.verdict)["text"].(string), row.says) {
				t.Errorf("%s says %v, want %q", findings(a), about(a, row.verdict)["text"], row.says)
			}
		})
	}
}

// A clock in another time zone is told beside the rule.
func TestExplainClock(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		a := acme.Write("my/explain", h.CallAt(time.Now().Add(-2*time.Hour)))
		if a.Is(fields{"verdict": "too_old", "skew_seconds": -7200}); findings(a) != "clock_zone too_old" {
			t.Errorf("found %s", findings(a))
		}
	})
}
