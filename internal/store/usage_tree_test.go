package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
)

// use notes a use of n keys of billing's tenant, and returns the keys.
func (w *world) use(n int) []*apikey.Key {
	k := newKey(w.tenant, "billing", id(1))
	all := make([]*apikey.Key, n)
	for i := range all {
		c := *k
		c.Name, c.Versions = apikey.Name(fmt.Sprintf("key-%d", i)), slices.Clone(k.Versions)
		c.Versions[0].KeyID = id(i)
		all[i] = &c
		w.st.Used(&c, id(i), "2001:db8:85a3:8d3:1319:8a2e:370:7348", minute(1))
	}
	return all
}

// usagePaths returns where uses are, with the size of each entry.
func (w *world) usagePaths() map[string]int {
	paths := make(map[string]int)
	for path, entry := range w.s.Entries(w.t) {
		if strings.HasPrefix(path, "usage/") {
			paths[path] = len(entry.Value)
		}
	}
	return paths
}

// known fails the test unless each key's use is known to a store that starts afresh, and
// nothing counts as forgotten.
func (w *world) knownAll(what string, all []*apikey.Key) {
	w.t.Helper()
	st := New()
	must(w.t, st.BeginUsage(w.t.Context(), copied(w.t, w.s), start))
	reader := st.usesOf(w.tenant.UID)
	for _, k := range all {
		last, err := reader.LastUsed(w.t.Context(), w.s, k)
		if must(w.t, err); last != (LastUse{At: minute(1)}) {
			w.t.Fatalf("%s: %s: %+v", what, k.Name, last)
		}
	}
}

// A tenant with few used keys has one entry; one with 100,000 has many, none of them large,
// and a flush of one use costs as many reads as the tree is deep, and one write.
func TestUsesOfOneTenantAreSplit(t *testing.T) {
	w := newWorld(t)
	w.begin()
	few := w.use(1000)
	w.flush()
	if got := w.usagePaths(); len(got) != 1 {
		t.Errorf("few uses: %v", got)
	}
	w.knownAll("few", few)
	many := w.use(100_000)
	w.flush()
	got := w.usagePaths()
	for path, size := range got {
		if size > maxUsage {
			t.Errorf("%s has %d bytes", path, size)
		}
	}
	if n := len(got); n < 17 || n > 300 {
		t.Errorf("%d entries", n)
	}
	reads := storagetest.Only(w.s.Operations(func() { w.knownAll("many", many) }), "get")
	if len(reads) > len(got)+1 { // each entry once, and the mark
		t.Errorf("%d reads of %d entries", len(reads), len(got))
	}
	w.st.Used(many[7], id(7), "", minute(2))
	if ops := w.s.Operations(w.flush); len(ops) > digits+2 || len(storagetest.Only(ops, "put")) != 1 {
		t.Errorf("one use: %v", ops)
	}
}

// Of however many keys the last uses are asked for: each entry is read once, also where they are more than a reader
// holds.
func TestEachLastUsedReadsEntriesOnce(t *testing.T) {
	w := newWorld(t)
	w.begin()
	all := w.use(5000)
	w.flush()
	entries := len(w.usagePaths())
	st := New()
	must(t, st.BeginUsage(t.Context(), copied(t, w.s), start))
	reader := st.UsesOf(w.tenant)
	reader.most = 1
	told := make(map[apikey.Name]bool)
	reads := storagetest.Only(w.s.Operations(func() {
		must(t, reader.EachLastUsed(t.Context(), w.s, all, func(k *apikey.Key, last LastUse, err error) error {
			if must(t, err); last != (LastUse{At: minute(1)}) {
				t.Errorf("%s: %+v", k.Name, last)
			}
			told[k.Name] = true
			return nil
		}))
	}), "get")
	if len(told) != len(all) || entries < 17 || len(reads) > entries {
		t.Errorf("%d of %d keys told of, by %d reads of %d entries", len(told), len(all), len(reads), entries)
	}
	stop := errors.New("enough")
	asked := 0
	err := reader.EachLastUsed(t.Context(), w.s, all, func(*apikey.Key, LastUse, error) error { asked++; return stop })
	if !errors.Is(err, stop) || asked != 1 {
		t.Errorf("it goes on after an error: %v, %d keys", err, asked)
	}
}

// A split may be cut off before or after any write. Readers lose no use meanwhile, the next flush completes the
// split, and the walk deletes what an abandoned split has left.
func TestSplitThatIsCutOff(t *testing.T) {
	whole := newWorld(t)
	whole.begin()
	const n = 4500
	all := whole.use(n)
	ops := whole.s.Operations(whole.flush)
	puts := len(storagetest.Only(ops, "put"))
	if puts != 17 {
		t.Fatalf("a split takes %d Puts", puts)
	}
	for cutAt := range ops {
		for _, landed := range []bool{false, true} {
			w := newWorld(t)
			w.begin()
			before := w.use(n - 2000)
			w.flush()
			all := w.use(n)
			w.failAt(cutAt, landed, func() error { return w.st.FlushUsage(t.Context(), w.s, far()) })
			what := fmt.Sprintf("%s landed %t", ops[cutAt], landed)
			w.knownAll(what, before)
			other := w.fresh() // the node has crashed
			must(t, other.st.BeginUsage(t.Context(), w.s, start))
			for _, part := range other.parts("uid-of-acme/") {
				must(t, prune(other, part))
			}
			for path := range w.usagePaths() {
				if path != "usage/uid-of-acme/x" && !other.split("") {
					t.Errorf("%s: %s is left below an entry that is whole", what, path)
				}
			}
			w.knownAll(what+", after the walk", before)
			w.flush() // it has not crashed
			w.knownAll(what+", after a flush", all)
		}
	}
	whole.knownAll("uncut", all)
}

func prune(w *world, part string) error {
	_, err := w.st.PruneUsage(w.t.Context(), w.s, part, func(string) bool { return true })
	return err
}

func (w *world) split(prefix string) bool {
	n, _, err := loadNode(w.t.Context(), w.s, w.tenant.UID, prefix)
	must(w.t, err)
	return n.split
}

// What a split that was cut off has left is not taken for what is there when the entry is
// split again.
func TestSplitOverWhatAnotherHasLeft(t *testing.T) {
	w := newWorld(t)
	w.begin()
	stale := &node{tenant: "acme", uses: map[string]map[string]Use{"abc": {id(99_999): {minute(9), minute(9), "gone"}}}}
	must(t, saveNode(t.Context(), w.s, "uid-of-acme", "a", stale))
	w.use(4500)
	w.flush()
	if !w.split("") {
		t.Fatal("not split")
	}
	n, _, err := loadNode(t.Context(), w.s, "uid-of-acme", "a")
	if must(t, err); n.uses["abc"][id(99_999)] != (Use{}) {
		t.Error("what was left is back")
	}
}

// What does not fit into the last of a tree is forgotten, oldest first, and until when is
// kept.
func TestOldestUsesAreForgotten(t *testing.T) {
	n := &node{tenant: "acme"}
	for i := range 6000 {
		n.uses = put(n.uses, "abc", id(i), Use{minute(i), minute(i), "2001:db8:85a3:8d3:1319:8a2e:370:7348"})
	}
	raw, err := n.cut()
	must(t, err)
	kept, err := decodeNode("abc", raw)
	must(t, err)
	left := len(kept.uses["abc"])
	if len(raw) > maxUsage || left < 3000 {
		t.Errorf("%d uses in %d bytes", left, len(raw))
	}
	for keyID := range kept.uses["abc"] {
		if keyID < id(6000-left) {
			t.Fatalf("%s is kept, and later ones are not", keyID)
		}
	}
	if want := minute(6000-left-1).Unix() / 60; kept.forgotten != want {
		t.Errorf("forgotten until %d, want %d", kept.forgotten, want)
	}
}

// Entries that this package does not write are damage, not something to look for keys in.
func TestDamagedNodes(t *testing.T) {
	for prefix, raw := range map[string]string{
		"":    `{"schema":1,"tenant":"acme","uses":{"ab":{}}}`,
		"a":   `{"schema":1,"tenant":"acme","uses":{"bcd":{}}}`,
		"b":   `{"schema":1,"tenant":"acme","uses":{"bxy":{}}}`,
		"c":   `{"schema":1,"tenant":"acme","split":true,"uses":{"cab":{"K":{"first":1,"last":2}}}}`,
		"abc": `{"schema":1,"tenant":"acme","split":true}`,
	} {
		if _, err := decodeNode(prefix, []byte(raw)); err == nil {
			t.Errorf("%q: %s is read", prefix, raw)
		}
	}
}

// FuzzTree: whatever uses there are, each is found again where it was put, once.
func FuzzTree(f *testing.F) {
	f.Add(uint16(3), uint8(1))
	f.Add(uint16(6000), uint8(4))
	f.Fuzz(func(t *testing.T, size uint16, spread uint8) {
		s, st, n := new(storagetest.Storage), New(), &node{tenant: "acme"}
		o := st.usage.of("uid", n.tenant)
		for i := range min(int(size), 12_000) {
			group, use := fmt.Sprintf("%03x", i*int(spread)%4096), Use{minute(i), minute(i + 1), "192.0.2.1"}
			n.uses = put(n.uses, group, id(i), use)
			o.await(group, id(i), use, st.usage.most)
		}
		must(t, st.FlushUsage(t.Context(), s, far()))
		if o.dirty() {
			t.Fatal("not all is written")
		}
		seen := make(map[string]int64)
		for group, uses := range n.uses {
			b, err := descend(t.Context(), s, "uid", group, seen)
			must(t, err)
			got := b.node.uses[group]
			if b.forgotten == 0 && !cmp.Equal(uses, got) || len(got) > len(uses) {
				t.Fatalf("%s: %d uses were put, %d found", group, len(uses), len(got))
			}
			for keyID, use := range uses {
				if got[keyID] != use && b.forgotten < use.Last.Unix()/60 {
					t.Fatalf("%s: the use of %s is gone, and nothing says so", group, keyID)
				}
			}
		}
	})
}
