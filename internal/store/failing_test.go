package store

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// operation is one change of state. What act writes is decided beforehand, so that it is
// the same each time; again does the same kind of thing to whatever there is, as a caller
// does who got an error.
type operation struct {
	name       string
	puts       int
	act, again func(w *world) error
}

// keyOperation makes the stored key with k's place into k.
func keyOperation(name string, puts int, k *apikey.Key, again change) operation {
	update := func(w *world, c change) error {
		_, err := w.update(k.Name, c)
		return err
	}
	if k.Lease != nil {
		update = func(w *world, c change) error {
			_, err := w.updateLeased(k.Newest().KeyID, c)
			return err
		}
	}
	return operation{
		name: name, puts: puts,
		act:   func(w *world) error { return update(w, becomes(k)) },
		again: func(w *world) error { return update(w, again) },
	}
}

// keyOperations are changes of keys in a world with the key billing and one leased key.
func keyOperations(t *testing.T, w *world, billing, leased *apikey.Key) []operation {
	t.Helper()
	need := done(t)
	rotateAgain := func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, apikey.NewKeyID(), start) }
	revoke := func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "leaked", admin, start) }
	disable := func(k *apikey.Key) (*apikey.Key, error) { return k.Disable(id(1), "", admin, start) }
	remove := func(k *apikey.Key) (*apikey.Key, error) { return k.Delete(admin, start) }
	end := func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil }
	renew := func(k *apikey.Key) (*apikey.Key, error) {
		k, _, err := k.Renew(w.role, w.tenant, apikey.Span{TTL: day, Max: day}, 0, start)
		return k, err
	}
	createAgain := func(k *apikey.Key) (*apikey.Key, error) {
		if k != nil { // it has been made after all
			return k, nil
		}
		return newKey(w.tenant, "payroll", apikey.NewKeyID()), nil
	}
	issueAgain := func(w *world) error { _, err := w.updateLeased(id(6), becomes(issued(w.role, id(6)))); return err }
	issue := keyOperation("issue", 2, issued(w.role, id(5)), nil)
	issue.again = issueAgain
	return []operation{
		keyOperation("create", 3, newKey(w.tenant, "payroll", id(3)), createAgain),
		keyOperation("rotate", 3, need(rotate(billing, id(4), start)), rotateAgain),
		keyOperation("revoke", 2, need(revoke(billing)), revoke),
		keyOperation("disable", 1, need(disable(billing)), disable),
		keyOperation("delete", 2, need(remove(billing)), remove),
		issue,
		keyOperation("renew", 1, need(renew(leased)), renew),
		keyOperation("end", 2, need(end(leased)), end),
	}
}

// settingOperations are changes of what is not a key.
func settingOperations(t *testing.T) []operation {
	config := func(w *world) error {
		_, err := w.st.UpdateConfig(t.Context(), w.s, func(c *tenant.Config) (*tenant.Config, error) {
			d := *c
			d.MaxKeys, d.Revision = 7, 1
			return &d, nil
		})
		return err
	}
	suspend := func(w *world) error {
		_, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
			c := *old
			c.SuspendedAt, c.Revision = start, 2
			return &c, nil
		})
		return err
	}
	revokeLeased := func(w *world) error {
		_, err := w.st.UpdateRole(
			t.Context(),
			w.s,
			w.tenant,
			apikey.Internal,
			"agent",
			func(old *apikey.Role) (*apikey.Role, error) {
				c := *old
				c.Epoch, c.Revision = 1, 2
				return &c, nil
			},
		)
		return err
	}
	return []operation{
		{"config", 1, config, config},
		{"suspend", 1, suspend, suspend},
		{"revoke-leased", 1, revokeLeased, revokeLeased},
	}
}

// Whichever of its operations fails, and also when a write lands and fails nevertheless:
// the state is the old or the new one, nothing between; the store that met the failure
// answers as one that starts afresh; and trying again works.
func TestFailingWrites(t *testing.T) {
	base := newWorld(t)
	operations := keyOperations(t, base, base.create("billing", id(1)), base.issue(id(2)))
	for _, o := range append(operations, settingOperations(t)...) {
		old := base.fresh().view()
		whole := base.on(t, copied(t, base.s))
		ops := whole.s.Operations(func() { must(t, o.act(whole)) })
		if n := len(storagetest.Only(ops, "put")); n != o.puts {
			t.Errorf("%s: %d Puts, want %d", o.name, n, o.puts)
		}
		changed := whole.view()
		if cmp.Equal(old, changed) {
			t.Fatalf("%s changes nothing", o.name)
		}
		for n := range ops {
			for _, landed := range []bool{false, true} {
				for _, warm := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s landed %t warm %t", o.name, ops[n], landed, warm), func(t *testing.T) {
						w := base.on(t, copied(t, base.s))
						if warm {
							w.view()
						}
						failed := w.failAt(n, landed, func() error { return o.act(w) })
						got := w.fresh().view()
						if diff := cmp.Diff(changed, got); diff != "" && (!failed || !cmp.Equal(old, got)) {
							t.Errorf("neither the old state nor the new one (-new +got):\n%s", diff)
						}
						same(t, got, w)
						must(t, o.again(w))
						same(t, w.fresh().view(), w)
					})
				}
			}
		}
	}
}

// A read that fails returns an error, and nothing of it is cached.
func TestFailingReads(t *testing.T) {
	base := newWorld(t)
	base.create("billing", id(1))
	base.issue(id(2))
	want := base.view()
	for _, keyID := range []string{id(1), id(2), id(3)} {
		for n := range base.fresh().s.Operations(func() { base.fresh().find(keyID) }) {
			w := base.fresh()
			w.failAt(n, false, func() error {
				found, err := w.st.Find(t.Context(), w.s, keyID)
				if err != nil && found != nil {
					t.Errorf("%s: a key and %v", keyID, err)
				}
				return err
			})
			same(t, want, w)
		}
	}
	for what, read := range map[string]func(w *world) error{
		"names": func(w *world) error {
			_, err := w.st.Keys(t.Context(), w.s, w.tenant, apikey.External)
			return err
		},
		"a count":  func(w *world) error { _, _, err := w.st.Counts(t.Context(), w.s, w.tenant); return err },
		"a place":  func(w *world) error { _, err := w.st.ReserveKey(t.Context(), w.s, w.tenant, 9); return err },
		"a tenant": func(w *world) error { _, err := w.st.OpenTenant(t.Context(), w.s, "acme"); return err },
	} {
		w := base.fresh()
		if !w.failAt(0, false, func() error { return read(w) }) {
			t.Errorf("%s: the failure is not told", what)
		}
		same(t, want, w)
		if keys, leased, err := w.st.Counts(t.Context(), w.s, w.tenant); err != nil || keys != 1 || leased != 1 {
			t.Errorf("%s: then there are %d keys and %d leased ones, %v", what, keys, leased, err)
		}
	}
}

// on returns a world with an empty store over another storage.
func (w *world) on(t *testing.T, s *storagetest.Storage) *world {
	c := *w
	c.t, c.s, c.st = t, s, New()
	return &c
}

// failAt runs act while the nth storage operation fails, before or after it is done, and reports whether act returned
// an error. A warm store does fewer than n operations.
func (w *world) failAt(n int, landed bool, act func() error) (failed bool) {
	count := -1
	trip := func(string) error {
		if count == n {
			return errBroken
		}
		return nil
	}
	before := func(op string) error {
		count++
		if landed {
			return nil
		}
		return trip(op)
	}
	w.s.StepIn(before, func(op string) error {
		if !landed {
			return nil
		}
		return trip(op)
	})
	defer w.s.StepIn(nil, nil)
	err := act()
	if tripped := count >= n; tripped != errors.Is(err, errBroken) {
		w.t.Errorf("failed: %t; told: %v", tripped, err)
	}
	return err != nil
}
