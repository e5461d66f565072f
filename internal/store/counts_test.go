package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

func (w *world) counts() (keys, leased int) {
	w.t.Helper()
	keys, leased, err := w.st.Counts(w.t.Context(), w.s, w.tenant)
	must(w.t, err)
	return keys, leased
}

// counted fails the test unless the tenant is known to have that many keys.
func (w *world) counted(when string, keys, leased int) {
	w.t.Helper()
	if k, l := w.counts(); k != keys || l != leased {
		w.t.Errorf("%s: %d keys and %d leased ones, want %d and %d", when, k, l, keys, leased)
	}
}

// reserve takes a place for a key under a limit.
func (w *world) reserve(limit int) (undo func(), err error) {
	return w.st.ReserveKey(w.t.Context(), w.s, w.tenant, limit)
}

func (w *world) reserved(limit int) (undo func()) {
	w.t.Helper()
	undo, err := w.reserve(limit)
	must(w.t, err)
	return undo
}

func TestCountsAreOneListPerKindAndThenKept(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.create("payroll", id(2))
	w.issue(id(3))
	_, err := w.st.UpdateKey(
		t.Context(),
		w.s,
		w.tenant,
		apikey.Internal,
		"desk",
		func(*apikey.Key) (*apikey.Key, error) {
			k := newKey(w.tenant, "desk", id(4))
			k.Kind = apikey.Internal
			return k, nil
		},
	)
	must(t, err)
	w = w.fresh()
	expect(t, w.s.Operations(func() { w.reserved(9) }), "list keys/acme/external/", "list keys/acme/internal/")
	expect(t, w.s.Operations(func() {
		_, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, 9)
		must(t, err)
	}), "list leased/acme/external/", "list leased/acme/internal/")
	expect(t, w.s.Operations(func() { w.counted("with two more places taken", 4, 2) }))
	expect(t, w.s.Operations(func() { w.reserved(9) }))
	globex := w.open("globex", "uid-of-globex")
	if keys, leased, err := w.st.Counts(t.Context(), w.s, globex); err != nil || keys != 0 || leased != 0 {
		t.Errorf("another tenant has %d keys and %d leased ones, %v", keys, leased, err)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	for what, reserve := range map[string]func(limit int) error{
		"max_keys:": func(limit int) error { _, err := w.reserve(limit); return err },
		"max_leased:": func(limit int) error {
			_, err := w.st.ReserveLeased(t.Context(), w.s, w.tenant, limit)
			return err
		},
	} {
		must(t, reserve(2))
		if err := reserve(1); !errors.Is(err, refusal.Invalid) || err.Error()[:len(what)] != what {
			t.Errorf("%s over the limit: %v", what, err)
		}
	}
	w.counted("after refusals", 2, 1)
}

func TestUndoGivesThePlaceBack(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	undo := w.reserved(2)
	if _, err := w.reserve(2); err == nil {
		t.Fatal("over the limit")
	}
	undo()
	expect(
		t,
		w.s.Operations(func() { w.counted("undone", 1, 0) }),
		"list keys/acme/external/",
		"list keys/acme/internal/",
		"list leased/acme/external/",
		"list leased/acme/internal/",
	)
	w.reserved(2)
}

// After an error it is unknown whether the record was written, so storage is asked.
func TestUndoOfAWriteThatLanded(t *testing.T) {
	w := newWorld(t)
	undo := w.reserved(1)
	w.s.StepIn(nil, func(op string) error {
		if op == "put keys/acme/external/billing" {
			return errBroken
		}
		return nil
	})
	if _, err := w.update("billing", becomes(newKey(w.tenant, "billing", id(1)))); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	undo()
	w.s.StepIn(nil, nil)
	w.counted("it landed", 1, 0)
	if _, err := w.reserve(1); err == nil {
		t.Error("one over the limit")
	}
}

// While one caller is making a key, another's failure must not have the tenant counted
// without it, whatever others do meanwhile.
func TestUndoBesideAKeyBeingMade(t *testing.T) {
	for what, meanwhile := range map[string]func(w *world){
		"nothing": func(*world) {},
		"a change of an old key": func(w *world) {
			w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Disable("", "", admin, start) })
		},
		"a look at a key that is not there": func(w *world) { w.change("nothing", becomes(nil)) },
		"a key that is refused": func(w *world) {
			if _, err := w.update("refused", becomes(newKey(w.tenant, "refused", id(1)))); !errors.Is(err, ErrTaken) {
				t.Errorf("%v", err)
			}
		},
	} {
		w := newWorld(t)
		w.create("billing", id(1))
		w.reserved(9) // for payroll, which is not written yet
		undo := w.reserved(9)
		meanwhile(w)
		undo()
		w.counted(what+", while payroll is being made", 3, 0) // rather one too many than one too few
		w.create("payroll", id(2))
		w.counted(what+", when it is there", 2, 0)
	}
}

func TestLimitsHoldUnderConcurrency(t *testing.T) {
	const limit, callers = 20, 60
	w := newWorld(t)
	var n atomic.Int64
	w.s.StepIn(func(op string) error { // every fifth Put fails, before or after it is done
		if op[:3] == "put" && n.Add(1)%10 == 0 {
			return errBroken
		}
		return nil
	}, func(op string) error {
		if op[:3] == "put" && n.Load()%10 == 5 {
			return errBroken
		}
		return nil
	})
	var wg sync.WaitGroup
	for c := range callers {
		name := apikey.Name(fmt.Sprint("key", c))
		wg.Go(func() {
			for range 3 {
				undo, err := w.reserve(limit)
				if err != nil {
					continue
				}
				if _, err = w.st.UpdateKey(
					t.Context(),
					w.s,
					w.tenant,
					apikey.External,
					name,
					func(old *apikey.Key) (*apikey.Key, error) {
						if old != nil {
							return nil, refusal.Errorf(refusal.Conflict, "there")
						}
						return newKey(w.tenant, name, apikey.NewKeyID()), nil
					},
				); err == nil {
					return
				}
				undo()
			}
		})
	}
	wg.Wait()
	w.s.StepIn(nil, nil)
	names, err := w.st.Keys(t.Context(), w.s, w.tenant, apikey.External)
	must(t, err)
	if len(names) > limit {
		t.Errorf("%d keys, and the limit is %d", len(names), limit)
	}
	undo, err := w.reserve(callers)
	must(t, err)
	undo()
	w.counted("when all is quiet", len(names), 0)
	for n := range callers { // without failures the limit is reached exactly
		if undo, err := w.reserve(limit); err == nil {
			name := apikey.Name(fmt.Sprint("late", n))
			if _, err := w.update(name, becomes(newKey(w.tenant, name, apikey.NewKeyID()))); err != nil {
				undo()
			}
		}
	}
	w.counted("filled up", limit, 0)
}
