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

func TestEndedLeasesGiveTheirPlacesBack(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 2; n++ {
		_, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, 2)
		must(t, err)
		w.issue(id(n))
	}
	if _, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, 2); err == nil {
		t.Error("over the limit")
	}
	end := func(w *world, n int) {
		w.changeLeased(id(n), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
	}
	end(w, 1)
	w.counted("one ended", 0, 1)
	end(w, 1)
	w.counted("ended again, as Vault does when it is not sure", 0, 1)
	end(w, 2)
	w.counted("both ended", 0, 0)
	unknown := w.fresh()
	unknown.counted("counted after a start, ended ones included", 0, 2)
	end(unknown, 1)
	unknown.counted("a repeated end is known", 0, 1)
}

// Looking for ended keys while one ends must not count it twice.
func TestEndWhileOthersLook(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 2; n++ {
		w.issue(id(n))
	}
	w = w.fresh()
	g := w.hold("put leased/acme/internal/" + id(1))
	var wg sync.WaitGroup
	wg.Go(func() {
		w.changeLeased(id(1), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
	})
	<-g.held // written as ended, but not known to be
	reserve := func(limit int) error { _, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, limit); return err }
	must(t, reserve(2))
	g.release()
	wg.Wait()
	w.counted("one ended, one live, one being made", 0, 2)
	if err := reserve(2); !errors.Is(err, refusal.Invalid) {
		t.Errorf("over the limit: %v", err)
	}
}

// After a start, ended keys are counted too, but they are left out before a refusal.
func TestNobodyIsRefusedForWhatHasEnded(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 3; n++ {
		w.issue(id(n))
		w.changeLeased(id(n), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
	}
	w = w.fresh()
	w.counted("after a start", 0, 3)
	reserve := func(limit int) error { _, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, limit); return err }
	expect(t, w.s.Operations(func() { must(t, reserve(4)) })) // under the limit nothing is looked at
	w.issue(id(4))
	w.counted("one more", 0, 4)
	must(t, reserve(3))
	w.issue(id(5))
	w.counted("counted exactly", 0, 2)
	expect(t, w.s.Operations(func() {
		if err := reserve(2); !errors.Is(err, refusal.Invalid) {
			t.Errorf("over the limit: %v", err)
		}
	})) // and not again
}

// A count that could not be finished admits nobody and is not kept.
func TestFailingRecount(t *testing.T) {
	base := newWorld(t)
	base.issue(id(1))
	base.changeLeased(id(1), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
	reserve := func(w *world) error { _, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, 1); return err }
	whole := base.fresh()
	for n := range whole.s.Operations(func() { must(t, reserve(whole)) }) {
		w := base.fresh()
		if !w.failAt(n, false, func() error { return reserve(w) }) {
			t.Errorf("operation %d: the failure is not told", n)
		}
		must(t, reserve(w))
	}
}

// A key that is being made while others are counted must not count twice for good.
func TestRecountBesideAKeyBeingMade(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 2; n++ {
		w.issue(id(n))
		w.changeLeased(id(n), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
	}
	w = w.fresh()
	reserve := func(limit int) error { _, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, limit); return err }
	must(t, reserve(3))
	g := w.hold("put leased/acme/internal/" + id(3))
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := w.st.UpdateLeased(t.Context(), w.s, w.tenant, apikey.Internal, id(3), becomes(issued(w.role, id(3))))
		if err != nil {
			t.Error(err)
		}
	})
	<-g.held            // written, but not known to be
	must(t, reserve(3)) // two have ended
	g.release()
	wg.Wait()
	if err := reserve(3); err != nil {
		t.Errorf("one of three is live, and one is being made: %v", err)
	}
	if err := reserve(3); !errors.Is(err, refusal.Invalid) {
		t.Errorf("over the limit: %v", err)
	}
}

// Leases that end at once take places as long as they are kept: as many as may live, or a few at least. The refusal
// says so. A restart changes nothing, and an erasure makes room.
func TestEndedLeasesAreBounded(t *testing.T) {
	const limit = 3
	w := newWorld(t)
	reserve := func() error { _, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, limit); return err }
	for n := 1; n <= limit+64; n++ {
		must(t, reserve())
		w.issue(id(n))
		w.changeLeased(id(n), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
	}
	w.counted("none lives", 0, 0)
	full := func(when string) {
		t.Helper()
		err := reserve()
		if !errors.Is(err, refusal.Invalid) || !strings.HasPrefix(err.Error(), "max_leased: ") ||
			!strings.Contains(err.Error(), "is erased within the hour") {
			t.Errorf("%s: %v", when, err)
		}
	}
	full("as many ended as may be kept")
	w.counted("and none was made", 0, 0)
	w = w.fresh()
	full("after a restart")
	w.counted("counted exactly", 0, 0)
	w.destroyLeased(id(1))
	must(t, reserve())
	w.issue(id(100))
	w.counted("in the place of an erased one", 0, 1)
	full("and no more")
	w.destroyLeased(id(2))
	w = w.fresh()
	must(t, reserve()) // a restart keeps the room, too
}

// However many at once: the bound is never passed.
func TestBoundOfEndedLeasesUnderLoad(t *testing.T) {
	const limit = 80
	w := newWorld(t)
	var made atomic.Int64
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for n := range 70 {
				undo, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, limit)
				if err != nil {
					continue
				}
				keyID := id(1 + worker*100 + n)
				if n%5 == 4 { // the caller fails
					undo()
					continue
				}
				_, err = w.st.UpdateLeased(
					t.Context(),
					w.s,
					w.tenant,
					apikey.Internal,
					keyID,
					becomes(issued(w.role, keyID)),
				)
				if err == nil {
					made.Add(1)
					_, err = w.st.UpdateLeased(
						t.Context(),
						w.s,
						w.tenant,
						apikey.Internal,
						keyID,
						func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil },
					)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := made.Load(); n > 2*limit || n < limit {
		t.Errorf("%d were made, %d are the most", n, 2*limit)
	}
}

// destroyLeased does what the sweep does once an ended key's time has come.
func (w *world) destroyLeased(keyID string) {
	w.t.Helper()
	at := location{familyLeased, w.tenant.Name, apikey.Internal, keyID}
	unlock, err := w.st.keys.lock(w.t.Context(), at)
	must(w.t, err)
	defer unlock()
	k, err := w.st.keys.load(w.t.Context(), w.s, at)
	must(w.t, err)
	must(w.t, w.st.destroy(w.t.Context(), w.s, at, k))
}
