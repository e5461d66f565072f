package backend_test

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
func (a answer) findings() string {
	a.t.Helper()
	var ids []string
	for _, row := range a.rows("findings") {
		ids = append(ids, row["id"].(string))
		if row["text"] == "" {
			a.t.Errorf("%s: %v says nothing", a.asked, row["id"])
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// about returns what a finding says, which has to be there.
func (a answer) about(id string) fields {
	a.t.Helper()
	for _, row := range a.rows("findings") {
		if row["id"] == id {
			return row
		}
	}
	a.t.Fatalf("%s: no finding %s in %s", a.asked, id, a.findings())
	return nil
}

// mistaken returns a vrnt-1 call over whatever text, as a client with a mistake makes it.
func (h holder) mistaken(requestLine string, key []byte, text func(salt, iat string) string) fields {
	const salt = "oKGio6SlpqeoqaqrrK2urw"
	iat := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text(salt, iat)))
	sig := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	return fields{
		"request": requestLine + "\nAuthorization: Vrnt-1-HMAC-SHA256 salt=" + salt + ",iat=" + iat +
			",kid=" + h.keyID + ",sig=" + sig + "\n",
	}
}

// The mistake is named, the text that should have been signed is shown, and a key whose
// compat lets the mistake in has none.
func TestExplainMistakes(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
		query := func(salt, iat string) string { return salt + "\nGET\n/a?x=1\n" + iat + "\n\n" }
		call := h.mistaken("GET /a?x=1", h.secret, query)
		a := acme.write("my/explain", call)
		a.is(fields{
			"verdict":        "bad_signature",
			"tenant":         "acme",
			"key_id":         h.keyID,
			"name":           "billing",
			"kind":           "external",
			"scheme":         "vrnt-1",
			"string_to_sign": "oKGio6SlpqeoqaqrrK2urw\nGET\n/a\n" + stamp(0) + "\n\n",
			"server_time":    stamp(0),
			"skew_seconds":   0,
		})
		if got := a.findings(); got != "path_query" || a.about("path_query")["variant"] != "path_query" {
			t.Errorf("found %s, %v", got, a.data["findings"])
		}
		text := h.mistaken("GET /a?x=1", []byte(base64.RawURLEncoding.EncodeToString(h.secret)), query)
		a = acme.write("my/explain", text)
		if got := a.findings(); got != "key_ascii path_query" || a.about("key_ascii")["variant"] != "" {
			t.Errorf("found %s, %v", got, a.data["findings"])
		}
		acme.patch("my/external/keys/billing", fields{"compat": []any{"path_query"}})
		a = acme.write("tenants/acme/explain", call)
		if a.is(fields{"verdict": "valid"}); a.findings() != "" {
			t.Errorf("what is let in is found: %s", a.findings())
		}
		if got := acme.write("my/explain", text).findings(); got != "key_ascii" {
			t.Errorf("what is let in is found beside another mistake: %s", got)
		}
	})
}

// The body is compared, for rfc9421 keys; a message's mistakes are named too.
func TestExplainBodiesAndMessages(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/feed", nil)
		text := "POST /a HTTP/1.1\nHost: api.example.com\nContent-Length: 2\nContent-Digest: " + signing.DigestBody(
			[]byte("{}"),
		) + "\n"
		head, err := signing.ParseHead([]byte(text))
		w.must(err)
		added, err := signing.SignHead(h.scheme, head, h.keyID, h.secret, time.Now())
		w.must(err)
		for _, line := range added {
			text += line.Name + ": " + line.Value + "\n"
		}
		for body, want := range map[string]string{"{}": "", "{ }": "digest_mismatch"} {
			for name, sent := range map[string]string{
				"body": body, "body_base64": base64.StdEncoding.EncodeToString([]byte(body)),
			} {
				a := acme.write("my/explain", fields{"request": text, name: sent})
				if a.is(fields{"verdict": "valid", "scheme": "rfc9421"}); a.findings() != want {
					t.Errorf("%s %s: %s, want %q", name, body, a.findings(), want)
				}
			}
		}
		m := acme.key("my/internal/keys/queue", fields{"scheme": "hmac-sha256"})
		a := acme.write(
			"my/explain",
			fields{"message": "order 17", "signature": signing.SignTagged(m.keyID, m.secret, []byte("order 17\n"))},
		)
		a.is(fields{"verdict": "bad_signature", "string_to_sign": "order 17", "kind": "internal", "skew_seconds": nil})
		if a.findings() != "message_final_lf" {
			t.Errorf("found %s", a.findings())
		}
		if a = acme.write("my/explain", withKeyID(h, m.keyID).call()); a.findings() != "wrong_scheme" ||
			a.data["string_to_sign"] != nil {
			t.Errorf("another scheme: %v", a.data)
		}
		acme.refused(400, "body: goes with a request").
			write("my/explain", fields{"message": "m", "signature": "v1:x:y", "body": "b"})
		acme.refused(400, "body_base64: cannot be given together").
			write("my/explain", fields{"request": text, "body": "b", "body_base64": "Yg=="})
		acme.refused(400, "body_base64").write("my/explain", fields{"request": text, "body_base64": "?"})
		acme.refused(400, "request").write("my/explain", nil)
		acme.refused(400, "batch").write("my/explain", fields{"batch": []any{text}})
	})
}

// What has a right signature is told which rule said no, with the tenant's own settings.
func TestExplainRules(t *testing.T) {
	const key = "my/external/keys/billing"
	for _, row := range []struct {
		verdict, says string
		call          func(w *world, acme person, h holder) fields
	}{
		{"valid", "", func(_ *world, _ person, h holder) fields { return h.call() }},
		{"tenant_suspended", "Ask the provider", func(w *world, _ person, h holder) fields {
			w.spa().write("admin/tenants/acme/suspend", nil)
			return h.call()
		}},
		{
			"revoked", "for good",
			func(_ *world, acme person, h holder) fields { acme.write(key+"/revoke", nil); return h.call() },
		},
		{
			"disabled", "enable",
			func(_ *world, acme person, h holder) fields { acme.write(key+"/disable", nil); return h.call() },
		},
		{"expired", "Sign with its successor", func(_ *world, acme person, h holder) fields {
			acme.write(key+"/rotate", fields{"overlap": 0})
			return h.call()
		}},
		{
			"too_old", "301 seconds old, and may be 300",
			func(_ *world, _ person, h holder) fields { return h.callAt(time.Now().Add(-301 * time.Second)) },
		},
		{
			"too_new", "61 seconds ahead, and may be 60",
			func(_ *world, _ person, h holder) fields { return h.callAt(time.Now().Add(61 * time.Second)) },
		},
		{"source_denied", "client_ip is not given", func(_ *world, acme person, h holder) fields {
			acme.patch(key, fields{"allowed_cidrs": []any{"192.0.2.0/24"}})
			return h.call()
		}},
		{"source_denied", "198.51.100.9 is not allowed: allowed_cidrs has 192.0.2.0/24, 2001:db8::/32", func(_ *world, acme person, h holder) fields {
			acme.patch(key, fields{"allowed_cidrs": []any{"192.0.2.0/24", "2001:db8::/32"}})
			call := h.call()
			call["client_ip"] = "198.51.100.9"
			return call
		}},
		{"out_of_scope", "fits GET /wfo/agents: they are POST /wfo/**, GET /x", func(_ *world, acme person, h holder) fields {
			acme.patch(key, fields{"scopes": []any{"POST /wfo/**", "GET /x"}})
			return h.call()
		}},
		{"out_of_scope", "published has /api/**", func(_ *world, acme person, h holder) fields {
			acme.patch("my", fields{"published": []any{"/api/**"}})
			return h.call()
		}},
		{"out_of_scope", "dot segments", func(_ *world, acme person, h holder) fields {
			acme.patch(key, fields{"scopes": []any{"* /**"}})
			return fields{"request": h.head("GET /a/../b HTTP/1.1", time.Now())}
		}},
		{"out_of_scope", "encoded twice", func(_ *world, acme person, h holder) fields {
			acme.patch(key, fields{"scopes": []any{"* /wfo/**"}})
			return fields{"request": h.head("GET /wfo/%252e%252e/admin HTTP/1.1", time.Now())}
		}},
		{"out_of_scope", "may have 4096 bytes and 64 segments", func(_ *world, acme person, h holder) fields {
			acme.patch(key, fields{"scopes": []any{"* /**"}})
			return fields{"request": h.head("GET /"+strings.Repeat("a/", 64)+" HTTP/1.1", time.Now())}
		}},
		{"replayed", "sign each attempt anew", func(w *world, _ person, h holder) fields {
			call := h.call()
			w.root().write("verify", call).is(fields{"verdict": "valid"})
			return call
		}},
	} {
		clocked(t, row.verdict, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key(key, fields{"scheme": "vrnt-1"})
			a := acme.write("my/explain", row.call(w, acme, h))
			a.is(fields{"verdict": row.verdict, "key_id": h.keyID})
			if row.verdict == "valid" {
				if a.findings() != "" {
					t.Errorf("found %s", a.findings())
				}
				return
			}
			if a.findings() != row.verdict || !strings.Contains(a.about(row.verdict)["text"].(string), row.says) {
				t.Errorf("%s says %v, want %q", a.findings(), a.about(row.verdict)["text"], row.says)
			}
		})
	}
}

// A clock in another time zone is told beside the rule.
func TestExplainClock(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		a := acme.write("my/explain", h.callAt(time.Now().Add(-2*time.Hour)))
		if a.is(fields{"verdict": "too_old", "skew_seconds": -7200}); a.findings() != "clock_zone too_old" {
			t.Errorf("found %s", a.findings())
		}
	})
}
