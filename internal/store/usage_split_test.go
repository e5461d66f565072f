package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// keysBelow returns n keys whose uses are below a node.
func (w *world) keysBelow(prefix string, n int) []*apikey.Key {
	k := newKey(w.tenant, "billing", id(1))
	all := make([]*apikey.Key, 0, n)
	for i := 0; len(all) < n; i++ {
		c := *k
		c.Name, c.Versions = apikey.Name(fmt.Sprintf("key-%d", i)), slices.Clone(k.Versions)
		if c.Versions[0].KeyID = id(i); strings.HasPrefix(groupOf(c.UID, locate(&c)), prefix) {
			all = append(all, &c)
		}
	}
	return all
}

func (w *world) useAll(all []*apikey.Key, at time.Time) {
	for _, k := range all {
		w.st.Used(k, k.Newest().KeyID, "2001:db8:85a3:8d3:1319:8a2e:370:7348", at)
	}
}

// found returns how often each key ID is in the entries that are looked at, in a tree without another one below.
func (w *world) found() map[string]int {
	w.t.Helper()
	found := make(map[string]int)
	var look func(prefix string)
	look = func(prefix string) {
		n, _, err := loadNode(w.t.Context(), &w.s.InmemStorage, w.tenant.UID, prefix)
		must(w.t, err)
		for _, uses := range n.uses {
			for keyID := range uses {
				found[keyID]++
			}
		}
		for _, digit := range hexDigits {
			if n.split {
				look(prefix + string(digit))
			}
		}
	}
	look("")
	return found
}

// slow has each write take a while of the clock, and counts the writes of each path.
func (w *world) slow(write time.Duration) (writes map[string]int) {
	writes = make(map[string]int)
	w.s.StepIn(nil, func(op string) error {
		if verb, path, _ := strings.Cut(op, " "); verb == "put" || verb == "delete" {
			writes[path]++
			time.Sleep(write)
		}
		return nil
	})
	return writes
}

// tick flushes as the sweep does: five seconds of each minute.
func (w *world) tick() {
	w.t.Helper()
	next := time.Now().Add(time.Minute)
	must(w.t, w.st.FlushUsage(w.t.Context(), w.s, time.Now().Add(5*time.Second)))
	time.Sleep(time.Until(next))
}

// dirty reports whether uses wait to be written.
func (w *world) dirty() bool { return w.st.usage.of(w.tenant.UID, w.tenant.Name).dirty() }

// A tenant with very many uses takes several flushes of a slow storage. No write is done twice, and no other tenant
// waits.
func TestManyUsesOnASlowStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.begin()
		all := w.use(150_000)
		beside := w.in("beside", "uid-of-beside")
		k := beside.create("billing", id(1))
		w.st.Used(k, id(1), "", minute(1))
		writes := w.slow(25 * time.Millisecond)
		w.tick()
		if last, err := New().LastUsed(t.Context(), w.s, k); err != nil || !last.At.Equal(minute(1)) {
			t.Errorf("another tenant waits for the second flush: %+v, %v", last, err)
		}
		if !w.dirty() {
			t.Fatal("all is written in one flush: the test shows nothing")
		}
		w.tick()
		if w.dirty() {
			t.Error("two flushes of 200 writes are not enough for 274")
		}
		for path, n := range writes {
			if n != 1 {
				t.Errorf("%s was written %d times", path, n)
			}
		}
		if len(writes) != 1+1+16+256 {
			t.Errorf("%d entries were written", len(writes))
		}
		w.s.StepIn(nil, nil)
		w.knownAll("many", all)
	})
}

// Each entry of a split is a turn of its own: others write theirs between.
func TestSplitTakesTurns(t *testing.T) {
	w := newWorld(t)
	w.use(4500)
	for n := range 3 {
		k := w.in(tenant.Name(fmt.Sprintf("t-%d", n)), fmt.Sprintf("uid-%d", n)).create("billing", id(n+1))
		w.st.Used(k, id(n+1), "", minute(1))
	}
	w.st.usage.turns = []string{"uid-of-acme"}
	first := storagetest.Only(w.s.Operations(w.flush), "put")[:4]
	if n := len(
		slices.DeleteFunc(slices.Clone(first), func(op string) bool { return !strings.Contains(op, "uid-of-acme") }),
	); n != 1 {
		t.Errorf("others wait for a split: %v", first)
	}
}

// Uses of each minute, of keys whose entry is being split, neither keep the split from coming to its end nor are lost;
// and afterwards each entry has its turn, though a flush has not time for all.
func TestUsesThatGoOnDuringASplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.begin()
		all := w.use(4500)
		writes := w.slow(1100 * time.Millisecond) // no write ends with a flush
		for n := range 4 {                        // of 17 entries, each flush writes five
			w.useAll(all, minute(n))
			if w.split("") {
				t.Errorf("split after %d flushes", n)
			}
			w.tick()
		}
		if !w.split("") {
			t.Error("not split after four flushes")
		}
		clear(writes)
		for n := 4; n < 8; n++ {
			w.useAll(all, minute(n))
			w.tick()
		}
		if len(writes) != 16 {
			t.Errorf("of 16 entries, %d had their turn", len(writes))
		}
		for w.dirty() {
			w.tick()
		}
		w.s.StepIn(nil, nil)
		reader := New().usesOf(w.tenant.UID)
		for _, k := range all {
			uses, err := reader.at(t.Context(), w.s, locate(k), nil)
			if must(t, err); !uses.Of(k.Newest().KeyID).Last.Equal(minute(7)) {
				t.Fatalf("%s: %+v", k.Name, uses.Of(k.Newest().KeyID))
			}
		}
	})
}

// If the part of one digit is too large itself, it is split too. A crash or a failure at any operation loses nothing
// that is stored and stores nothing twice. After a failure, the store continues where it was.
func TestSplitOfWhatIsBelowASplit(t *testing.T) {
	base := newWorld(t)
	base.begin()
	all := base.keysBelow("a", 4200)
	before := all[:200]
	stale := &node{tenant: "acme", uses: map[string]map[string]Use{"bcd": {id(99_999): {minute(9), minute(9), "gone"}}}}
	must(t, saveNode(t.Context(), base.s, "uid-of-acme", "b", stale)) // of a split that was cut off, and has to go
	base.useAll(before, minute(1))
	base.flush()
	prepared := func() *world {
		w := base.on(t, copied(t, base.s))
		w.begin()
		w.useAll(all, minute(1))
		return w
	}
	whole := prepared()
	ops := whole.s.Operations(whole.flush)
	var puts []int
	marks := make(map[int]bool)
	for n, op := range ops {
		if strings.HasPrefix(op, "put ") {
			puts = append(puts, n)
			marks[n] = op == "put usage/uid-of-acme/x"
		}
	}
	marks[puts[len(puts)-1]] = true
	if len(puts) != 1+1+16+1 ||
		len(storagetest.Only(ops, "delete")) != 1 { // xa with what was stored, x, and the same one below; xb
		t.Fatalf("%d Puts: %v", len(puts), ops)
	}
	whole.knownAll("uncut", all)
	for cutAt, op := range ops {
		for _, landed := range []bool{false, true} {
			if verb, _, _ := strings.Cut(op, " "); landed && verb != "put" && verb != "delete" {
				continue
			}
			w := prepared()
			what := fmt.Sprintf("%d, %s, landed %t", cutAt, op, landed)
			tried := storagetest.Only(w.s.Operations(func() {
				w.failAt(cutAt, landed, func() error { return w.st.FlushUsage(t.Context(), w.s, far()) })
			}), "put")
			w.knownAll(what, before) // for a store after a crash
			for keyID, n := range w.found() {
				if n != 1 {
					t.Fatalf("%s: %s is there %d times", what, keyID, n)
				}
			}
			tried = append(tried, storagetest.Only(w.s.Operations(w.flush), "put")...)
			want := len(puts)
			if slices.Contains(puts, cutAt) && (!landed || !marks[cutAt]) {
				want++ // the one that was told as failed
			}
			if len(tried) != want {
				t.Errorf("%s: %d Puts, want %d", what, len(tried), want)
			}
			if w.knownAll(what+", gone on", all); len(w.found()) != len(all) {
				t.Errorf("%s: %d of %d are there", what, len(w.found()), len(all))
			}
		}
	}
}

// A node that is split is in memory until that ends: of many tenants, some wait.
func TestManySplitsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.begin()
	const tenants = 3 * mostSplits
	for i := range tenants {
		w.in(tenant.Name(fmt.Sprintf("many-%d", i)), fmt.Sprintf("uid-of-many-%d", i)).use(6000)
	}
	most, splits := 0, make(map[string]bool)
	w.s.StepIn(nil, func(string) error {
		n := 0
		w.st.usage.tenants.Range(func(uid, v any) bool {
			if len(v.(*pendingUses).unfinished) > 0 {
				splits[uid.(string)] = true
				n++
			}
			return true
		})
		most = max(most, n)
		return nil
	})
	must(t, w.st.FlushUsage(t.Context(), w.s, time.Now().Add(time.Hour)))
	if most != mostSplits || len(splits) != tenants {
		t.Errorf("%d at once, of %d tenants", most, len(splits))
	}
	if len(w.st.usage.turns) > 0 {
		t.Errorf("left out: %v", w.st.usage.turns)
	}
}
