package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// gate holds the first run of one storage operation after it is done, as a slow storage
// does, until it is opened.
type gate struct {
	op       string
	held     chan struct{} // closed when the operation waits
	open     chan struct{}
	first    atomic.Bool
	released sync.Once
}

func (w *world) hold(op string) *gate {
	g := &gate{op: op, held: make(chan struct{}), open: make(chan struct{})}
	w.s.StepIn(nil, func(op string) error {
		if op == g.op && g.first.CompareAndSwap(false, true) {
			close(g.held)
			<-g.open
		}
		return nil
	})
	w.t.Cleanup(g.release)
	return g
}

func (g *gate) release() { g.released.Do(func() { close(g.open) }) }

// A reader that has read the old entry must not cache it after it was changed, on this node or on another.
func TestInvalidationCannotLoseARace(t *testing.T) {
	ctx := t.Context()
	for _, row := range []struct {
		path  string
		read  func(w *world) any // how far what is read has got: 0 or 1, or nil for none
		write func(w *world)
	}{
		{"config", func(w *world) any {
			c, err := w.st.Config(ctx, w.s)
			must(t, err)
			return c.Revision
		}, func(w *world) {
			_, err := w.st.UpdateConfig(
				ctx, w.s, func(c *tenant.Config) (*tenant.Config, error) { d := *c; d.Revision++; return &d, nil },
			)
			must(t, err)
		}},
		{"tenants/acme", func(w *world) any {
			tn, err := w.st.Tenant(ctx, w.s, "acme")
			must(t, err)
			return string(tn.State())
		}, func(w *world) {
			_, err := w.st.UpdateTenant(
				ctx, w.s, "acme",
				func(old *tenant.Tenant) (*tenant.Tenant, error) { c := *old; c.SuspendedAt = start; return &c, nil },
			)
			must(t, err)
		}},
		{"keys/acme/external/billing", func(w *world) any {
			return string(w.find(id(1)).Key.State())
		}, func(w *world) {
			w.change("billing", func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) })
		}},
		{"leased/acme/internal/" + id(2), func(w *world) any {
			return string(w.find(id(2)).Key.State())
		}, func(w *world) {
			w.changeLeased(id(2), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
		}},
		{"roles/acme/internal/agent", func(w *world) any {
			return w.find(id(2)).Role.Epoch
		}, func(w *world) {
			_, err := w.st.UpdateRole(
				ctx, w.s, w.tenant, apikey.Internal, "agent",
				func(old *apikey.Role) (*apikey.Role, error) { c := *old; c.Epoch++; return &c, nil },
			)
			must(t, err)
		}},
		{"ids/" + id(3), func(w *world) any {
			return w.find(id(3)) != nil
		}, func(w *world) {
			w.create("payroll", id(3))
		}},
	} {
		base := newWorld(t)
		base.create("billing", id(1))
		base.issue(id(2))
		after := base.on(t, copied(t, base.s))
		row.write(after)
		before, want := row.read(base.fresh()), row.read(after.fresh())
		if before == want {
			t.Fatalf("%s: the write changes nothing", row.path)
		}
		for how, write := range map[string]func(reader *world){
			"by this node": row.write,
			"by another node": func(reader *world) {
				row.write(reader.fresh())
				reader.st.Invalidate(row.path)
			},
		} {
			t.Run(row.path+" "+how, func(t *testing.T) {
				w := base.on(t, copied(t, base.s))
				g := w.hold("get " + row.path)
				var got any
				var wg sync.WaitGroup
				wg.Go(func() { got = row.read(w) })
				<-g.held
				write(w)
				g.release()
				wg.Wait()
				if got != want {
					t.Errorf("the slow reader got %v, and %v was in force when it did", got, want)
				}
				if got := row.read(w); got != want {
					t.Errorf("the next reader got %v, want %v: the old entry is in the cache", got, want)
				}
			})
		}
	}
}

// A reader that has found a key ID unclaimed must not remember that after it was claimed.
func TestUnknownIsNotRememberedPastAClaim(t *testing.T) {
	w := newWorld(t)
	g := w.hold("get ids/" + id(1))
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := w.st.Find(t.Context(), w.s, id(1)); err != nil {
			t.Error(err)
		}
	})
	<-g.held
	w.create("billing", id(1))
	g.release()
	wg.Wait()
	if _, unknown := w.st.unknownIDs.get(id(1)); unknown {
		t.Error("the key ID is remembered as nobody's")
	}
}

func TestInvalidateDropsOneEntryWithoutAsking(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.create("payroll", id(2))
	w.view()
	expect(t, w.s.Operations(func() {
		for _, path := range []string{
			"keys/acme/external/billing", "due/2026011510/00/x", "tombs/x", "", "unheard/of",
		} {
			w.st.Invalidate(path)
		}
	}))
	expect(t, w.s.Operations(func() { w.find(id(2)) }))
	expect(t, w.s.Operations(func() { w.find(id(1)) }), "get keys/acme/external/billing")
	w.st.Invalidate("ids/" + id(1))
	expect(t, w.s.Operations(func() { w.find(id(1)) }), "get ids/"+id(1))
}

// Concurrent changes of one record lose nothing, and readers meanwhile never see it go back.
func TestConcurrentChangesLoseNothing(t *testing.T) {
	const writers, changes = 8, 25
	w := newWorld(t)
	w.create("billing", id(1))
	var wg, readers sync.WaitGroup
	var done atomic.Bool
	for range 4 {
		readers.Go(func() {
			last := 0
			for !done.Load() {
				found, err := w.st.Find(t.Context(), w.s, id(1))
				if err != nil || found == nil || found.Key.Revision < last {
					t.Errorf("found %v after revision %d, %v", found, last, err)
					return
				}
				last = found.Key.Revision
			}
		})
	}
	readers.Go(func() {
		for !done.Load() {
			w.st.Invalidate("keys/acme/external/billing")
			w.st.Invalidate("ids/" + id(1))
		}
	})
	for n := range writers {
		wg.Go(func() {
			for i := range changes {
				_, err := w.st.UpdateKey(
					t.Context(),
					w.s,
					w.tenant,
					apikey.External,
					"billing",
					func(k *apikey.Key) (*apikey.Key, error) {
						s := k.Settings
						s.Description = fmt.Sprint(n, i)
						return k.Change(s, admin, start)
					},
				)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	done.Store(true)
	readers.Wait()
	if k := w.key("billing"); k.Revision != 1+writers*changes {
		t.Errorf("revision %d after %d changes", k.Revision, writers*changes)
	}
	same(t, w.fresh().view(), w)
}

// Of many who make one key, one does: each but the first is shown what is there.
func TestConcurrentCreation(t *testing.T) {
	w := newWorld(t)
	var made atomic.Int64
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			_, err := w.st.UpdateKey(
				t.Context(),
				w.s,
				w.tenant,
				apikey.External,
				"billing",
				func(old *apikey.Key) (*apikey.Key, error) {
					if old != nil {
						return old, nil
					}
					made.Add(1)
					return newKey(w.tenant, "billing", id(10+n)), nil
				},
			)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || len(storagetest.Only(w.s.Operations(func() {}), "put")) != 0 ||
		w.key("billing").Revision != 1 {
		t.Errorf("made %d times", made.Load())
	}
}

// Verifying goes on while a rotation hangs in storage: it takes no lock that one holds, and
// reads what storage says meanwhile.
func TestWarmFindDoesNotWaitForARotation(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.find(id(1))
	g := w.hold("put keys/acme/external/billing")
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := w.st.UpdateKey(
			t.Context(),
			w.s,
			w.tenant,
			apikey.External,
			"billing",
			func(k *apikey.Key) (*apikey.Key, error) { return rotate(k, id(2), start) },
		); err != nil {
			t.Error(err)
		}
	})
	<-g.held
	for range 2 { // not remembered, as it may change
		expect(t, w.s.Operations(func() { w.find(id(1)) }), "get keys/acme/external/billing")
	}
	g.release()
	wg.Wait()
	if found := w.find(id(2)); found == nil {
		t.Error("the new version is not found once its rotation is answered")
	}
}
