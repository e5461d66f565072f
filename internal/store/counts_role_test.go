package store

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// reserveOfRole takes a place of a role of which so many keys may live.
func (w *world) reserveOfRole(limit int, keyID string) (RolePlace, error) {
	role := *w.role
	role.MaxLeased = limit
	return w.st.ReserveOfRole(w.t.Context(), w.s, w.tenant, &role, keyID)
}

// issueUnder issues a key if so many of the role's keys may live.
func (w *world) issueUnder(limit int, keyID string) {
	w.t.Helper()
	_, err := w.reserveOfRole(limit, keyID)
	must(w.t, err)
	w.issue(keyID)
}

// roleFull checks that the role has no place left.
func (w *world) roleFull(when string, limit int) {
	w.t.Helper()
	_, err := w.reserveOfRole(limit, id(99))
	if !errors.Is(err, refusal.Invalid) || !strings.HasPrefix(err.Error(), `max_leased: role "agent" has the `) {
		w.t.Errorf("%s: %v", when, err)
	}
}

func end(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil }

// Keys that live take the role's places, also those issued before the limit or before a start.
func TestRoleLimit(t *testing.T) {
	w := newWorld(t)
	w.issue(id(1)) // before there was a limit
	w.issueUnder(2, id(2))
	w.roleFull("two live", 2)
	w = w.fresh()
	w.roleFull("after a start", 2)
	w.changeLeased(id(2), func(k *apikey.Key) (*apikey.Key, error) { return k.Disable("", "", admin, start) })
	w.roleFull("a disabled one can come back", 2)
}

// What lives no more gives its place back, once.
func TestRolePlacesOfWhatHasEnded(t *testing.T) {
	ended := func(w *world) { w.changeLeased(id(1), end) }
	revoked := func(w *world) {
		w.changeLeased(id(1), func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) })
	}
	for what, gone := range map[string]func(w *world){
		"ended":               ended,
		"ended twice":         func(w *world) { ended(w); ended(w) },
		"revoked":             revoked,
		"revoked, then ended": func(w *world) { revoked(w); ended(w) },
		"erased":              func(w *world) { w.destroyLeased(id(1)) },
	} {
		w := newWorld(t)
		w.issueUnder(2, id(1))
		w.issueUnder(2, id(2))
		gone(w)
		w.issueUnder(2, id(3))
		w.roleFull(what, 2)
		w = w.fresh()
		w.roleFull(what+", after a start", 2)
	}
}

// What the role itself has revoked takes none of its places. Other roles have places of their own.
func TestRoleLimitIsOfOneRole(t *testing.T) {
	w := newWorld(t)
	w.issueUnder(1, id(1))
	other := *w
	role := *w.role
	role.Name = "other"
	other.role = &role
	other.issueUnder(1, id(2))
	w.roleFull("one lives", 1)
	revoked, _ := w.role.RevokeLeased("", start)
	w.role = revoked
	w.issueUnder(1, id(3))
	w.roleFull("issued since", 1)
	w = w.fresh()
	w.roleFull("after a start", 1)
	if _, err := other.reserveOfRole(1, id(4)); err == nil {
		t.Error("the other role's key lives")
	}
}

// A role without a limit reads nothing, and one with a limit reads the records once.
func TestRoleCountIsMadeOnce(t *testing.T) {
	w := newWorld(t)
	w.issue(id(1))
	w.issue(id(2))
	w = w.fresh()
	expect(t, w.s.Operations(func() { _, err := w.reserveOfRole(0, id(3)); must(t, err) }))
	expect(t, w.s.Operations(func() { _, err := w.reserveOfRole(3, id(3)); must(t, err) }),
		"list leased/acme/external/", "list leased/acme/internal/",
		"get leased/acme/internal/"+id(1), "get leased/acme/internal/"+id(2))
	expect(t, w.s.Operations(func() { w.roleFull("two live, and one is being made", 3) }))
}

// A place that was given back is free, and one of a write of which nobody knows is not until the records say so.
func TestRolePlacesComeBack(t *testing.T) {
	w := newWorld(t)
	place, err := w.reserveOfRole(1, id(1))
	must(t, err)
	w.roleFull("one is being made", 1)
	place.Forget()
	place, err = w.reserveOfRole(1, id(2))
	must(t, err)
	w.issue(id(2))
	place.Forget() // the write was reported as failed, but has landed
	w.roleFull("it lives", 1)
	w.destroyLeased(id(2))
	w.issueUnder(1, id(3))
}

// The place of a key that was certainly not made is free at once: nothing is read to find that out.
func TestRolePlacesGivenBackCostNothing(t *testing.T) {
	w := newWorld(t)
	w.issueUnder(2, id(1))
	expect(t, w.s.Operations(func() {
		for n := range 5 {
			place, err := w.reserveOfRole(2, id(2+n))
			must(t, err)
			w.roleFull("one is being made", 2)
			place.GiveBack()
		}
	}))
	w.issueUnder(2, id(9))
	w.roleFull("two live", 2)
}

// A key that is being made while the records are looked at takes its place.
func TestRoleCountBesideAKeyBeingMade(t *testing.T) {
	w := newWorld(t)
	place, err := w.reserveOfRole(2, id(1))
	must(t, err)
	_, err = w.reserveOfRole(2, id(2)) // stays in the making
	must(t, err)
	place.Forget() // the next one at the limit looks at the records
	_, err = w.reserveOfRole(2, id(3))
	must(t, err)
	w.roleFull("two are being made", 2)
	w.issue(id(2))
	w.issue(id(3))
	w.roleFull("two live", 2)
}

// A damaged record verifies no call, so it keeps nobody from a key. Storage that fails does.
func TestRoleCountOverDamage(t *testing.T) {
	w := newWorld(t)
	w.issue(id(1))
	w.issue(id(2))
	w.s.Write(t, "leased/acme/internal/"+id(1), "{")
	w = w.fresh()
	w.issueUnder(2, id(3))
	w.roleFull("two live", 2)
	whole := w.fresh()
	for n := range whole.s.Operations(func() { whole.roleFull("counted", 2) }) {
		w := w.fresh()
		if !w.failAt(n, false, func() error { _, err := w.reserveOfRole(3, id(4)); return err }) {
			t.Errorf("operation %d: the failure is not told", n)
		}
		w.roleFull("after a failure", 2)
	}
}

// However many at once: no more than the limit ever live.
func TestRoleLimitUnderLoad(t *testing.T) {
	const limit = 5
	w := newWorld(t)
	var live atomic.Int64
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for n := range 50 {
				keyID := id(1 + worker*100 + n)
				place, err := w.reserveOfRole(limit, keyID)
				if err != nil {
					continue
				}
				if n%5 == 4 { // the caller fails
					place.Forget()
					continue
				}
				if _, err = w.updateLeased(keyID, becomes(issued(w.role, keyID))); err != nil {
					t.Error(err)
				}
				if n := live.Add(1); n > limit {
					t.Errorf("%d live", n)
				}
				if n%2 == 0 {
					live.Add(-1)
					if _, err = w.updateLeased(keyID, end); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	w.roleFull("at the end", limit)
}
