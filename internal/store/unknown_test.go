package store

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"pgregory.net/rapid"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// subject is something that is changed back and forth, and how callers that judge calls see it.
type subject struct {
	name string
	set  func(ctx context.Context, st *Store, s logical.Storage, to bool) error
	get  func(ctx context.Context, st *Store, s logical.Storage) (bool, error)
}

func errOf[T any](_ T, err error) error { return err }

// subjects are a record of each family, a claim, and a removal.
func subjects(tn *tenant.Tenant) []subject {
	find := func(ctx context.Context, st *Store, s logical.Storage) (bool, error) {
		found, err := st.Find(ctx, s, id(1))
		return err == nil && found != nil && found.Key.State() == apikey.Active, err
	}
	return []subject{
		{"a key that is disabled", func(ctx context.Context, st *Store, s logical.Storage, to bool) error {
			return errOf(st.UpdateKey(ctx, s, tn, apikey.External, "billing", func(k *apikey.Key) (*apikey.Key, error) {
				if to {
					return k.Enable("", admin, start)
				}
				return k.Disable("", "", admin, start)
			}))
		}, find},
		{"a tenant that is suspended", func(ctx context.Context, st *Store, s logical.Storage, to bool) error {
			return errOf(st.UpdateTenant(ctx, s, tn.Name, func(old *tenant.Tenant) (*tenant.Tenant, error) {
				if (old.State() == tenant.Active) == to {
					return old, nil
				}
				c := *old
				if c.SuspendedAt = start; to {
					c.SuspendedAt = time.Time{}
				}
				return &c, nil
			}))
		}, func(ctx context.Context, st *Store, s logical.Storage) (bool, error) {
			found, err := st.Find(ctx, s, id(1))
			return err == nil && found.Tenant.State() == tenant.Active, err
		}},
		{"the settings", func(ctx context.Context, st *Store, s logical.Storage, to bool) error {
			return errOf(st.UpdateConfig(ctx, s, func(old *tenant.Config) (*tenant.Config, error) {
				if old.ForceWrap == to {
					return old, nil
				}
				c := *old
				c.ForceWrap = to
				return &c, nil
			}))
		}, func(ctx context.Context, st *Store, s logical.Storage) (bool, error) {
			c, err := st.Config(ctx, s)
			return err == nil && c.ForceWrap, err
		}},
		{"a role", func(ctx context.Context, st *Store, s logical.Storage, to bool) error {
			return errOf(
				st.UpdateRole(ctx, s, tn, apikey.Internal, "agent", func(old *apikey.Role) (*apikey.Role, error) {
					if old.Replay == to {
						return nil, nil
					}
					c := *old
					c.Replay = to
					return &c, nil
				}),
			)
		}, func(ctx context.Context, st *Store, s logical.Storage) (bool, error) {
			r, err := st.Role(ctx, s, tn, apikey.Internal, "agent")
			return err == nil && r.Replay, err
		}},
		{"a key that is made and destroyed", func(ctx context.Context, st *Store, s logical.Storage, to bool) error {
			if !to {
				return st.Destroy(ctx, s, DueEntry{at: location{familyKeys, tn.Name, apikey.External, "payroll"}})
			}
			return errOf(
				st.UpdateKey(ctx, s, tn, apikey.External, "payroll", func(old *apikey.Key) (*apikey.Key, error) {
					if old != nil {
						return old, nil
					}
					return newKey(tn, "payroll", id(2)), nil
				}),
			)
		}, func(ctx context.Context, st *Store, s logical.Storage) (bool, error) {
			found, err := st.Find(ctx, s, id(2))
			return found != nil, err
		}},
	}
}

// unknown is what happens in one run: changes to and fro, with callers who go, and reads
// and late writes in between.
type unknown struct {
	To    []bool
	Moods []mood
	Leave []int // seconds after which the caller of a change goes; 0: never
	Reads []int // bits: whether there is a read before, while, and after what is late has landed; whether it is settled
}

// An answered change is in force, whatever storage does with it and with those before it:
// answering late, not at all, with an error, after the caller has gone, or doing it twice.
func TestAnsweredChangesAreInForce(t *testing.T) {
	if err := flag.Set("rapid.nofailfile", "true"); err != nil { // what fails is printed
		t.Fatal(err)
	}
	for i, sub := range subjects(nil) {
		t.Run(sub.name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				n := rapid.IntRange(2, 6).Draw(r, "changes")
				u := unknown{
					To:    rapid.SliceOfN(rapid.Bool(), n, n).Draw(r, "to"),
					Moods: rapid.SliceOfN(rapid.SampledFrom(moods), 3*n, 3*n).Draw(r, "moods"),
					Leave: rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 1, 5, 40}), n, n).Draw(r, "leave"),
					Reads: rapid.SliceOfN(rapid.IntRange(0, 15), n, n).Draw(r, "reads"),
				}
				if wrong := u.play(t, i); wrong != "" {
					r.Fatalf("%s: %s", sub.name, wrong)
				}
			})
		})
	}
}

func (u *unknown) play(t *testing.T, which int) (wrong string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("billing", id(1))
		s := new(moody)
		for _, e := range w.s.Entries(t) {
			must(t, s.InmemStorage.Put(t.Context(), e))
		}
		st, sub := New(), subjects(w.tenant)[which]
		read := func() bool {
			got, err := sub.get(t.Context(), st, s)
			must(t, err)
			return got
		}
		s.moods = u.Moods
		for n, to := range u.To {
			if u.Reads[n]&1 != 0 {
				read()
			}
			err := u.change(t, st, s, sub, n)
			for late := range 2 {
				if got := read(); err == nil && got != to && wrong == "" {
					wrong = fmt.Sprintf(
						"change %d to %t was answered, and %t is what holds (late writes done: %d)\n%+v",
						n,
						to,
						got,
						late,
						*u,
					)
				}
				if u.Reads[n]&4 == 0 {
					break
				}
				s.land("")
			}
			if u.Reads[n]&8 != 0 {
				if st.Settle(t.Context(), s, time.Now().Add(time.Minute)) == nil && len(st.writes.all()) != 0 &&
					wrong == "" {
					wrong = fmt.Sprintf("%v is not settled", st.writes.all())
				}
			}
		}
		s.land("")
		if got, fresh := read(), mustGet(t, sub, s); got != fresh && wrong == "" {
			wrong = fmt.Sprintf("%t is what holds, and %t is what is stored\n%+v", got, fresh, *u)
		}
	})
	return wrong
}

func mustGet(t *testing.T, sub subject, s logical.Storage) bool {
	t.Helper()
	got, err := sub.get(t.Context(), New(), s)
	must(t, err)
	return got
}

// change makes the nth change for a caller who may go, with a read while it is under way.
func (u *unknown) change(t *testing.T, st *Store, s *moody, sub subject, n int) error {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	if after := u.Leave[n]; after > 0 {
		timer := time.AfterFunc(time.Duration(after)*time.Second, leave)
		defer timer.Stop()
	}
	done := make(chan error, 1)
	go func() { done <- sub.set(ctx, st, s, u.To[n]) }()
	synctest.Wait()
	if u.Reads[n]&2 != 0 {
		_, err := sub.get(t.Context(), st, s)
		must(t, err)
	}
	return <-done
}

// A caller that goes away does not stop a write that has begun. The next caller waits for it and learns its outcome.
func TestWritesOutliveTheirCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("billing", id(1))
		s := &moody{moods: []mood{slow, slow}}
		for _, e := range w.s.Entries(t) {
			must(t, s.InmemStorage.Put(t.Context(), e))
		}
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		began := time.Now()
		_, err := w.st.UpdateKey(
			ctx,
			s,
			w.tenant,
			apikey.External,
			"billing",
			func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) },
		)
		if err != nil || time.Since(began) != 20*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if found, err := w.st.Find(t.Context(), s, id(1)); err != nil || found.Key.State() != apikey.Revoked {
			t.Errorf("%v, %v", found, err)
		}
		if open := w.st.writes.all(); len(open) != 0 {
			t.Errorf("%v is unsettled", open)
		}
	})
}

// Who was gone before it was his turn changes nothing.
func TestNothingIsBegunForWhoIsGone(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	ctx, leave := context.WithCancel(t.Context())
	leave()
	ops := w.s.Operations(func() {
		_, err := w.st.UpdateKey(
			ctx,
			w.s,
			w.tenant,
			apikey.External,
			"billing",
			func(k *apikey.Key) (*apikey.Key, error) { return k.Revoke("", "", admin, start) },
		)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	expect(t, storagetest.Only(ops, "put"))
}

// An import whose claim was written and whose record was not can be sent again. Claims of other records are still
// refused.
func TestClaimsOfAFailedWriteAreMadeAgain(t *testing.T) {
	w := newWorld(t)
	w.s.StepIn(func(op string) error {
		if op == "put keys/acme/external/billing" {
			return errBroken
		}
		return nil
	}, nil)
	if _, err := w.update("billing", becomes(newKey(w.tenant, "billing", id(1)))); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	w.s.StepIn(nil, nil)
	for name, want := range map[apikey.Name]bool{"billing": true, "payroll": false} {
		free, err := w.st.Claimable(t.Context(), w.s, w.tenant, apikey.External, name, id(1))
		if err != nil || free != want {
			t.Errorf("%s: %t, %v", name, free, err)
		}
	}
	if _, err := w.update("payroll", becomes(newKey(w.tenant, "payroll", id(1)))); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	w.create("billing", id(1))
	if w.find(id(1)) == nil {
		t.Error("not found")
	}
}
