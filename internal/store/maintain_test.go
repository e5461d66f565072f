package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// entry is one of the due index that leads to the key billing.
func (w *world) entry(name string) DueEntry {
	return DueEntry{at: location{familyKeys, "acme", apikey.External, name}, minute: start, of: chore}
}

// tends has a record looked after, and returns the operations.
func (w *world) tends(e DueEntry, want bool, tend maintain) []string {
	w.t.Helper()
	return w.s.Operations(func() {
		done, err := w.st.ApplyDue(w.t.Context(), w.s, e, tend)
		must(w.t, err)
		if done != want {
			w.t.Errorf("done: %t", done)
		}
	})
}

func stays(k *apikey.Key, _ *tenant.Tenant) (*apikey.Key, bool, error) { return k, false, nil }

func goes(*apikey.Key, *tenant.Tenant) (*apikey.Key, bool, error) { return nil, true, nil }

func fails(*apikey.Key, *tenant.Tenant) (*apikey.Key, bool, error) { return nil, false, errBroken }

func rotates(k *apikey.Key, _ *tenant.Tenant) (*apikey.Key, bool, error) {
	k, err := rotate(k, id(2), start)
	return k, false, err
}

// What looking after a key costs, and in which order: index entries before the record,
// the old entry last.
func TestOperationsOfTend(t *testing.T) {
	const path, due = "keys/acme/external/billing", "due/…/keys:acme:external:billing:c"
	drop := "delete due/2026011510/00/keys:acme:external:billing:c"
	base := newWorld(t)
	base.create("billing", id(1))
	for name, row := range map[string]struct {
		tend maintain
		want []string
	}{
		"nothing was due": {stays, []string{"get " + path, "put " + due, drop}},
		"rotated": {rotates, []string{
			"get " + path, "get ids/" + id(2), "put ids/" + id(2), "put " + due, "put " + path, drop,
		}},
		"destroyed": {goes, []string{
			"get " + path, "delete " + path, "get ids/" + id(1), "delete ids/" + id(1), drop,
		}},
		"disabled": {func(k *apikey.Key, _ *tenant.Tenant) (*apikey.Key, bool, error) {
			k, err := k.Disable("", "", admin, start)
			return k, false, err
		}, []string{"get " + path, "put " + due, "put " + path, drop}},
	} {
		t.Run(name, func(t *testing.T) {
			w := base.on(t, copied(t, base.s))
			_, err := w.st.Config(t.Context(), w.s)
			must(t, err)
			_, err = w.st.Tenant(t.Context(), w.s, "acme")
			must(t, err)
			expect(t, w.tends(w.entry("billing"), true, row.tend), row.want...)
			same(t, w.fresh().view(), w)
		})
	}
	w := base.on(t, copied(t, base.s))
	expect(
		t,
		w.tends(w.entry("nothing"), true, fails),
		"get keys/acme/external/nothing",
		"delete due/2026011510/00/keys:acme:external:nothing:c",
	)
	if _, err := w.st.ApplyDue(t.Context(), w.s, w.entry("billing"), fails); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
}

// A record that is due later in the same minute keeps its entry, and the minute stays open.
func TestTendLaterInTheMinute(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	e := w.entry("billing")
	e.minute = start.Add(97 * day) // expiry and retention
	if ops := w.tends(e, false, stays); len(storagetest.Only(ops, "put"))+len(storagetest.Only(ops, "delete")) != 0 {
		t.Errorf("%v", ops)
	}
}

// What another incarnation of the tenant has left is destroyed, and nothing else with it.
func TestTendOfTheFormerTenants(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.open("acme", "uid-of-another")
	w.tends(w.entry("billing"), true, fails)
	if left := w.s.Entries(t); left["keys/acme/external/billing"] != nil || left["ids/"+id(1)] != nil ||
		left["tenants/acme"] == nil {
		t.Errorf("left: %d entries", len(left))
	}
}

// Destroy takes what is damaged too, but nothing that a newer version has written.
func TestDestroy(t *testing.T) {
	for value, goes := range map[string]bool{"": true, "{": true, `{"schema":99}`: false} {
		w := newWorld(t)
		w.create("billing", id(1))
		if value != "" {
			w.s.Write(t, "keys/acme/external/billing", value)
		}
		err := w.st.Destroy(t.Context(), w.s, w.entry("billing"))
		if there := w.s.Entries(t)["keys/acme/external/billing"] != nil; there == goes || (err == nil) != goes {
			t.Errorf("%q: there %t, %v", value, there, err)
		}
		must(t, w.st.Destroy(t.Context(), w.s, w.entry("nothing")))
	}
}

// A key ID's entry goes only when its record says that it has no such version, and that
// is looked at under the record's lock.
func TestDropStray(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.s.Write(
		t,
		"ids/"+id(3),
		`{"schema":1,"family":"keys","tenant":"acme","kind":"external","name":"billing","uid":"uid-of-acme"}`,
	)
	drop := func(keyID string, want bool) []string {
		t.Helper()
		return w.s.Operations(func() {
			dropped, err := w.st.DropStray(t.Context(), w.s, keyID)
			must(t, err)
			if dropped != want {
				t.Errorf("%s dropped: %t", keyID, dropped)
			}
		})
	}
	expect(t, drop(id(1), false), "get ids/"+id(1), "get keys/acme/external/billing")
	expect(t, drop(id(2), false), "get ids/"+id(2))
	expect(
		t,
		drop(id(3), true),
		"get ids/"+id(3),
		"get keys/acme/external/billing",
		"get ids/"+id(3),
		"delete ids/"+id(3),
	)
	w.s.Write(t, "keys/acme/external/billing", "{")
	if dropped, err := w.st.DropStray(t.Context(), w.s, id(1)); dropped || !errors.Is(err, ErrCorrupt) ||
		!strings.Contains(err.Error(), "billing") {
		t.Errorf("of a damaged record: %t, %v", dropped, err)
	}
}

// The entry of a version that is being made stays, because the maker holds the lock until the record is written.
func TestDropStrayWaitsForWhoMakesAVersion(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	dropped := make(chan bool)
	w.change("billing", func(k *apikey.Key) (*apikey.Key, error) {
		w.s.StepIn(nil, func(op string) error {
			if op == "put ids/"+id(2) {
				w.s.StepIn(nil, nil)
				go func() {
					d, err := w.st.DropStray(t.Context(), w.s, id(2))
					dropped <- d || err != nil
				}()
			}
			return nil
		})
		return rotate(k, id(2), start)
	})
	if <-dropped || w.find(id(2)) == nil {
		t.Error("the entry of a living version is gone")
	}
}

// The entry of a tenant that was resumed while it was looked at stays: it is about that.
func TestEntryOfATenantChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	change := func(how func(*tenant.Tenant)) *tenant.Tenant {
		changed, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
			c := *old
			how(&c)
			c.Revision++
			return &c, nil
		})
		must(t, err)
		return changed
	}
	e := DueEntry{at: location{family: familyTenants, tenant: "acme"}, minute: start}
	path := duePath(start, e.at, e.of)
	drop := func(seen *tenant.Tenant, want bool) {
		t.Helper()
		done, err := w.st.DropTenantEntry(t.Context(), w.s, e, seen)
		must(t, err)
		if there := w.s.Entries(t)[path] != nil; done != want || there == want {
			t.Errorf("done %t, there %t", done, there)
		}
	}
	suspended := change(func(c *tenant.Tenant) { c.SuspendedAt = start })
	resumed := change(func(c *tenant.Tenant) { c.SuspendedAt, c.ResumedAt = time.Time{}, start })
	drop(suspended, false)
	drop(nil, false)
	drop(resumed, true)
	change(func(c *tenant.Tenant) { c.SuspendedAt = start })
	if again := change(
		func(c *tenant.Tenant) { c.SuspendedAt, c.ResumedAt = time.Time{}, start },
	); w.s.Entries(t)[path] == nil {
		t.Error("resumed twice within a second, the second time without an entry")
	} else {
		drop(again, true)
	}
}
