package backend_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// judges checks the verdicts of a batch, in order.
func (w *world) judges(f fields, want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.root().write("verify", f).rows("results") {
		got = append(got, r["verdict"].(string))
		if r["valid"] != (r["verdict"] == "valid") {
			w.t.Errorf("valid is %v with verdict %v", r["valid"], r["verdict"])
		}
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("verdicts %v, want %v", got, want)
	}
}

// Items are of any mix of keys, tenants and schemes; a bad one never fails the others,
// and the order is kept.
func TestVerifyBatch(t *testing.T) {
	for _, verb := range []logical.Operation{logical.UpdateOperation, logical.PatchOperation} {
		clocked(t, string(verb), func(t *testing.T, w *world) {
			acme, bolt := w.tenant("acme"), w.tenant("bolt")
			a := acme.key("my/external/keys/billing", nil)
			m := acme.key("my/internal/keys/orders", fields{"scheme": "hmac-sha256"})
			b := bolt.key("my/external/keys/billing", nil)
			items := []any{
				a.call(), a.call()["request"], m.call(), b.call(),
				"rubbish", a.forged(), withKeyID(b, "0123456789abcdef").call(), 17, nil,
				[]any{},
				fields{},
				fields{"zeal": "x"},
				fields{"request": 1},
				fields{"message": "m"},
				fields{"request": "x", "message": "y"},
				fields{"request": "x", "client_ip": "y"},
				m.call(),
			}
			want := []string{
				"valid acme", "valid acme", "valid acme", "valid bolt",
				"malformed", "bad_signature", "unknown_key", "malformed !", "malformed !", "malformed !", "malformed !", "malformed !",
				"malformed !", "malformed !", "malformed !", "malformed !",
				"valid acme",
			}
			check := func(results []fields, want []string) {
				t.Helper()
				for i, r := range results {
					got := fmt.Sprint(r["verdict"])
					if r["tenant"] != nil {
						got += " " + r["tenant"].(string)
					}
					if r["error"] != nil {
						got += " !"
					}
					if got != want[i] {
						t.Errorf("item %d: %s, want %s (%v)", i, got, want[i], r["error"])
					}
				}
				if len(results) != len(want) {
					t.Errorf("%d results", len(results))
				}
			}
			answer := w.root().ask(verb, "verify", fields{"batch": items})
			check(answer.rows("results"), want)
			if answer.data["verdict"] != nil || answer.data["valid"] != nil {
				t.Errorf("the whole has a verdict: %v", answer.data)
			}
			own := bolt.ask(verb, "my/verify", fields{"batch": []any{a.call(), b.call(), m.call()}})
			check(own.rows("results"), []string{"unknown_key", "valid bolt", "unknown_key"})
		})
	}
}

func TestBatchBounds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key("my/external/keys/billing", fields{"scheme": "hmac-sha256"})
		items := make([]any, 1001)
		for i := range items {
			items[i] = h.call()
		}
		for _, target := range []struct {
			who  person
			path string
		}{{w.root(), "verify"}, {acme, "my/verify"}, {acme, "my/external/sign/billing"}} {
			for _, bad := range []any{items, []any{}, "x", fields{"a": 1}, 7} {
				target.who.refused(400, "batch").write(target.path, fields{"batch": bad})
			}
		}
		for i, r := range w.root().write("verify", fields{"batch": items[:1000]}).rows("results") {
			if r["verdict"] != "valid" {
				t.Fatalf("item %d: %v", i, r)
			}
		}
		toSign := make([]any, 1000)
		for i := range toSign {
			toSign[i] = fields{"message": fmt.Sprint("order ", i)}
		}
		signed := acme.write("my/external/sign/billing", fields{"batch": toSign}).rows("results")
		for i, r := range signed {
			signed[i] = fields{"message": fmt.Sprint("order ", i), "signature": r["signature"]}
			items[i] = signed[i]
		}
		for i, r := range acme.write("my/verify", fields{"batch": items[:1000]}).rows("results") {
			if r["verdict"] != "valid" {
				t.Fatalf("signed item %d: %v", i, r)
			}
		}
	})
}

// What stands beside a batch is checked once, and is the request's fault.
func TestBesideABatch(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		h := w.tenant("acme").key("my/external/keys/billing", nil)
		for name, v := range map[string]any{"client_ip": "x", "replay_check": "x", "signature": "x", "message": "x", "request": "x"} {
			w.root().refused(400, name).write("verify", fields{"batch": []any{h.call()}, name: v})
		}
		w.judges(fields{"batch": []any{h.call()}, "client_ip": "192.0.2.1"}, "valid")
	})
}

func TestSign(t *testing.T) {
	for _, verb := range []logical.Operation{logical.UpdateOperation, logical.PatchOperation} {
		clocked(t, string(verb), func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
			m := acme.key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})

			head := "POST /orders?x=1 HTTP/1.1\nHost: api.example.com\nVerint-A: 1\nVerint-B: 2\n"
			a := acme.ask(verb, "my/external/sign/billing", fields{"request": head})
			if a.is(fields{"key_id": h.keyID, "tenant": "acme"}); len(a.warnings) != 0 {
				t.Errorf("warnings %v", a.warnings)
			}
			signed := head
			for name, value := range a.data["headers"].(fields) {
				signed += name + ": " + value.(string) + "\n"
			}
			w.judges(fields{"batch": []any{signed, strings.Replace(signed, "Verint-A: 1", "Verint-A: 2", 1)}}, "valid", "bad_signature")
			acme.ask(verb, "my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: h\nVerint-B: 2\nVerint-A: 1"}).warns("order")

			s := acme.ask(verb, "my/external/sign/orders", fields{"message": "order 1"})
			s.is(fields{"key_id": m.keyID})
			call := fields{"message": "order 1", "signature": s.str("signature")}
			w.root().write("verify", call).is(fields{"verdict": "valid", "name": "orders"})

			for about, f := range map[string]fields{
				"signed already": {"request": signed},
				"request":        {},
				"scheme":         {"message": "m"},
				"signature":      {"request": head, "signature": "x"},
				"replay_check":   {"request": head, "replay_check": false},
				"malformed":      {"request": "rubbish"},
				"bytes":          {"message": strings.Repeat("x", 2<<20)},
			} {
				acme.refused(400, about).ask(verb, "my/external/sign/billing", f)
			}
			acme.refused(400, "scheme").ask(verb, "my/external/sign/orders", fields{"request": head})
			acme.refused(404, "").ask(verb, "my/internal/sign/billing", fields{"request": head})
		})
	}
}

// A batch to sign carries an error where an item could not be signed.
func TestSignBatch(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key("my/external/keys/billing", nil)
		head := "GET / HTTP/1.1\nHost: x\n"
		items := []any{head, fields{"request": head}, "rubbish", 7, fields{"message": "m"}, fields{"signature": "x"}, head}
		shape := func() string {
			s := ""
			for _, r := range acme.write("my/external/sign/billing", fields{"batch": items}).rows("results") {
				if s += "+"; r["error"] != nil {
					s = s[:len(s)-1] + "-"
				}
			}
			return s
		}
		if got := shape(); got != "++----+" {
			t.Errorf("signed %s", got)
		}
		acme.write("my/external/keys/billing/disable", nil)
		if got := shape(); got != "-------" {
			t.Errorf("disabled, signed %s", got)
		}
		r := acme.write("my/external/sign/billing", fields{"batch": items}).rows("results")
		if !strings.HasPrefix(r[0]["error"].(string), "disabled") {
			t.Errorf("%v", r[0])
		}
	})
}
