package paths_test

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// told is what an answer tells about a key once the signature is right.
var told = []string{"expires_at", "key_id", "kind", "name", "scheme", "server_time", "state", "tenant", "version"}

// Each verdict that this version knows, by both paths and both verbs. What is told before
// the signature was found right is nothing at all.
func TestVerdicts(t *testing.T) {
	const key = "my/external/keys/billing"
	for _, row := range []struct {
		verdict string
		call    func(w *world, acme person, h holder) fields
	}{
		{"malformed", func(*world, person, holder) fields { return fields{"request": "GET / HTTP/1.1\nHost: x"} }},
		{"malformed", func(*world, person, holder) fields { return fields{"request": "rubbish"} }},
		{"malformed", func(*world, person, holder) fields { return fields{"request": ""} }},
		{"malformed", func(*world, person, holder) fields { return fields{"message": "m", "signature": "v2:x"} }},
		{"malformed", func(_ *world, _ person, h holder) fields {
			return fields{"request": h.Call()["request"].(string) + "Signature: a=:b:\n"} // of two schemes
		}},
		{"malformed", func(_ *world, _ person, h holder) fields {
			return fields{"request": h.Call()["request"].(string) + "Host: twice.example.com\n"}
		}},
		{"unknown_key", func(_ *world, _ person, h holder) fields { return withKeyID(h, "0123456789abcdef").Call() }},
		{"bad_signature", func(_ *world, _ person, h holder) fields { return h.Forged() }},
		{"bad_signature", func(_ *world, _ person, h holder) fields { // in another scheme than its key's
			h.Scheme = "hmac-sha256"
			return h.Call()
		}},
		{"tenant_suspended", func(w *world, _ person, h holder) fields {
			w.SPA().Write("admin/tenants/acme/suspend", nil)
			return h.Call()
		}},
		{"revoked", func(_ *world, acme person, h holder) fields { acme.Write(key+"/revoke", nil); return h.Call() }},
		{"disabled", func(_ *world, acme person, h holder) fields { acme.Write(key+"/disable", nil); return h.Call() }},
		{"expired", func(_ *world, _ person, h holder) fields { wait(90 * 24 * time.Hour); return h.Call() }},
		{"too_old", func(_ *world, _ person, h holder) fields { return h.CallAt(time.Now().Add(-301 * time.Second)) }},
		{"too_new", func(_ *world, _ person, h holder) fields { return h.CallAt(time.Now().Add(61 * time.Second)) }},
		{"replayed", func(w *world, _ person, h holder) fields {
			call := h.Call()
			w.Verdict(call)
			return call
		}},
		{"valid", func(_ *world, _ person, h holder) fields { return h.Call() }},
		{"valid", func(_ *world, _ person, h holder) fields { return h.CallAt(time.Now().Add(-300 * time.Second)) }},
		{"valid", func(_ *world, _ person, h holder) fields { return h.CallAt(time.Now().Add(60 * time.Second)) }},
	} {
		for _, by := range []string{"platform", "tenant"} {
			for _, verb := range []logical.Operation{logical.UpdateOperation, logical.PatchOperation} {
				clocked(t, row.verdict+" "+by+" "+string(verb), func(t *testing.T, w *world) {
					acme := w.Tenant("acme")
					h := acme.Key(key, fields{"metadata": fields{"team": "red"}})
					call := row.call(w, acme, h)
					who, path := w.Root(), "verify"
					if by == "tenant" {
						who, path = acme, "my/verify"
					}
					judged(t, who.Ask(verb, path, call), row.verdict)
				})
			}
		}
	}
}

// judged checks the verdict and what goes with it.
func judged(t *testing.T, a answer, verdict string) {
	t.Helper()
	a.Is(fields{"verdict": verdict, "valid": verdict == "valid"})
	want := []string{"valid", "verdict"}
	if !slices.Contains([]string{"malformed", "unknown_key", "bad_signature"}, verdict) {
		want = append(append(want, told...), "metadata")
		a.Is(fields{"tenant": "acme", "kind": "external", "name": "billing", "version": 1, "server_time": stamp(0)})
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(a.Data)); !slices.Equal(got, want) {
		t.Errorf("tells %v, want %v", got, want)
	}
}

// The order of judging is the precedence between states.
func TestPrecedence(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		const key = "my/external/keys/billing"
		h := acme.Key(key, nil)
		old := h.CallAt(time.Now().Add(-time.Hour))
		look := maps.Clone(old)
		look["replay_check"] = false
		for _, step := range []struct {
			verdict string
			then    func()
		}{
			{"too_old", func() { acme.Write(key+"/disable", fields{"key_id": h.KeyID}) }},
			{"disabled", func() { acme.Write(key+"/revoke", fields{"key_id": h.KeyID}) }},
			{"revoked", func() { wait(91 * 24 * time.Hour) }},
			{"revoked", func() { w.SPA().Write("admin/tenants/acme/suspend", nil) }},
			{"tenant_suspended", func() { w.SPA().Remove("admin/tenants/acme") }},
			{"unknown_key", func() {}},
		} {
			w.Root().Write("verify", look).Is(fields{"verdict": step.verdict})
			step.then()
		}
	})
}

// Expiry is exact to the second.
func TestExpiryIsExact(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", fields{"ttl": 3600})
		wait(time.Hour - time.Nanosecond)
		h.Finds("valid")
		acme.Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"})
		wait(time.Nanosecond)
		h.Finds("expired")
		acme.Refused(400, "expired").
			Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"})
	})
}

// A tenant's own window only narrows, and counts at once.
func TestWindowPerTenant(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h, other := acme.Key("my/external/keys/billing", nil), bolt.Key("my/external/keys/billing", nil)
		acme.Patch("my", fields{"window_past": 30, "window_future": 5})
		for seconds, want := range map[int]string{-31: "too_old", -30: "valid", 5: "valid", 6: "too_new"} {
			w.Root().
				Write("verify", h.CallAt(time.Now().Add(time.Duration(seconds)*time.Second))).
				Is(fields{"verdict": want})
			w.Root().
				Write("verify", other.CallAt(time.Now().Add(time.Duration(seconds)*time.Second))).
				Is(fields{"verdict": "valid"})
		}
	})
}

// A call in our own API that is wrong is a 400, whatever it is about.
func TestMalformedCallsOfOurs(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		h := w.Tenant("acme").Key("my/external/keys/billing", nil)
		good := h.Call()["request"]
		for about, f := range map[string]fields{
			"request":        {},
			"request_base64": {"request_base64": "a b"},
			"message":        {"message": fields{"a": 1}, "signature": "x"},
			"message_base64": {"message_base64": "eA", "signature": "x"}, // without its padding
			"signature":      {"message": "m"},
			"goes with":      {"request": good, "signature": "x"},
			"together":       {"request": good, "message": "m"},
			"client_ip":      {"request": good, "client_ip": "everywhere"},
			"replay_check":   {"request": good, "replay_check": "maybe"},
			"beside batch":   {"request": good, "batch": []any{good}},
		} {
			w.Root().Refused(400, about).Write("verify", f)
		}
		w.Root().
			Write("verify", fields{"request": good, "client_ip": "2001:db8::1", "replay_check": "true"}).
			Is(fields{"verdict": "valid"})
	})
}

// Heads and messages may come in base64, and lines end in LF or CRLF.
func TestSpellings(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		m := acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})
		head := h.Call()["request"].(string)
		crlf := strings.ReplaceAll(h.Call()["request"].(string), "\n", "\r\n") + "\r\n"
		call := m.Call()
		for _, f := range []fields{
			{"request": head},
			{"request": crlf},
			{"request_base64": base64.StdEncoding.EncodeToString([]byte(h.Call()["request"].(string)))},
			call,
			{
				"message_base64": base64.StdEncoding.EncodeToString([]byte(call["message"].(string))),
				"signature":      call["signature"],
			},
		} {
			w.Root().Write("verify", f).Is(fields{"verdict": "valid"})
		}
	})
}
