package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
)

var farOff = time.Now().Add(24 * time.Hour)

// brokenAt has each write of an entry fail, without it being done.
func (w *world) brokenAt(path string, act func() error) {
	w.t.Helper()
	w.s.StepIn(func(op string) error {
		if op == "put "+path || op == "delete "+path {
			return errBroken
		}
		return nil
	}, nil)
	if err := act(); !errors.Is(err, errBroken) {
		w.t.Fatal(err)
	}
	w.s.StepIn(nil, nil)
}

// What became of a failed write is not known, so it is read each time, until it has been
// settled: what storage holds is written once more.
func TestSettle(t *testing.T) {
	const record, entry = "keys/acme/external/billing", "ids/KEYID00000000001"
	revoke := func(w *world) func() error {
		return func() error {
			return errOf(
				w.update("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) }),
			)
		}
	}
	w := newWorld(t)
	w.create("billing", id(1))
	w.brokenAt(record, revoke(w))
	expect(t, w.s.Operations(func() { w.key("billing") }), "get "+record)
	expect(t, w.s.Operations(func() { w.key("billing") }), "get "+record)
	expect(t, w.s.Operations(func() { must(t, w.st.Settle(t.Context(), w.s, time.Now())) })) // there is no time
	w.brokenAt(record, func() error { return w.st.Settle(t.Context(), w.s, farOff) })
	expect(
		t,
		storagetest.Only(w.s.Operations(func() { must(t, w.st.Settle(t.Context(), w.s, farOff)) }), "put"),
		"put "+record,
	)
	expect(t, w.s.Operations(func() { w.key("billing") }))
	expect(t, w.s.Operations(func() { must(t, w.st.Settle(t.Context(), w.s, farOff)) }))

	// A key that was not made: its entry is deleted again, and its record, should it still come.
	w = newWorld(t)
	w.brokenAt(entry, func() error { return errOf(w.update("billing", becomes(newKey(w.tenant, "billing", id(1))))) })
	if w.find(id(1)) != nil {
		t.Error("found")
	}
	expect(
		t,
		storagetest.Only(w.s.Operations(func() { must(t, w.st.Settle(t.Context(), w.s, farOff)) }), "delete"),
		"delete "+entry,
	)
	w.brokenAt(record, func() error { return errOf(w.update("billing", becomes(newKey(w.tenant, "billing", id(1))))) })
	expect(
		t,
		storagetest.Only(w.s.Operations(func() { must(t, w.st.Settle(t.Context(), w.s, farOff)) }), "delete"),
		"delete "+record,
	)
	if open := w.st.writes.all(); len(open) != 0 {
		t.Errorf("%v is unsettled", open)
	}
}

// A change that finds nothing to do leaves in memory what it has read, whatever was there.
func TestNoChangeLeavesWhatItHasRead(t *testing.T) {
	w := newWorld(t)
	k := w.create("billing", id(1))
	other := w.fresh()
	other.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) })
	if w.find(id(1)).Key.State() != apikey.Active {
		t.Fatal("it was not in memory")
	}
	if _, err := w.update("billing", func(k *apikey.Key) (*apikey.Key, error) { return k, nil }); err != nil {
		t.Fatal(err)
	}
	if got := w.find(id(1)).Key; got.State() != apikey.Revoked {
		t.Errorf("%s is %s", k.Name, got.State())
	}
}

// A key ID that is given up while its claim may still come is deleted, though it is not there.
func TestGivingUpWhatMayStillCome(t *testing.T) {
	const entry = "ids/KEYID00000000001"
	w := newWorld(t)
	w.brokenAt(entry, func() error { return errOf(w.update("billing", becomes(newKey(w.tenant, "billing", id(1))))) })
	at := location{familyKeys, w.tenant.Name, apikey.External, "billing"}
	expect(
		t,
		storagetest.Only(w.s.Operations(func() { must(t, w.st.unclaim(t.Context(), w.s, id(1), at)) }), "delete"),
		"delete "+entry,
	)
	expect(t, w.s.Operations(func() { must(t, w.st.unclaim(t.Context(), w.s, id(1), at)) }), "get "+entry)
}

// While the entry of a key ID may still change, it is read each time.
func TestKeyIDsThatMayStillChangeAreRead(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w = w.fresh()
	path := location{family: familyIDs, name: id(1)}.path()
	must(t, errOf(w.st.Config(t.Context(), w.s)))
	_ = w.st.writes.do(t.Context(), "acme", path, func() {}, func(context.Context) error { return errBroken })
	for range 2 {
		w.find(id(1))
		expect(t, storagetest.Only(w.s.Operations(func() { w.find(id(1)) }), "get"), "get "+path)
	}
	must(t, w.st.Settle(t.Context(), w.s, farOff))
	w.find(id(1))
	expect(t, w.s.Operations(func() { w.find(id(1)) }))
}
