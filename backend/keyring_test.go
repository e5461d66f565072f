package backend_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// allowed returns a tenant whose keys gateways may fetch.
func allowed(w *world) person {
	acme := w.tenant("acme")
	w.root().
		write(
			"config",
			fields{"allow_local_verify": true, "keyring_max_age": "45s", "external_published": []any{"/wfo/**"}},
		)
	w.spa().patch("admin/tenants/acme", fields{"allow_local_verify": true, "published": []any{"/**", "/x"}})
	return acme
}

// A gateway gets all that it needs to judge a call as the engine does.
func TestKeyring(t *testing.T) {
	clocked(t, "named", func(t *testing.T, w *world) {
		acme := allowed(w)
		h := acme.key("my/external/keys/billing", fields{
			"scheme":        "vrnt-1",
			"compat":        []any{"path_query", "headers_sorted"},
			"scopes":        []any{"GET /wfo/**"},
			"allowed_cidrs": []any{"192.0.2.0/24"},
			"user":          "agent-7",
			"metadata":      fields{"team": "finance"},
			"ttl":           "10h",
			"overlap":       "1h",
		})
		a := w.root().read("keyring/" + h.keyID)
		a.is(fields{
			"key":              base64.RawURLEncoding.EncodeToString(h.secret),
			"max_age":          45,
			"tenant":           "acme",
			"kind":             "external",
			"name":             "billing",
			"key_id":           h.keyID,
			"version":          1,
			"state":            "current",
			"tenant_state":     "active",
			"scheme":           "vrnt-1",
			"user":             "agent-7",
			"replay":           "on",
			"window_past":      300,
			"window_future":    60,
			"expires_at":       stamp(10 * time.Hour),
			"successor_key_id": nil,
		})
		for name, want := range map[string][]string{
			"compat": {"path_query", "headers_sorted"}, "scopes": {"GET /wfo/**"}, "allowed_cidrs": {"192.0.2.0/24"},
		} {
			if got := fmt.Sprint(a.data[name]); got != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", name, a.data[name], want)
			}
		}
		if got := fmt.Sprint(a.data["published"]); got != "[[/wfo/**] [/** /x]]" {
			t.Errorf("published: %s", got)
		}
		w.must(w.tick())
		if v := acme.read("my/external/keys/billing").rows("versions")[0]; v["first_used_at"] == nil {
			t.Error("fetching a key is not noted as use")
		}
		next := acme.write("my/external/keys/billing/rotate", nil).str("current_key_id")
		w.root().
			read("keyring/" + h.keyID).
			is(fields{"state": "overlapping", "successor_key_id": next, "expires_at": stamp(time.Hour)})
		for _, step := range []struct {
			do    func()
			state string
		}{
			{func() { acme.write("my/external/keys/billing/disable", nil) }, "disabled"},
			{func() { acme.write("my/external/keys/billing/revoke", nil) }, "revoked"},
		} {
			step.do()
			w.root().read("keyring/" + h.keyID).is(fields{"state": step.state, "tenant_state": "active"})
		}
		w.spa().write("admin/tenants/acme/suspend", nil)
		w.root().read("keyring/" + h.keyID).is(fields{"tenant_state": "suspended"})
		w.spa().remove("admin/tenants/acme")
		w.root().refused(404, "key_id").read("keyring/" + h.keyID)
	})
	clocked(t, "leased", func(_ *testing.T, w *world) {
		acme := allowed(w)
		_, _, leased := app(acme, nil)
		w.root().read("keyring/" + leased.keyID).is(fields{"name": "app", "state": "current", "tenant": "acme"})
		acme.write("my/external/roles/app/revoke-leased", nil)
		w.root().read("keyring/" + leased.keyID).is(fields{"state": "revoked"})
	})
}

// It is shut unless the mount, and the provider or the tenant, have opened it and nobody has shut it.
func TestKeyringIsShut(t *testing.T) {
	clocked(t, "shut", func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		never := acme.write("my/external/keys/inside", fields{"reveal": "never"}).str("current_key_id")
		acme.patch("my", fields{"allow_local_verify": true})
		w.root().refused(403, "config allow_local_verify").read("keyring/" + h.keyID)
		w.root().write("config", fields{"allow_local_verify": true})
		w.root().read("keyring/" + h.keyID).is(fields{"key_id": h.keyID})
		w.root().refused(403, "reveal=never").read("keyring/" + never)
		for _, unknown := range []string{"0123456789abcdef", "short", "has%20space"} {
			w.root().refused(404, "key_id").read("keyring/" + unknown)
		}
		acme.refused(403, "").read("keyring/" + h.keyID)
		w.spa().patch("admin/tenants/acme", fields{"allow_local_verify": false})
		w.root().refused(403, "tenant").read("keyring/" + h.keyID)
		acme.patch("my", fields{"allow_local_verify": nil})
		acme.refused(400, "allow_local_verify").patch("my", fields{"allow_local_verify": true})
		w.spa().patch("admin/tenants/acme", fields{"allow_local_verify": true})
		w.root().read("keyring/" + h.keyID)
		acme.patch("my", fields{"allow_local_verify": false}).is(fields{"allow_local_verify": false})
		w.root().refused(403, "tenant").read("keyring/" + h.keyID)
	})
}

// What a key lets in is verified, told, and nothing else is.
func TestCompat(t *testing.T) {
	clocked(t, "vrnt-1", func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
		signed := func(shown, under string) fields { // a head whose target is not the one that was signed
			text := h.head("GET "+under+" HTTP/1.1", time.Now())
			return fields{"request": "GET " + shown + " HTTP/1.1" + text[len("GET "+under+" HTTP/1.1"):]}
		}
		w.root().write("verify", signed("/a?x=1", "/a%3Fx=1")).is(fields{"verdict": "bad_signature"})
		acme.refused(400, "compat").
			patch("my/external/keys/billing", fields{"compat": []any{"path_query", "path_decoded"}})
		acme.refused(400, "compat: key_ascii is for imported keys").
			patch("my/external/keys/billing", fields{"compat": []any{"key_ascii"}})
		acme.refused(400, "compat: name 2").
			patch("my/external/keys/billing", fields{"compat": []any{"path_query", "secret-in-the-wrong-place"}})
		acme.patch("my/external/keys/billing", fields{"compat": []any{"path_decoded", "param_order"}})
		w.root().write("verify", signed("/a%20b", "/a%20b")).is(fields{"verdict": "valid", "variant": nil})
		report := acme.read("my/report")
		for _, k := range report.rows("keys") {
			if fmt.Sprint(k["compat"]) != "[path_decoded param_order]" ||
				!strings.Contains(fmt.Sprint(k["failed"]), "lenient") {
				t.Errorf("report: %v", k)
			}
		}
	})
	clocked(t, "rfc9421", func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", nil)
		digest := signing.DigestBody([]byte("{}"))
		text := "POST /a?x=1 HTTP/1.1\nHost: api.example.com\nContent-Length: 2\nContent-Digest: " + digest + "\n"
		head, err := signing.ParseHead([]byte(text))
		w.must(err)
		added, err := signing.SignHead(signing.RFC9421, head, h.keyID, h.secret, time.Now())
		w.must(err)
		for _, a := range added {
			text += a.Name + ": " + a.Value + "\n"
		}
		w.root().
			write("verify", fields{"request": text}).
			is(fields{"verdict": "valid", "content_digest": digest, "scheme": "rfc9421", "variant": nil})
		w.root().write("verify", fields{"request": text}).is(fields{"verdict": "replayed"})
	})
}
