package store

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// halfSplit returns a world in which a split of the root has written seven entries of 17, with the keys that are used:
// in storage before, and all.
func halfSplit(t *testing.T, stored int) (w *world, before, all []*apikey.Key) {
	t.Helper()
	w = newWorld(t)
	w.begin()
	all = w.keysBelow("", 4500)
	before = all[:stored]
	w.useAll(before, minute(1))
	w.flush()
	w.useAll(all, minute(1))
	puts := 0
	w.s.StepIn(func(op string) error {
		if strings.HasPrefix(op, "put ") {
			if puts++; puts > 7 {
				return errBroken
			}
		}
		return nil
	}, nil)
	if err := w.st.FlushUsage(t.Context(), w.s, far()); !errors.Is(err, errBroken) {
		t.Fatalf("not cut off: %v", err)
	}
	w.s.StepIn(nil, nil)
	if w.split("") || len(w.usagePaths()) < 7 {
		t.Fatalf("%v", w.usagePaths())
	}
	return w, before, all
}

// below returns a key of which the use is below a node.
func (w *world) below(all []*apikey.Key, prefix string) *apikey.Key {
	w.t.Helper()
	for _, k := range all {
		if strings.HasPrefix(groupOf(k.UID, locate(k)), prefix) {
			return k
		}
	}
	w.t.Fatalf("no key is below %s", prefix)
	return nil
}

// The walk of the splitting store spares the entries of the split, even if there is no root yet, so that nothing is
// written again.
func TestWalkSparesWhatIsBeingSplit(t *testing.T) {
	for _, stored := range []int{0, 2500} {
		w, _, all := halfSplit(t, stored)
		for _, part := range w.parts("uid-of-acme/") {
			must(t, prune(w, part))
		}
		if puts := storagetest.Only(w.s.Operations(w.flush), "put"); len(puts) != 10 {
			t.Errorf("%d stored: the rest of 17 Puts are %d", stored, len(puts))
		}
		w.knownAll("after the walk", all)
	}
}

// Another walk takes what it cannot know to belong to a split. It is written again, and nothing else.
func TestWhatIsTakenFromASplitIsWrittenAgain(t *testing.T) {
	w, _, all := halfSplit(t, 2500)
	must(t, w.s.InmemStorage.Delete(t.Context(), "usage/uid-of-acme/x3"))
	ops := storagetest.Only(w.s.Operations(w.flush), "put")
	if len(ops) != 11 || ops[0] != "put usage/uid-of-acme/x3" {
		t.Errorf("%v", ops)
	}
	w.knownAll("after that", all)
}

// What is written below a node that has changed since is not taken for what there is to be.
func TestNodeThatChangesDuringItsSplit(t *testing.T) {
	w, before, all := halfSplit(t, 2500)
	late, gone := w.below(all[4000:], "2"), w.below(before, "2")
	other := w.fresh()
	other.st.usage.forget(locate(gone), gone, nil)
	other.st.Used(late, late.Newest().KeyID, "192.0.2.9", minute(5))
	other.flush()
	w.st.usage.forget(locate(gone), gone, nil)
	w.flush()
	if !w.split("") {
		t.Fatal("not split")
	}
	if last := w.fresh().lastUsed(late); !last.At.Equal(minute(5)) {
		t.Errorf("a use that another has written: %+v", last)
	}
	if n := w.found()[gone.Newest().KeyID]; n != 0 || len(w.found()) != len(all)-1 {
		t.Errorf("what was forgotten is there %d times, and %d of %d", n, len(w.found()), len(all)-1)
	}
}

// If another store has split the node meanwhile, its split counts.
func TestSplitThatAnotherHasDone(t *testing.T) {
	w, _, all := halfSplit(t, 2500)
	other := w.fresh()
	other.useAll(all, minute(1))
	other.flush()
	if puts := storagetest.Only(w.s.Operations(w.flush), "put"); len(puts) != 0 ||
		len(w.st.usage.of("uid-of-acme", "acme").unfinished) != 0 {
		t.Errorf("%d Puts", len(puts))
	}
	w.knownAll("after both", all)
}

// A version that goes while its entry is being split goes with its uses, be they written already or not.
func TestUsesThatGoDuringASplit(t *testing.T) {
	for _, where := range []string{"0", "5", "9", "f"} {
		for _, stored := range []int{0, 2500} {
			w, before, all := halfSplit(t, stored)
			of := before
			if stored == 0 {
				of = all
			}
			k := w.below(of, where)
			w.st.usage.forget(locate(k), k, nil)
			w.flush()
			if n := w.found()[k.Newest().KeyID]; n != 0 || len(w.found()) != len(all)-1 || !w.split("") {
				t.Errorf(
					"%s, %d stored: it is there %d times, and %d of %d",
					where,
					stored,
					n,
					len(w.found()),
					len(all)-1,
				)
			}
			if o := w.st.usage.of("uid-of-acme", "acme"); o.dirty() || len(o.unfinished) != 0 {
				t.Errorf("%s: something is left to be done", where)
			}
		}
	}
}

// A use of after its entry was written in a split that goes on is not lost, and is read meanwhile.
func TestUsesThatComeDuringASplit(t *testing.T) {
	w, _, all := halfSplit(t, 2500)
	k := w.below(all, "0")
	w.st.Used(k, k.Newest().KeyID, "192.0.2.9", minute(8))
	if last := w.lastUsed(k); !last.At.Equal(minute(8)) {
		t.Errorf("before: %+v", last)
	}
	if puts := storagetest.Only(w.s.Operations(w.flush), "put"); len(puts) != 11 {
		t.Errorf("%d Puts: the rest of 17, and the one again", len(puts))
	}
	if last := w.fresh().lastUsed(k); !last.At.Equal(minute(8)) {
		t.Errorf("after: %+v", last)
	}
}

// However storage treats the writes of a split, late ones among them: nothing is lost.
func TestSplitOnAStorageOfAnyMood(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		synctest.Test(t, func(t *testing.T) {
			w, _, all := halfSplit(t, 2500)
			s := new(moody)
			for _, e := range w.s.Entries(t) {
				must(t, s.InmemStorage.Put(t.Context(), e))
			}
			for range 40 {
				s.moods = append(s.moods, moods[random.IntN(len(moods))])
			}
			for n := 0; w.dirty(); n++ {
				if n > 60 {
					t.Fatal("it has no end")
				}
				_ = w.st.FlushUsage(
					t.Context(),
					s,
					time.Now().Add(5*time.Second),
				) // what failed is told by what is there in the end
				if n%7 == 0 {
					w.useAll(all[:9], minute(1))
					s.land("")
				}
			}
			s.land("")
			for _, e := range w.s.Entries(t) {
				must(t, w.s.InmemStorage.Delete(t.Context(), e.Key))
			}
			paths, err := logical.CollectKeys(t.Context(), &s.InmemStorage)
			must(t, err)
			for _, path := range paths {
				e, err := s.Get(t.Context(), path)
				must(t, err)
				must(t, w.s.InmemStorage.Put(t.Context(), e))
			}
			if w.knownAll("in the end", all); !w.split("") || len(w.found()) != len(all) {
				t.Errorf("%d of %d are there", len(w.found()), len(all))
			}
		})
	}
}

// A tenant that is erased leaves nothing of a split.
func TestSplitOfATenantThatIsErased(t *testing.T) {
	w, _, _ := halfSplit(t, 0)
	_, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		c := *old
		c.DeletedAt, c.ErasedSince, c.Revision = start, start, 2
		return &c, nil
	})
	must(t, err)
	must(t, w.st.EraseTenant(t.Context(), w.s, "acme"))
	if left := w.usagePaths(); len(left) != 0 || len(w.st.usage.of("uid-of-acme", "acme").unfinished) != 0 {
		t.Errorf("left: %v", left)
	}
}

// That uses were forgotten has to be written too. Where it does not fit beside what the root has, the root is split for
// it.
func TestForgottenUsesThatDoNotFit(t *testing.T) {
	w := newWorld(t)
	w.begin()
	all := w.keysBelow("", 3700)
	n := &node{tenant: "acme"}
	for i, k := range all {
		from := strings.Repeat("f", 39)
		if i == 0 {
			from = "" // is filled up below
		}
		n.uses = put(n.uses, groupOf(k.UID, locate(k)), k.Newest().KeyID, Use{minute(1), minute(1), from})
	}
	raw, err := encodeNode(n)
	must(t, err)
	room := maxUsage - len(raw) - len(`,"from":""`)
	first := groupOf(all[0].UID, locate(all[0]))
	n.uses[first][all[0].Newest().KeyID] = Use{minute(1), minute(1), strings.Repeat("f", room)}
	must(t, saveNode(t.Context(), w.s, "uid-of-acme", "", n))
	raise(&w.st.usage.of("uid-of-acme", "acme").missed, minute(7).Unix()/60)
	puts := storagetest.Only(w.s.Operations(w.flush), "put")
	if len(puts) != 17 || !w.split("") {
		t.Errorf("%d Puts", len(puts))
	}
	if found := w.found(); len(found) != len(all) {
		t.Errorf("%d of %d uses are there", len(found), len(all))
	}
	other := w.fresh()
	other.begin()
	if last := other.lastUsed(all[1]); last != (LastUse{minute(1), minute(8)}) {
		t.Errorf("%+v", last)
	}
	if o := w.st.usage.of("uid-of-acme", "acme"); o.dirty() || len(w.s.Operations(w.flush)) != 0 {
		t.Error("it is not known to be written")
	}
}
