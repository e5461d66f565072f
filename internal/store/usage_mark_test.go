package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// What a store has not written when it ends is lost. Who comes after it knows of that, and
// that any key may have been used until then; after a clean end, nothing is.
func TestUsesThatAnotherHasLost(t *testing.T) {
	for _, row := range []struct {
		name  string
		end   func(w *world) error
		maybe bool
	}{
		{"crashed", func(*world) error { return nil }, true},
		{"closed", func(w *world) error { return w.st.CloseUsage(w.t.Context(), w.s, far()) }, false},
		{"closed without time", func(w *world) error { return w.st.CloseUsage(w.t.Context(), w.s, time.Now()) }, true},
		{"closed, and still used", func(w *world) error {
			w.s.StepIn(nil, func(op string) error {
				if op == "put usage/uid-of-acme/x" {
					w.st.Used(newKey(w.tenant, "late", id(9)), id(9), "", minute(4))
				}
				return nil
			})
			defer w.s.StepIn(nil, nil)
			return w.st.CloseUsage(w.t.Context(), w.s, far())
		}, true},
		{"the mark could not be written", func(w *world) error {
			w.failing("put mark")
			defer w.s.StepIn(nil, nil)
			return w.st.CloseUsage(w.t.Context(), w.s, far())
		}, true},
	} {
		w := newWorld(t)
		w.begin()
		old := w.create("billing", id(1))
		w.st.Used(old, id(1), "", minute(1))
		w.flush()
		w.st.Used(old, id(1), "", minute(3))
		if err := row.end(w); (err != nil) != (row.maybe && row.name != "crashed") {
			t.Errorf("%s: %v", row.name, err)
		}
		next := w.fresh()
		must(t, next.st.BeginUsage(t.Context(), w.s, minute(5)))
		got := next.lastUsed(old)
		if got.MaybeAt.Equal(minute(5)) != row.maybe || !row.maybe && !got.At.Equal(minute(3)) {
			t.Errorf("%s: %+v", row.name, got)
		}
		later, err := next.update("later", becomes(issuedAt(newKey(w.tenant, "later", id(2)), minute(5))))
		must(t, err)
		if got := next.lastUsed(later); got != (LastUse{}) {
			t.Errorf("%s: a key made since: %+v", row.name, got)
		}
		if row.maybe { // which is remembered for good, also after a clean end
			must(t, next.st.CloseUsage(t.Context(), w.s, far()))
			third := w.fresh()
			must(t, third.st.BeginUsage(t.Context(), w.s, minute(9)))
			if got := third.lastUsed(old); got.MaybeAt != minute(5) {
				t.Errorf("%s: the one after: %+v", row.name, got)
			}
		}
	}
}

func (w *world) failing(op string) {
	w.s.StepIn(func(did string) error {
		if did == op {
			return errBroken
		}
		return nil
	}, nil)
}

// Where it is not known whether uses were lost, nothing is claimed: until the mark could be
// written, when it is damaged, and when another node has taken over meanwhile.
func TestMarkThatIsNotKnown(t *testing.T) {
	w := newWorld(t)
	w.begin()
	k := w.create("billing", id(1))
	maybe := func(what string, w *world, want bool) {
		t.Helper()
		if got := w.lastUsed(k); got.MaybeAt.IsZero() == want {
			t.Errorf("%s: %+v", what, got)
		}
	}
	maybe("at first", w, false)
	maybe("another store, which has not begun", w.fresh(), true)
	for _, op := range []string{"get mark", "list usage/", "put mark"} {
		other := w.fresh()
		other.failing(op)
		if err := other.st.BeginUsage(t.Context(), w.s, start); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", op, err)
		}
		w.s.StepIn(nil, nil)
		maybe(op, other, true)
	}
	w.st.ResetSweep() // the node may not write any more
	maybe("a node that was put aside", w, false)
	other := w.fresh()
	must(t, other.st.BeginUsage(t.Context(), w.s, minute(2)))
	maybe("another node collects", w, true)
	must(t, w.st.BeginUsage(t.Context(), w.s, minute(3)))
	maybe("and has ended without a word", w, true)

	w.s.Write(t, "mark", "{")
	damaged := w.fresh()
	must(t, damaged.st.BeginUsage(t.Context(), w.s, minute(4)))
	if got := damaged.lastUsed(k); got.MaybeAt != minute(4) {
		t.Errorf("damaged: %+v", got)
	}
	w.s.Write(t, "mark", `{"schema":99}`)
	newer := w.fresh()
	if err := newer.st.BeginUsage(t.Context(), w.s, minute(5)); err == nil {
		t.Error("a newer mark is written over")
	}
	if _, err := newer.st.LastUsed(t.Context(), w.s, k); err == nil {
		t.Error("a newer mark: the last use is claimed to be known")
	}
}

// The mark costs storage once.
func TestCostOfTheMark(t *testing.T) {
	w := newWorld(t)
	expect(t, w.s.Operations(w.begin), "get mark", "list usage/", "put mark")
	expect(t, w.s.Operations(w.begin))
	k := w.create("billing", id(1))
	expect(t, w.s.Operations(func() { w.lastUsed(k) }), "get usage/uid-of-acme/x")
}

// oldShard writes an entry as versions before did.
func (w *world) oldShard(name string, uses map[string]Use) {
	w.t.Helper()
	raw, err := encodeShard(uses)
	must(w.t, err)
	must(w.t, w.s.InmemStorage.Put(w.t.Context(), &logical.StorageEntry{Key: "usage/" + name, Value: raw}))
}

// walkUsage looks after all that is kept about uses, as the walk does, and goes on where
// something fails.
func (w *world) walkUsage() (failed error) {
	parts, err := w.st.UsageShards(w.t.Context(), w.s)
	if err != nil {
		return err
	}
	for steps := 0; len(parts) > 0; steps++ {
		if steps > 1000 {
			w.t.Fatal("it has no end")
		}
		more, err := w.st.PruneUsage(w.t.Context(), w.s, parts[0], func(string) bool { return false })
		if parts = append(more, parts[1:]...); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// What versions before kept together for all tenants is shown and used as it was, and moves
// to the tenants. They may have forgotten some, and lost a minute: nothing is claimed of
// before.
func TestUsesOfVersionsBefore(t *testing.T) {
	w := newWorld(t)
	k, beside := w.create("billing", id(1)), w.in("globex", "uid-of-globex").create("theirs", id(2))
	shards := map[string]map[string]Use{shardOf(locate(k)): {}, shardOf(locate(beside)): {}}
	shards[shardOf(locate(k))][id(1)] = Use{minute(1), minute(2), "192.0.2.1"}
	shards[shardOf(locate(k))][id(5)] = Use{minute(1), minute(2), ""} // nobody has it
	shards[shardOf(locate(beside))][id(2)] = Use{minute(3), minute(4), ""}
	for name, uses := range shards {
		w.oldShard(name, uses)
	}
	must(t, w.st.BeginUsage(t.Context(), w.s, minute(9)))
	check := func(what string, w *world) {
		t.Helper()
		if got := w.lastUsed(k); got != (LastUse{minute(2), minute(9)}) {
			t.Errorf("%s: %+v", what, got)
		}
		if got := w.lastUsed(beside); got != (LastUse{minute(4), minute(9)}) {
			t.Errorf("%s: beside: %+v", what, got)
		}
	}
	check("before", w)
	use := Use{minute(1), minute(2), "192.0.2.1"}
	w.uses(id(1), use, use)

	// Cut off anywhere, nothing is lost.
	probe := w.on(t, copied(t, w.s))
	must(t, probe.st.BeginUsage(t.Context(), probe.s, minute(9)))
	for n := range probe.s.Operations(func() { must(t, probe.walkUsage()) }) {
		for _, landed := range []bool{false, true} {
			c := w.on(t, copied(t, w.s))
			must(t, c.st.BeginUsage(t.Context(), c.s, minute(9)))
			c.failAt(n, landed, c.walkUsage)
			check(fmt.Sprintf("cut off at %d", n), c)
			if err := c.walkUsage(); err != nil {
				t.Errorf("again: %v", err)
			}
			check(fmt.Sprintf("walked again after %d", n), c)
		}
	}

	must(t, w.walkUsage())
	for name := range shards {
		if w.s.Entries(t)["usage/"+name] != nil {
			t.Errorf("usage/%s is there yet", name)
		}
	}
	check("after", w)
	w.uses(id(1), use, use)
	expect(t, w.s.Operations(func() { w.lastUsed(k) }), "get usage/uid-of-acme/x")

	// From here on, all is known.
	must(t, w.st.CloseUsage(t.Context(), w.s, far()))
	next := w.fresh()
	must(t, next.st.BeginUsage(t.Context(), w.s, minute(20)))
	check("a later life", next)
}

// A large entry is moved piece by piece. An entry that cannot be read stays, as does a use whose key cannot be found,
// and neither stops the move of others.
func TestMovingWhatIsLargeOrDamaged(t *testing.T) {
	w := newWorld(t)
	const name = "3fa"
	k := w.create("billing", id(1))
	uses := map[string]Use{id(1): {minute(1), minute(2), ""}, id(2): {minute(1), minute(2), ""}}
	for n := range 2000 {
		uses[id(100+n)] = Use{minute(1), minute(2), ""} // nobody has them
	}
	w.oldShard(name, uses)
	w.s.Write(t, "ids/"+id(2), "{")
	w.s.Write(t, "usage/111", "{")
	must(t, w.st.BeginUsage(t.Context(), w.s, minute(9)))
	if err := w.walkUsage(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
	if got := w.lastUsed(k); got.At != minute(2) {
		t.Errorf("%+v", got)
	}
	left, _, err := loadShard(t.Context(), w.s, name)
	if must(t, err); len(left) != 1 || left[id(2)] != uses[id(2)] {
		t.Errorf("%d are left", len(left))
	}
	if string(w.s.Entries(t)["usage/111"].Value) != "{" {
		t.Error("what is damaged is written over")
	}
}
