package backend_test

import (
	"context"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// Whatever panics on the way, the caller gets a 500, nothing quotes what was at hand, no
// lock stays held, and the next request is answered.
func TestPanicsAreRecovered(t *testing.T) {
	perOperation(t, func(t *testing.T, w *world, o tried) {
		for _, verb := range []string{get, put, list} {
			w.restart()
			w.storage.hooks(func(did, path string) error {
				if did == verb && path != "config" {
					panic("hunter2 is at " + path)
				}
				return nil
			}, nil)
			resp, err := w.handle(o.who.request(o.op, o.path, o.fields))
			w.storage.hooks(nil, nil)
			if a := newAnswer(t, o.who.request(o.op, o.path, nil), resp, err); a.status == 500 {
				a.expect(500, "internal error")
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.who.trying().ask(o.op, o.path, o.fields)
		}()
		<-done // a lock that stays held would be a deadlock, which the bubble tells
	})
}

// The same for what Vault calls about leases, and for lookups of identities.
func TestPanicsElsewhereAreRecovered(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, _ := app(acme, nil)
		w.restart()
		w.storage.hooks(func(string, string) error { panic("hunter2") }, nil)
		l.renew(0).expect(500, "internal error")
		l.end().expect(500, "internal error")
		acme.refused(500, "internal error").read("my")
		w.storage.hooks(nil, nil)
		w.vault.change(func(v *vault) { v.entities = nil; v.groups = nil; v.panics = true })
		w.restart()
		acme.refused(503, "identity").read("my")
		w.vault.change(func(v *vault) { v.panics = false })
		l.end().expect(200, "")
	})
}

// An entry that is damaged or of a later version is refused and left alone.
func TestDamagedEntries(t *testing.T) {
	for _, row := range []struct {
		name, value string
		status      int
	}{{"damaged", `{"schema":1,"ver`, 500}, {"of a later version", `{"schema":99}`, 503}} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			h, other := acme.key(billing, nil), acme.key("my/external/keys/other", nil)
			const path = "keys/acme/external/billing"
			w.must(w.storage.Put(context.Background(), &logical.StorageEntry{Key: path, Value: []byte(row.value)}))
			w.restart()
			acme.refused(row.status, "").read(billing)
			acme.refused(row.status, "").write(billing, fields{"owner": "x"})
			acme.refused(row.status, "").write(billing+"/rotate", nil)
			acme.refused(row.status, "").remove(billing)
			w.root().refused(row.status, "").write("verify", h.call())
			entry, err := w.storage.Get(context.Background(), path)
			w.must(err)
			if string(entry.Value) != row.value {
				t.Error("rewritten")
			}
			other.finds("valid")
		})
	}
}

// In a batch, a key whose record cannot be read fails nothing but its own items.
func TestDamagedEntryInABatch(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h, other := acme.key(billing, nil), acme.key("my/external/keys/other", nil)
		w.must(
			w.storage.Put(
				context.Background(),
				&logical.StorageEntry{Key: "keys/acme/external/billing", Value: []byte("{")},
			),
		)
		w.restart()
		results := w.root().write("verify", fields{"batch": []any{h.call(), other.call()}}).rows("results")
		if results[1]["verdict"] != "valid" || results[0]["valid"] != false {
			t.Errorf("%v", results)
		}
	})
}
