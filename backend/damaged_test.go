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
			w.Restart()
			w.Storage.Hooks(func(did, path string) error {
				if did == verb && path != "config" {
					panic("hunter2 is at " + path)
				}
				return nil
			}, nil)
			resp, err := w.Handle(o.who.Request(o.op, o.path, o.fields))
			w.Storage.Hooks(nil, nil)
			if a := newAnswer(t, o.who.Request(o.op, o.path, nil), resp, err); a.Status == 500 {
				a.Expect(500, "internal error")
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.who.Trying().Ask(o.op, o.path, o.fields)
		}()
		<-done // a lock that stays held would be a deadlock, which the bubble tells
	})
}

// The same for what Vault calls about leases, and for lookups of identities.
func TestPanicsElsewhereAreRecovered(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, _ := app(acme, nil)
		w.Restart()
		w.Storage.Hooks(func(string, string) error { panic("hunter2") }, nil)
		l.Renew(0).Expect(500, "internal error")
		l.End().Expect(500, "internal error")
		acme.Refused(500, "internal error").Read("my")
		w.Storage.Hooks(nil, nil)
		w.Vault.Change(func(v *vault) { v.Entities = nil; v.Groups = nil; v.Panics = true })
		w.Restart()
		acme.Refused(503, "identity").Read("my")
		w.Vault.Change(func(v *vault) { v.Panics = false })
		l.End().Expect(200, "")
	})
}

// An entry that is damaged or of a later version is refused and left alone.
func TestDamagedEntries(t *testing.T) {
	for _, row := range []struct {
		name, value string
		status      int
	}{{"damaged", `{"schema":1,"ver`, 500}, {"of a later version", `{"schema":99}`, 503}} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h, other := acme.Key(billing, nil), acme.Key("my/external/keys/other", nil)
			const path = "keys/acme/external/billing"
			w.Must(w.Storage.Put(context.Background(), &logical.StorageEntry{Key: path, Value: []byte(row.value)}))
			w.Restart()
			acme.Refused(row.status, "").Read(billing)
			acme.Refused(row.status, "").Write(billing, fields{"owner": "x"})
			acme.Refused(row.status, "").Write(billing+"/rotate", nil)
			acme.Refused(row.status, "").Remove(billing)
			w.Root().Refused(row.status, "").Write("verify", h.Call())
			entry, err := w.Storage.Get(context.Background(), path)
			w.Must(err)
			if string(entry.Value) != row.value {
				t.Error("rewritten")
			}
			other.Finds("valid")
		})
	}
}

// In a batch, a key whose record cannot be read fails nothing but its own items.
func TestDamagedEntryInABatch(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h, other := acme.Key(billing, nil), acme.Key("my/external/keys/other", nil)
		w.Must(
			w.Storage.Put(
				context.Background(),
				&logical.StorageEntry{Key: "keys/acme/external/billing", Value: []byte("{")},
			),
		)
		w.Restart()
		results := w.Root().Write("verify", fields{"batch": []any{h.Call(), other.Call()}}).Rows("results")
		if results[1]["verdict"] != "valid" || results[0]["valid"] != false {
			t.Errorf("%v", results)
		}
	})
}
