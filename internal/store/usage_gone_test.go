package store

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// The uses of a destroyed key are forgotten, and those of a version that is trimmed; those
// beside are not, nor is one that is noted too late kept for ever.
func TestUsesGoWithTheirVersions(t *testing.T) {
	trim := func(w *world) {
		_, err := w.update("billing", func(k *apikey.Key) (*apikey.Key, error) {
			c := *k
			c.Versions, c.Revision = c.Versions[1:], c.Revision+1
			return &c, nil
		})
		must(w.t, err)
	}
	for name, end := range map[string]func(w *world){
		"destroyed": func(w *world) { must(w.t, w.st.Destroy(w.t.Context(), w.s, w.entry("billing"))) },
		"trimmed":   trim,
	} {
		w := newWorld(t)
		w.create("billing", id(1))
		k, err := w.update("billing", func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, id(2), start) })
		must(t, err)
		beside := w.create("beside", id(3))
		w.st.Used(k, id(1), "", minute(1))
		w.st.Used(k, id(2), "", minute(1))
		w.st.Used(beside, id(3), "", minute(1))
		w.flush()
		w.st.Used(k, id(1), "", minute(2))
		end(w)
		w.flush()
		w.uses(id(1), Use{}, Use{})
		stays := Use{minute(1), minute(1), ""}
		if name == "destroyed" {
			w.uses(id(2), Use{}, Use{})
		} else {
			w.uses(id(2), stays, stays)
		}
		if got := w.lastUsed(beside).At; !got.Equal(minute(1)) {
			t.Errorf("%s: beside: %s", name, got)
		}
		w.st.Used(k, id(1), "", minute(3)) // a call that was under way
		w.flush()
		for _, part := range w.parts("uid-of-acme/") {
			if _, err := w.st.PruneUsage(t.Context(), w.s, part, func(string) bool { return false }); err != nil {
				t.Error(err)
			}
		}
		w.flush()
		if name == "destroyed" { // a trimmed version's ID leads to its key
			w.uses(id(1), Use{}, Use{})
		}
	}
}

// A key that is destroyed while its uses are being written is forgotten with the next flush.
func TestKeyThatGoesWhileItsUsesAreWritten(t *testing.T) {
	w := newWorld(t)
	k := w.create("billing", id(1))
	w.st.Used(k, id(1), "", minute(1))
	w.s.StepIn(nil, func(op string) error {
		if op == "put usage/uid-of-acme/x" {
			w.st.usage.forget(locate(k), k, nil)
		}
		return nil
	})
	w.flush()
	w.s.StepIn(nil, nil)
	w.flush()
	w.uses(id(1), Use{}, Use{})
}

// parts returns what a part consists of.
func (w *world) parts(of string) []string {
	w.t.Helper()
	parts, err := w.st.PruneUsage(w.t.Context(), w.s, of, func(string) bool { return true })
	must(w.t, err)
	return parts
}

func TestPruneUsageSparesWhoIsThere(t *testing.T) {
	w := newWorld(t)
	k := w.create("billing", id(1))
	w.st.Used(k, id(1), "", minute(1))
	w.flush()
	const part = "uid-of-acme/x"
	for known, want := range map[bool][]string{
		true: {"get usage/" + part}, false: {"get usage/" + part, "get ids/" + id(1)},
	} {
		w := w.fresh()
		expect(t, w.s.Operations(func() {
			_, err := w.st.PruneUsage(t.Context(), w.s, part, func(string) bool { return known })
			must(t, err)
		}), want...)
		w.flush()
		w.uses(id(1), Use{minute(1), minute(1), ""}, Use{minute(1), minute(1), ""})
	}
}

// A tenant that is erased leaves nothing of its uses, in storage or in memory; nor does one
// whose uses were written once more by a call that came late.
func TestUsesOfATenantGoWithIt(t *testing.T) {
	w := newWorld(t)
	k := w.create("billing", id(1))
	stays := w.in("beside", "uid-of-beside").create("billing", id(9))
	w.st.Used(stays, id(9), "", minute(1))
	w.st.Used(k, id(1), "", minute(1))
	w.flush()
	w.st.Used(k, id(1), "", minute(2))
	_, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		c := *old
		c.DeletedAt, c.ErasedSince, c.Revision = start, start, 2
		return &c, nil
	})
	must(t, err)
	must(t, w.st.EraseTenant(t.Context(), w.s, "acme"))
	left := func() (in []string) {
		for path := range w.s.Entries(t) {
			if strings.HasPrefix(path, "usage/") {
				in = append(in, path)
			}
		}
		w.st.usage.tenants.Range(func(uid, _ any) bool { in = append(in, uid.(string)); return true })
		return slices.DeleteFunc(in, func(of string) bool { return strings.Contains(of, "uid-of-beside") })
	}
	if l := left(); len(l) != 0 {
		t.Errorf("left: %v", l)
	}
	if last := w.lastUsed(stays); !last.At.Equal(minute(1)) {
		t.Errorf("another tenant's last use: %+v", last)
	}
	w.st.Used(k, id(1), "", minute(3)) // a call that was under way
	w.flush()
	w.open("acme", "uid-of-another")
	w.parts("uid-of-acme/")
	if l := left(); len(l) != 0 {
		t.Errorf("left after the walk: %v", l)
	}
}

// A tenant of which uses cannot be erased stays, to be erased later.
func TestErasureThatCannotEraseUses(t *testing.T) {
	w := newWorld(t)
	k := w.create("billing", id(1))
	w.st.Used(k, id(1), "", minute(1))
	w.flush()
	_, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		c := *old
		c.DeletedAt, c.ErasedSince, c.Revision = start, start, 2
		return &c, nil
	})
	must(t, err)
	for _, op := range []string{"list usage/uid-of-acme/", "delete usage/uid-of-acme/x"} {
		w.s.StepIn(func(did string) error {
			if did == op {
				return errBroken
			}
			return nil
		}, nil)
		if err := w.st.EraseTenant(t.Context(), w.s, "acme"); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", op, err)
		}
		w.s.StepIn(nil, nil)
		if w.s.Entries(t)["tenants/acme"] == nil {
			t.Fatalf("%s: the tenant is gone, and its uses are not", op)
		}
	}
	must(t, w.st.EraseTenant(t.Context(), w.s, "acme"))
}
