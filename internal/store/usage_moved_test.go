package store

import (
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// A reader finds a use from before its call, even if a flush moves it during the read into an entry that was read
// already.
func TestUsesThatMoveWhileTheyAreRead(t *testing.T) {
	const root = "usage/uid-of-acme/x"
	for name, move := range map[string]func(w *world){
		"flushed": func(w *world) { w.flush() },
		"split": func(w *world) {
			w.use(4500)
			w.flush()
		},
	} {
		w := newWorld(t)
		w.begin()
		first, k := w.create("first", id(1)), w.create("billing", id(2))
		w.st.Used(first, id(1), "", minute(1))
		w.flush()
		n := 10
		while := func(what string, read func() Use) {
			t.Helper()
			n++
			w.st.Used(k, id(2), "", minute(n))
			did := false
			w.s.StepIn(nil, func(op string) error {
				if op == "get "+root && !did {
					did = true
					move(w)
				}
				return nil
			})
			got := read()
			w.s.StepIn(nil, nil)
			if !got.Last.Equal(minute(n)) || !did {
				t.Errorf("%s, %s: %+v, want %s; moved %t", name, what, got, minute(n), did)
			}
		}
		while("one key", func() Use {
			uses, err := w.st.Usage(t.Context(), w.s, w.tenant, apikey.External, "billing")
			must(t, err)
			return uses.Of(id(2))
		})
		while("the last use", func() Use { return Use{Last: w.lastUsed(k).At} })
		while("a report", func() Use {
			reader := w.st.UsesOf(w.tenant)
			must(t, errOf(reader.LastUsed(t.Context(), w.s, first)))
			last, err := reader.LastUsed(t.Context(), w.s, k)
			must(t, err)
			return Use{Last: last.At}
		})
	}
}

// That a use was forgotten is not missed either while it is written down.
func TestForgottenUsesThatAreWrittenWhileTheyAreRead(t *testing.T) {
	for _, asked := range []string{"the last use", "whether it was used"} {
		w := newWorld(t)
		w.begin()
		w.st.usage.most = 1
		k, more := w.create("billing", id(1)), w.create("more", id(2))
		w.st.Used(more, id(2), "", minute(1))
		w.st.Used(k, id(1), "", minute(1)) // there is no room
		did := false
		w.s.StepIn(nil, func(op string) error {
			if strings.HasPrefix(op, "get usage/") && !did {
				did = true
				w.flush()
			}
			return nil
		})
		if asked == "the last use" {
			if got := w.lastUsed(k); !got.MaybeAt.Equal(minute(2)) {
				t.Errorf("%+v", got)
			}
		} else if used, err := w.st.WasUsed(t.Context(), w.s, k, id(1)); err != nil || !used {
			t.Errorf("used %t, %v", used, err)
		}
	}
}

// What was used and lost in a crash counts as used; a version that came after it does not.
func TestWhetherAVersionWasUsedBeforeACrash(t *testing.T) {
	w := newWorld(t)
	w.begin()
	k := w.create("billing", id(1))
	w.st.Used(k, id(1), "", minute(1))
	next := w.fresh() // without a flush
	must(t, next.st.BeginUsage(t.Context(), w.s, minute(2)))
	later, err := next.update("later", becomes(issuedAt(newKey(w.tenant, "later", id(2)), minute(3))))
	must(t, err)
	for k, want := range map[*apikey.Key]bool{k: true, later: false} {
		if used, err := next.st.WasUsed(t.Context(), w.s, k, k.Newest().KeyID); err != nil || used != want {
			t.Errorf("%s: used %t, %v", k.Name, used, err)
		}
	}
}
