package paths_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// A batch to sign in one text is answered in one text, with the same results as the list.
func TestPackedSigning(t *testing.T) {
	for _, verb := range []logical.Operation{logical.UpdateOperation, logical.PatchOperation} {
		clocked(t, string(verb), func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			m := acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})
			const path = "my/external/sign/orders"
			items := []any{
				fields{"message": "one"},
				fields{"message": "two", "reference": "2"},
				fields{"message": "x", "signature": "y"},
				fields{"message": "x", "client_ip": "192.0.2.1"},
				fields{"zeal": 1},
				7, "GET / HTTP/1.1\nHost: h\n",
			}
			want := acme.Ask(verb, path, fields{"batch": items}).Rows("results")
			a := acme.Ask(verb, path, batchOf(t, packedBatch, items))
			a.Is(fields{"key_ids": []any{m.KeyID}, "results": nil, "tenant": "acme"})
			if got := results(a, packedBatch); !reflect.DeepEqual(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
			w.Root().Write("verify", fields{"message": "two", "signature": want[1]["signature"]}).
				Is(fields{"verdict": "valid"})
			one := batchOf(t, packedBatch, items)[packedBatch]
			for _, bad := range []any{
				"", "x", "{}", "[]", one.(string) + "x", 7, "[" + strings.Repeat(" ", 4<<20) + "]",
			} {
				acme.Refused(400, packedBatch).Ask(verb, path, fields{packedBatch: bad})
			}
			acme.Refused(400, packedBatch).Ask(verb, path, fields{packedBatch: one, "batch": items})
			acme.Refused(400, "message").Ask(verb, path, fields{packedBatch: one, "message": "m"})
			acme.Write("my/external/keys/orders/disable", nil)
			none := acme.Ask(verb, path, batchOf(t, packedBatch, items))
			none.Is(fields{"key_ids": []any{}})
			if text := results(none, packedBatch)[0]["error"]; !strings.HasPrefix(fmt.Sprint(text), "disabled") {
				t.Errorf("disabled: %v", text)
			}
		})
	}
}

// A list of keys to import is the same as one text, whoever imports them.
func TestPackedImport(t *testing.T) {
	for _, provider := range []bool{false, true} {
		clocked(t, fmt.Sprint("provider ", provider), func(t *testing.T, w *world) {
			who, path := w.Tenant("acme"), "my/external/import"
			h, good := foreign(w, "GoodId_1")
			good = altered(altered(good, "metadata", fields{"a": "b"}), "scopes", []any{"GET /a/**"})
			if provider {
				who, path = w.Root(), "admin/import"
				good = altered(altered(good, "tenant", "acme"), "kind", "external")
				w.Root().Write("config", fields{"allow_import_until": stamp(time.Hour)})
			}
			other := altered(altered(good, "key_id", "OtherId1"), "name", "other")
			items := []any{
				good, altered(good, "name", "twice"), altered(other, "ttl", 3600),
				altered(altered(other, "key_id", "OtherId2"), "owner", 7),
				altered(altered(other, "key_id", "OtherId3"), "scopes", []any{1}),
				altered(altered(other, "key_id", "OtherId4"), "metadata", fields{"a": fields{}}),
				altered(other, "zeal", 1), "x", nil,
				[]any{},
			}
			text, err := json.Marshal(items)
			w.Must(err)
			packed := fields{"keys_json": string(text) + "\n", "dry_run": true}
			told := func(a answer) (all []string) {
				for _, r := range a.Rows("results") {
					about, _, _ := strings.Cut(fmt.Sprint(r["error"]), " ")
					all = append(all, fmt.Sprint(r["ok"], " ", about))
				}
				return all
			}
			want := []string{
				"true ", "false key_id:", "true ", "false owner:", "false scopes:", "false metadata:", "false an",
				"false keys_json:", "false keys_json:", "false keys_json:",
			}
			for _, dry := range []bool{true, false} {
				packed["dry_run"] = dry
				if got := told(who.Write(path, packed)); !slices.Equal(got, want) {
					t.Errorf("dry %v: %q, want %q", dry, got, want)
				}
			}
			h.Finds("out_of_scope")
			w.Someone("acme-admin", "acme").Read("my/external/keys/old-goodid_1").
				Is(fields{"metadata": fields{"a": "b"}, "provider_knows": provider})
			for _, bad := range []any{
				"", "x", "{}", "[]", "null", 7, items,
				string(text) + "x", "[" + strings.Repeat("{},", 1000) + "{}]", "[" + strings.Repeat(" ", 4<<20) + "]",
			} {
				who.Refused(400, "keys_json").Write(path, fields{"keys_json": bad})
			}
			who.Refused(400, "keys_json").Write(path, fields{"keys_json": string(text), "keys": items})
		})
	}
}

// The reference of an item comes back with its result, also where it is refused, and nowhere else.
func TestReferences(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})
		one := func(reference string) fields { return altered(h.Call(), "reference", reference) }
		items := []any{
			one("a/1 é"), h.Call(), altered(one("b"), "zeal", 1), h.Forged(), altered(one("c"), "client_ip", "x"),
		}
		const want = "[a/1 é <nil> b <nil> c]"
		for _, form := range []string{"batch", packedBatch} {
			for who, path := range map[person]string{w.Root(): "verify", acme: "my/verify"} {
				if got := references(results(who.Write(path, batchOf(t, form, items)), form)); got != want {
					t.Errorf("%s %s: %s, want %s", path, form, got, want)
				}
			}
			toSign := []any{
				fields{"message": "m", "reference": "a/1 é"},
				fields{"message": "m"},
				fields{"message": "m", "reference": "b", "zeal": 1},
				7,
				fields{"reference": "c"},
			}
			a := acme.Write("my/external/sign/orders", batchOf(t, form, toSign))
			if got := references(results(a, form)); got != want {
				t.Errorf("sign %s: %s, want %s", form, got, want)
			}
		}
		_, key := foreign(w, "GoodId_1")
		keys := []any{
			altered(key, "reference", "a/1 é"), 7, altered(altered(key, "reference", "b"), "zeal", 1), key,
			fields{"reference": "c"},
		}
		text, err := json.Marshal(keys)
		w.Must(err)
		for _, f := range []fields{{"keys": keys, "dry_run": true}, {"keys_json": string(text)}} {
			a := acme.Write("my/external/import", f)
			if got := references(a.Rows("results")); got != want || result(a, 0)["ok"] != true {
				t.Errorf("import: %s, want %s", got, want)
			}
		}
		w.Root().Refused(400, "reference").Write("verify", one("outside of a batch"))
		acme.Refused(400, "reference").Write("my/external/sign/orders", fields{"message": "m", "reference": "x"})
	})
}

func references(results []fields) string {
	var all []any
	for _, r := range results {
		all = append(all, r["reference"])
	}
	return fmt.Sprint(all)
}

// A reference that cannot come back as it is spoils its item, and is not quoted.
func TestBadReferences(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"})
		_, key := foreign(w, "GoodId_1")
		for _, bad := range []any{strings.Repeat("x", 257), "a\nb", "a\n", 7, true, []any{"x"}, fields{"a": "b"}} {
			for _, form := range []string{"batch", packedBatch} {
				call := []any{altered(h.Call(), "reference", bad)}
				judged := results(w.Root().Write("verify", batchOf(t, form, call)), form)[0]
				if judged["verdict"] != "malformed" {
					t.Errorf("%v: %v", bad, judged)
				}
				sign := batchOf(t, form, []any{fields{"message": "m", "reference": bad}})
				signed := results(acme.Write("my/external/sign/orders", sign), form)[0]
				isBad(t, judged)
				isBad(t, signed)
			}
			isBad(t, result(acme.Write("my/external/import", fields{"keys": []any{altered(key, "reference", bad)}}), 0))
			text, err := json.Marshal([]any{altered(key, "reference", bad)})
			w.Must(err)
			isBad(t, result(acme.Write("my/external/import", fields{"keys_json": string(text)}), 0))
		}
		for _, none := range []any{nil, ""} {
			sent := fields{"batch": []any{altered(h.Call(), "reference", none)}}
			r := results(w.Root().Write("verify", sent), "batch")[0]
			if _, there := r["reference"]; there || r["verdict"] != "valid" {
				t.Errorf("%v: %v", none, r)
			}
		}
	})
}

func isBad(t *testing.T, result fields) {
	t.Helper()
	if _, there := result["reference"]; there || !strings.HasPrefix(fmt.Sprint(result["error"]), "reference: ") {
		t.Errorf("%v", result)
	}
}
