package paths_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// judges checks the verdicts of a batch, in order.
func judges(w *world, f fields, want ...string) {
	w.T.Helper()
	var got []string
	for _, r := range w.Root().Write("verify", f).Rows("results") {
		got = append(got, r["verdict"].(string))
		if r["valid"] != (r["verdict"] == "valid") {
			w.T.Errorf("valid is %v with verdict %v", r["valid"], r["verdict"])
		}
	}
	if !slices.Equal(got, want) {
		w.T.Errorf("verdicts %v, want %v", got, want)
	}
}

// Items are of any mix of keys, tenants and schemes; a bad one never fails the others,
// and the order is kept.
func TestVerifyBatch(t *testing.T) {
	for _, row := range []struct {
		verb logical.Operation
		form string
	}{
		{logical.UpdateOperation, "batch"},
		{logical.PatchOperation, "batch"},
		{logical.UpdateOperation, packedBatch},
		{logical.PatchOperation, packedBatch},
	} {
		clocked(t, fmt.Sprint(row.verb, " ", row.form), func(t *testing.T, w *world) {
			acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
			a := acme.Key("my/external/keys/billing", nil)
			m := acme.Key("my/internal/keys/orders", fields{"scheme": "hmac-sha256"})
			b := bolt.Key("my/external/keys/billing", nil)
			items := []any{
				a.Call(), a.Call()["request"], m.Call(), b.Call(),
				"rubbish", a.Forged(), withKeyID(b, "0123456789abcdef").Call(), 17, nil,
				[]any{},
				fields{},
				fields{"zeal": "x"},
				fields{"request": 1},
				fields{"message": "m"},
				fields{"request": "x", "message": "y"},
				fields{"request": "x", "client_ip": "y"},
				m.Call(),
			}
			want := []string{
				"valid acme",
				"valid acme",
				"valid acme",
				"valid bolt",
				"malformed",
				"bad_signature",
				"unknown_key",
				"malformed !",
				"malformed !",
				"malformed !",
				"malformed !",
				"malformed !",
				"malformed !",
				"malformed !",
				"malformed !",
				"malformed !",
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
			answer := w.Root().Ask(row.verb, "verify", batchOf(t, row.form, items))
			check(results(answer, row.form), want)
			if answer.Data["verdict"] != nil || answer.Data["valid"] != nil {
				t.Errorf("the whole has a verdict: %v", answer.Data)
			}
			own := bolt.Ask(row.verb, "my/verify", batchOf(t, row.form, []any{a.Call(), b.Call(), m.Call()}))
			check(results(own, row.form), []string{"unknown_key", "valid bolt", "unknown_key"})
			if row.form == packedBatch {
				answer.Is(fields{"key_ids": []any{a.KeyID, m.KeyID, b.KeyID}})
				own.Is(fields{"key_ids": []any{b.KeyID}}) // and nothing of what is unknown
				got := fmt.Sprint(answer.Data["verdicts"], own.Data["verdicts"])
				want := "map[bad_signature:1 malformed:10 unknown_key:1 valid:5] map[unknown_key:2 valid:1]"
				if got != want {
					t.Errorf("counted %s, want %s", got, want)
				}
			}
		})
	}
}

const packedBatch = "batch_json"

// batchOf returns the fields of a batch, as a list or as its text.
func batchOf(t *testing.T, form string, items []any) fields {
	t.Helper()
	if form == "batch" {
		return fields{form: items}
	}
	text, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	return fields{form: string(text)}
}

func results(a answer, form string) []fields {
	a.T.Helper()
	if form == "batch" {
		return a.Rows("results")
	}
	var told struct {
		Results  []fields
		Versions map[string]fields
	}
	if err := json.Unmarshal([]byte(a.Str("results_json")), &told); err != nil {
		a.T.Fatal(err)
	}
	for _, r := range told.Results {
		if id, ok := r["key_id"].(string); ok {
			maps.Copy(r, told.Versions[id])
		}
	}
	return told.Results
}

// The text of a batch is a list and nothing else, and is told what is wrong as a list is.
func TestPackedBatch(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", nil)
		one := batchOf(t, packedBatch, []any{h.Call()})[packedBatch].(string)
		many := batchOf(t, packedBatch, make([]any, 1001))[packedBatch].(string)
		for _, bad := range []any{
			"", "x", "null", "{}", "[]", "[", one + "x", one + one, many, "\"" + one, `["\x"]`, `[1e999]`,
			strings.Repeat("[", 20_000), 7,
			[]any{},
			[]any{one},
			fields{},
		} {
			w.Root().Refused(400, packedBatch).Write("verify", fields{packedBatch: bad})
			acme.Refused(400, packedBatch).Write("my/verify", fields{packedBatch: bad})
		}
		w.Root().Refused(400, packedBatch).Write("verify", fields{packedBatch: one, "batch": []any{h.Call()}})
		for name, v := range map[string]any{
			"client_ip": "x", "replay_check": "x", "signature": "x", "message": "x", "request": "x",
		} {
			w.Root().Refused(400, name).Write("verify", fields{packedBatch: one, name: v})
		}
		look := batchOf(t, packedBatch, []any{fields{"request": h.Call()["request"], "replay_check": false}})
		if r := results(w.Root().Write("verify", look), packedBatch)[0]; r["verdict"] != "malformed" {
			t.Errorf("looked, though policies cannot see it: %v", r)
		}
	})
}

func TestBatchBounds(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/billing", fields{"scheme": "hmac-sha256"})
		items := make([]any, 1001)
		for i := range items {
			items[i] = h.Call()
		}
		for _, target := range []struct {
			who  person
			path string
		}{{w.Root(), "verify"}, {acme, "my/verify"}, {acme, "my/external/sign/billing"}} {
			for _, bad := range []any{items, []any{}, "x", fields{"a": 1}, 7} {
				target.who.Refused(400, "batch").Write(target.path, fields{"batch": bad})
			}
		}
		for i, r := range w.Root().Write("verify", fields{"batch": items[:1000]}).Rows("results") {
			if r["verdict"] != "valid" {
				t.Fatalf("item %d: %v", i, r)
			}
		}
		toSign := make([]any, 1000)
		for i := range toSign {
			toSign[i] = fields{"message": fmt.Sprint("order ", i)}
		}
		signed := acme.Write("my/external/sign/billing", fields{"batch": toSign}).Rows("results")
		for i, r := range signed {
			signed[i] = fields{"message": fmt.Sprint("order ", i), "signature": r["signature"]}
			items[i] = signed[i]
		}
		for i, r := range acme.Write("my/verify", fields{"batch": items[:1000]}).Rows("results") {
			if r["verdict"] != "valid" {
				t.Fatalf("signed item %d: %v", i, r)
			}
		}
	})
}

// What stands beside a batch is checked once, and is the request's fault.
func TestBesideABatch(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		h := w.Tenant("acme").Key("my/external/keys/billing", nil)
		for name, v := range map[string]any{
			"client_ip": "x", "replay_check": "x", "signature": "x", "message": "x", "request": "x",
		} {
			w.Root().Refused(400, name).Write("verify", fields{"batch": []any{h.Call()}, name: v})
		}
		judges(w, fields{"batch": []any{h.Call()}, "client_ip": "192.0.2.1"}, "valid")
	})
}
