package paths_test

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
	acme := w.Tenant("acme")
	w.Root().
		Write(
			"config",
			fields{"allow_local_verify": true, "keyring_max_age": "45s", "external_published": []any{"/wfo/**"}},
		)
	w.SPA().Patch("admin/tenants/acme", fields{"allow_local_verify": true, "published": []any{"/**", "/x"}})
	return acme
}

// A gateway gets all that it needs to judge a call as the engine does.
func TestKeyring(t *testing.T) {
	clocked(t, "named", func(t *testing.T, w *world) {
		acme := allowed(w)
		h := acme.Key("my/external/keys/billing", fields{
			"scheme":        "vrnt-1",
			"compat":        []any{"path_query", "headers_sorted"},
			"scopes":        []any{"GET /wfo/**"},
			"allowed_cidrs": []any{"192.0.2.0/24"},
			"user":          "agent-7",
			"metadata":      fields{"team": "finance"},
			"ttl":           "10h",
			"overlap":       "1h",
		})
		a := w.Root().Read("keyring/" + h.KeyID)
		a.Is(fields{
			"key":              base64.RawURLEncoding.EncodeToString(h.Secret),
			"max_age":          45,
			"tenant":           "acme",
			"kind":             "external",
			"name":             "billing",
			"key_id":           h.KeyID,
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
			if got := fmt.Sprint(a.Data[name]); got != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", name, a.Data[name], want)
			}
		}
		if got := fmt.Sprint(a.Data["published"]); got != "[[/wfo/**] [/** /x]]" {
			t.Errorf("published: %s", got)
		}
		w.Must(w.Tick())
		if v := acme.Read("my/external/keys/billing").Rows("versions")[0]; v["first_used_at"] == nil {
			t.Error("fetching a key is not noted as use")
		}
		next := acme.Write("my/external/keys/billing/rotate", nil).Str("current_key_id")
		w.Root().
			Read("keyring/" + h.KeyID).
			Is(fields{"state": "overlapping", "successor_key_id": next, "expires_at": stamp(time.Hour)})
		for _, step := range []struct {
			do    func()
			state string
		}{
			{func() { acme.Write("my/external/keys/billing/disable", nil) }, "disabled"},
			{func() { acme.Write("my/external/keys/billing/revoke", nil) }, "revoked"},
		} {
			step.do()
			w.Root().Read("keyring/" + h.KeyID).Is(fields{"state": step.state, "tenant_state": "active"})
		}
		w.SPA().Write("admin/tenants/acme/suspend", nil)
		w.Root().Read("keyring/" + h.KeyID).Is(fields{"tenant_state": "suspended"})
		w.SPA().Remove("admin/tenants/acme")
		w.Root().Refused(404, "key_id").Read("keyring/" + h.KeyID)
	})
	clocked(t, "leased", func(_ *testing.T, w *world) {
		acme := allowed(w)
		_, _, leased := app(acme, nil)
		w.Root().Read("keyring/" + leased.KeyID).Is(fields{"name": "app", "state": "current", "tenant": "acme"})
		acme.Write("my/external/roles/app/revoke-leased", nil)
		w.Root().Read("keyring/" + leased.KeyID).Is(fields{"state": "revoked"})
	})
}

// It is shut unless the mount, and the provider or the tenant, have opened it and nobody has shut it.
func TestKeyringIsShut(t *testing.T) {
	clocked(t, "shut", func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		never := acme.Write("my/external/keys/inside", fields{"reveal": "never"}).Str("current_key_id")
		acme.Patch("my", fields{"allow_local_verify": true})
		w.Root().Refused(403, "config allow_local_verify").Read("keyring/" + h.KeyID)
		w.Root().Write("config", fields{"allow_local_verify": true})
		w.Root().Read("keyring/" + h.KeyID).Is(fields{"key_id": h.KeyID})
		w.Root().Refused(403, "reveal=never").Read("keyring/" + never)
		for _, unknown := range []string{"0123456789abcdef", "short", "has%20space"} {
			w.Root().Refused(404, "key_id").Read("keyring/" + unknown)
		}
		acme.Refused(403, "").Read("keyring/" + h.KeyID)
		w.SPA().Patch("admin/tenants/acme", fields{"allow_local_verify": false})
		w.Root().Refused(403, "tenant").Read("keyring/" + h.KeyID)
		acme.Patch("my", fields{"allow_local_verify": nil})
		acme.Refused(400, "allow_local_verify").Patch("my", fields{"allow_local_verify": true})
		w.SPA().Patch("admin/tenants/acme", fields{"allow_local_verify": true})
		w.Root().Read("keyring/" + h.KeyID)
		acme.Patch("my", fields{"allow_local_verify": false}).Is(fields{"allow_local_verify": false})
		w.Root().Refused(403, "tenant").Read("keyring/" + h.KeyID)
	})
}

// What a key lets in is verified, told, and nothing else is.
func TestCompat(t *testing.T) {
	clocked(t, "vrnt-1", func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
		signed := func(shown, under string) fields { // a head whose target is not the one that was signed
			text := h.Head("GET "+under+" HTTP/1.1", time.Now())
			return fields{"request": "GET " + shown + " HTTP/1.1" + text[len("GET "+under+" HTTP/1.1"):]}
		}
		w.Root().Write("verify", signed("/a?x=1", "/a%3Fx=1")).Is(fields{"verdict": "bad_signature"})
		acme.Refused(400, "compat").
			Patch("my/external/keys/billing", fields{"compat": []any{"path_query", "path_decoded"}})
		acme.Refused(400, "compat: key_ascii is for imported keys").
			Patch("my/external/keys/billing", fields{"compat": []any{"key_ascii"}})
		acme.Refused(400, "compat: name 2").
			Patch("my/external/keys/billing", fields{"compat": []any{"path_query", "secret-in-the-wrong-place"}})
		acme.Patch("my/external/keys/billing", fields{"compat": []any{"path_decoded", "param_order"}})
		w.Root().Write("verify", signed("/a%20b", "/a%20b")).Is(fields{"verdict": "valid", "variant": nil})
		report := acme.Read("my/report")
		for _, k := range report.Rows("keys") {
			if fmt.Sprint(k["compat"]) != "[path_decoded param_order]" ||
				!strings.Contains(fmt.Sprint(k["failed"]), "lenient") {
				t.Errorf("report: %v", k)
			}
		}
	})
	clocked(t, "rfc9421", func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		digest := signing.DigestBody([]byte("{}"))
		text := "POST /a?x=1 HTTP/1.1\nHost: api.example.com\nContent-Length: 2\nContent-Digest: " + digest + "\n"
		head, err := signing.ParseHead([]byte(text))
		w.Must(err)
		added, err := signing.SignHead(signing.RFC9421, head, h.KeyID, h.Secret, time.Now())
		w.Must(err)
		for _, a := range added {
			text += a.Name + ": " + a.Value + "\n"
		}
		w.Root().
			Write("verify", fields{"request": text}).
			Is(fields{"verdict": "valid", "content_digest": digest, "scheme": "rfc9421", "variant": nil})
		w.Root().Write("verify", fields{"request": text}).Is(fields{"verdict": "replayed"})
	})
}
