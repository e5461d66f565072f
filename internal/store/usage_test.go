package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// far is a time that flushing does not run into.
func far() time.Time { return time.Now().Add(time.Hour) }

func (w *world) flush() {
	w.t.Helper()
	must(w.t, w.st.FlushUsage(w.t.Context(), w.s, far()))
}

// uses checks when a version of billing was used, for this store and a fresh one.
func (w *world) uses(keyID string, want, stored Use) {
	w.t.Helper()
	for st, want := range map[*Store]Use{w.st: want, New(): stored} {
		uses, err := st.Usage(w.t.Context(), w.s, w.tenant, apikey.External, "billing")
		must(w.t, err)
		if diff := cmp.Diff(want, uses.Of(keyID)); diff != "" {
			w.t.Errorf("%s, fresh %t (-want +got):\n%s", keyID, st != w.st, diff)
		}
	}
}

func TestMergeOfUses(t *testing.T) {
	none, early := Use{}, Use{minute(1), minute(3), "a"}
	for _, row := range []struct {
		name    string
		u, o, w Use
	}{
		{"nothing", none, none, none},
		{"the first", none, early, early},
		{"nothing new", early, none, early},
		{"later", early, Use{minute(5), minute(6), "b"}, Use{minute(1), minute(6), "b"}},
		{"earlier", early, Use{minute(0), minute(2), "b"}, Use{minute(0), minute(3), "a"}},
		{"around", Use{minute(1), minute(2), "a"}, Use{minute(0), minute(5), "b"}, Use{minute(0), minute(5), "b"}},
		{"later, from nobody knows where", early, Use{minute(4), minute(4), ""}, Use{minute(1), minute(4), ""}},
		{"in the same minute", early, Use{minute(3), minute(3), "b"}, Use{minute(1), minute(3), "b"}},
		{"in the same minute, from nobody knows where", early, Use{minute(3), minute(3), ""}, early},
		{
			"in the same minute, and where from is known now",
			Use{minute(3), minute(3), ""},
			Use{minute(3), minute(3), "b"},
			Use{minute(3), minute(3), "b"},
		},
	} {
		if diff := cmp.Diff(row.w, row.u.merge(row.o)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestUsesAreMergedAndFlushed(t *testing.T) {
	w := newWorld(t)
	k := w.create("billing", id(1))
	w.st.Used(k, id(1), "192.0.2.1", minute(1).Add(59*time.Second))
	w.st.Used(k, id(1), "", minute(2))
	w.uses(id(1), Use{minute(1), minute(2), "192.0.2.1"}, Use{})
	const path = "usage/uid-of-acme/x"
	expect(t, w.s.Operations(w.flush), "get "+path, "put "+path)
	w.uses(id(1), Use{minute(1), minute(2), "192.0.2.1"}, Use{minute(1), minute(2), "192.0.2.1"})
	expect(t, w.s.Operations(w.flush))
	w.st.Used(k, id(1), "192.0.2.2", minute(7))
	w.uses(id(1), Use{minute(1), minute(7), "192.0.2.2"}, Use{minute(1), minute(2), "192.0.2.1"})

	// Another node has written meanwhile, and the clock was set back.
	other := w.fresh()
	other.st.Used(k, id(1), "192.0.2.3", minute(5))
	other.st.Used(k, id(1), "192.0.2.3", minute(4))
	other.flush()
	w.flush()
	w.uses(id(1), Use{minute(1), minute(7), "192.0.2.2"}, Use{minute(1), minute(7), "192.0.2.2"})
	last, err := w.st.LastUsed(t.Context(), w.s, k)
	if must(t, err); !last.At.Equal(minute(7)) {
		t.Errorf("last used %s", last.At)
	}
}

// Reading the uses of one key does not look at all uses of its tenant.
func TestUsageOfOneKeyLooksAtItsOwn(t *testing.T) {
	w := newWorld(t)
	w.begin()
	k := w.create("billing", id(1))
	w.st.Used(k, id(1), "192.0.2.1", minute(1))
	w.st.usage.of(k.UID, k.Tenant).fresh.Store(id(2), "whoever looks at this panics")
	uses, err := w.st.Usage(t.Context(), w.s, w.tenant, apikey.External, "billing")
	if must(t, err); uses.Of(id(1)) != (Use{minute(1), minute(1), "192.0.2.1"}) {
		t.Errorf("%+v", uses.Of(id(1)))
	}
}

// A flush loses nothing if a read or a write fails, even if the write succeeded in storage.
func TestFlushThatFails(t *testing.T) {
	for n := range 2 {
		for _, landed := range []bool{false, true} {
			w := newWorld(t)
			k := w.create("billing", id(1))
			w.st.Used(k, id(1), "192.0.2.1", minute(1))
			w.failAt(n, landed, func() error { return w.st.FlushUsage(t.Context(), w.s, far()) })
			w.st.Used(k, id(1), "192.0.2.2", minute(2))
			want := Use{minute(1), minute(2), "192.0.2.2"}
			uses, err := w.st.Usage(t.Context(), w.s, w.tenant, apikey.External, "billing")
			if must(t, err); uses.Of(id(1)) != want {
				t.Errorf("operation %d: %+v", n, uses.Of(id(1)))
			}
			w.flush()
			w.uses(id(1), want, want)
		}
	}
}

// Uses are noted while others are flushed, read and forgotten: none is lost.
func TestUsesWhileFlushing(t *testing.T) {
	w := newWorld(t)
	const users, uses = 4, 2000
	keys := make([]*apikey.Key, users)
	for n := range keys {
		keys[n] = w.create(apikey.Name(fmt.Sprintf("key-%d", n)), id(n+1))
	}
	var noting sync.WaitGroup
	for n := range users {
		for range 2 { // two at each key
			noting.Go(func() {
				for i := range uses {
					w.st.Used(keys[n], id(n+1), fmt.Sprintf("192.0.2.%d", i%3), minute(i))
				}
			})
		}
	}
	stop := make(chan struct{})
	var flushing sync.WaitGroup
	flushing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.flush()
			}
		}
	})
	noting.Wait()
	close(stop)
	flushing.Wait()
	w.flush()
	for n, k := range keys {
		uses, err := New().usesOf(k.UID).at(t.Context(), w.s, locate(k), nil)
		must(t, err)
		if got := uses.Of(id(n + 1)); !got.First.Equal(minute(0)) || !got.Last.Equal(minute(1999)) {
			t.Errorf("%s: %+v", k.Name, got)
		}
	}
}
