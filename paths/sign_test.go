package paths_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

func TestSign(t *testing.T) {
	for _, verb := range []logical.Operation{logical.UpdateOperation, logical.PatchOperation} {
		clocked(t, string(verb), func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key("my/external/keys/billing", fields{"scheme": "vrnt-1"})
			m := acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})

			head := "POST /orders?x=1 HTTP/1.1\nHost: api.example.com\nVerint-A: 1\nVerint-B: 2\n"
			a := acme.Ask(verb, "my/external/sign/billing", fields{"request": head})
			if a.Is(fields{"key_id": h.KeyID, "tenant": "acme"}); len(a.Warnings) != 0 {
				t.Errorf("warnings %v", a.Warnings)
			}
			signed := head
			for name, value := range a.Data["headers"].(fields) {
				signed += name + ": " + value.(string) + "\n"
			}
			judges(w,
				fields{"batch": []any{signed, strings.Replace(signed, "Verint-A: 1", "Verint-A: 2", 1)}},
				"valid",
				"bad_signature",
			)
			acme.Ask(verb, "my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: h\nVerint-B: " +
				"2\nVerint-A: 1"}).
				Warns("order")

			s := acme.Ask(verb, "my/external/sign/orders", fields{"message": "order 1"})
			s.Is(fields{"key_id": m.KeyID})
			call := fields{"message": "order 1", "signature": s.Str("signature")}
			w.Root().Write("verify", call).Is(fields{"verdict": "valid", "name": "orders"})

			for about, f := range map[string]fields{
				"signed already": {"request": signed},
				"request":        {},
				"scheme":         {"message": "m"},
				"signature":      {"request": head, "signature": "x"},
				"replay_check":   {"request": head, "replay_check": false},
				"malformed":      {"request": "rubbish"},
				"bytes":          {"message": strings.Repeat("x", 2<<20)},
			} {
				acme.Refused(400, about).Ask(verb, "my/external/sign/billing", f)
			}
			acme.Refused(400, "scheme").Ask(verb, "my/external/sign/orders", fields{"request": head})
			acme.Refused(404, "").Ask(verb, "my/internal/sign/billing", fields{"request": head})
		})
	}
}

// A batch to sign carries an error where an item could not be signed.
func TestSignBatch(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key("my/external/keys/billing", nil)
		head := "GET / HTTP/1.1\nHost: x\n"
		items := []any{
			head,
			fields{"request": head},
			"rubbish",
			7,
			fields{"message": "m"},
			fields{"signature": "x"},
			head,
		}
		shape := func() string {
			s := ""
			for _, r := range acme.Write("my/external/sign/billing", fields{"batch": items}).Rows("results") {
				if s += "+"; r["error"] != nil {
					s = s[:len(s)-1] + "-"
				}
			}
			return s
		}
		if got := shape(); got != "++----+" {
			t.Errorf("signed %s", got)
		}
		acme.Write("my/external/keys/billing/disable", nil)
		if got := shape(); got != "-------" {
			t.Errorf("disabled, signed %s", got)
		}
		r := acme.Write("my/external/sign/billing", fields{"batch": items}).Rows("results")
		if !strings.HasPrefix(r[0]["error"].(string), "disabled") {
			t.Errorf("%v", r[0])
		}
	})
}
