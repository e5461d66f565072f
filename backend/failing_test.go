package backend_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
)

// changes are the operations that change something, each on a world of its own, and where
// what they have changed is read.
var changes = []struct {
	name string
	do   func(w *world, acme person, h holder) answer
	read string
}{
	{"config", func(w *world, _ person, _ holder) answer {
		return w.root().trying().write("config", fields{"max_keys": 9})
	}, "config"},
	{
		"tenant",
		func(w *world, _ person, _ holder) answer { return w.spa().trying().write("admin/tenants/bolt", nil) },
		"admin/tenants/bolt",
	},
	{
		"tenant's own",
		func(_ *world, acme person, _ holder) answer { return acme.patch("my", fields{"max_keys": 9}) },
		"my",
	},
	{"suspend", func(w *world, _ person, _ holder) answer {
		return w.spa().trying().write("admin/tenants/acme/suspend", nil)
	}, "admin/tenants/acme"},
	{
		"delete tenant",
		func(w *world, _ person, _ holder) answer { return w.spa().trying().remove("admin/tenants/acme") },
		"admin/tenants/acme",
	},
	{"create", func(_ *world, acme person, _ holder) answer {
		return acme.write("my/external/keys/fresh", fields{"cas": 0})
	}, "my/external/keys/fresh"},
	{"change", func(_ *world, acme person, _ holder) answer {
		return acme.write(billing, fields{"owner": "x", "cas": 2})
	}, billing},
	{"rotate", func(_ *world, acme person, h holder) answer {
		return acme.write(billing+"/rotate", fields{"current_key_id": h.keyID})
	}, billing},
	{"disable", func(_ *world, acme person, _ holder) answer { return acme.write(billing+"/disable", nil) }, billing},
	{"revoke", func(_ *world, acme person, _ holder) answer { return acme.write(billing+"/revoke", nil) }, billing},
	{"delete", func(_ *world, acme person, _ holder) answer { return acme.remove(billing) }, billing},
	{"reveal", func(_ *world, acme person, _ holder) answer {
		return acme.write("my/external/keys/once/reveal", fields{"request_id": "one"})
	}, "my/external/keys/once"},
	{
		"role",
		func(_ *world, acme person, _ holder) answer { return acme.write("my/external/roles/fresh", nil) },
		"my/external/roles/fresh",
	},
	{"revoke-leased", func(_ *world, acme person, _ holder) answer {
		return acme.write("my/external/roles/app/revoke-leased", nil)
	}, "my/external/roles/app"},
	{
		"creds",
		func(_ *world, acme person, _ holder) answer { return acme.read("tenants/acme/external/creds/app") },
		"my",
	},
}

// failure breaks the n-th operation of storage, before or after it is done.
type failure struct {
	n      int
	landed bool
	met    bool
}

func (f *failure) into(s *storage) {
	var left atomic.Int64 // a sweep has several workers
	left.Store(int64(f.n))
	hook := func(string, string) error {
		if left.Add(-1) == 0 {
			f.met = true
			return errStorage
		}
		return nil
	}
	if f.landed {
		s.hooks(nil, hook)
	} else {
		s.hooks(hook, nil)
	}
}

// Storage that fails in any verb leaves the old state or the new one, whole: what this
// node remembers is what a fresh one reads, and the same request done again succeeds or
// is told that it has been done.
func TestFailingStorage(t *testing.T) {
	for _, change := range changes {
		for _, landed := range []bool{false, true} {
			for n, met := 1, true; met; n++ {
				met = false // should the test end early
				clocked(
					t,
					fmt.Sprintf("%s, operation %d, landed %v", change.name, n, landed),
					func(t *testing.T, w *world) {
						acme := w.tenant("acme")
						h := acme.key(billing, nil)
						acme.write("my/external/keys/once", nil)
						_, _, leased := app(acme, nil)
						leased.finds("valid")
						reader := acme.trying()
						if change.read == "config" || change.read[0] == 'a' {
							reader = w.root().trying()
						}
						before := reader.read(change.read)

						f := failure{n: n, landed: landed}
						f.into(w.storage)
						failed := change.do(w, acme.trying(), h)
						w.storage.hooks(nil, nil)
						if met = f.met; !met {
							failed.expect(200, "")
							return
						}
						if failed.status == 200 { // it is done, and only what the answer tells beside it is not known
							failed.warns("not counted, but the change is done")
						} else {
							failed.expect(500, "")
						}
						if strings.Contains(failed.text, errStorage.Error()) {
							t.Errorf("a caller is told what is for the log: %s", failed.text)
						}

						ours := reader.read(change.read)
						verdict := w.verdict(h.call())
						w.restart()
						fresh := reader.read(change.read)
						if !reflect.DeepEqual(ours.data, fresh.data) || ours.status != fresh.status ||
							verdict != w.verdict(h.call()) {
							t.Errorf("this node: %v %s, a fresh one: %v", ours.data, verdict, fresh.data)
						}
						if ours.status == before.status && reflect.DeepEqual(ours.data, before.data) {
							change.do(w, acme.trying(), h).expect(200, "") // the old state
						} else if again := change.do(w, acme.trying(), h); again.status != 200 && again.status != 409 {
							t.Errorf("again: %d %s", again.status, again.text) // the new one
						}
					},
				)
			}
		}
	}
}

// A warm node answers verify and sign while storage is away; a cold one says so.
func TestWarmNodeWithoutStorage(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		h.finds("valid")
		w.storage.hooks(func(string, string) error { return errStorage }, nil)
		h.finds("valid")
		acme.write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"})
		w.root().refused(500, "").write("verify", withKeyID(h, "0123456789abcdef").call())
		w.restart()
		w.root().refused(500, "").write("verify", h.call())
		w.storage.hooks(nil, nil)
		h.finds("valid")
	})
}

// A lease whose end could not be written is tried again by Vault, and ends then.
func TestFailingEndOfALease(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		_, l, h := app(acme, nil)
		w.storage.hooks(func(verb, _ string) error {
			if verb == put {
				return errStorage
			}
			return nil
		}, nil)
		if a := l.end(); a.status == 200 {
			t.Error("told to have ended")
		}
		l.renew(0).expect(500, "")
		w.storage.hooks(nil, nil)
		h.finds("valid")
		acme.read("my").is(fields{"leased_keys": 1})
		l.end().expect(200, "")
		h.finds("revoked")
		acme.read("my").is(fields{"leased_keys": 0})
	})
}

// Whatever verb of storage fails, whoever renews or ends a lease is not told storage's own words; the log is.
func TestFailingLease(t *testing.T) {
	for _, verb := range []string{get, put, list, del} {
		for name, do := range map[string]func(*lease) answer{
			"renew": func(l *lease) answer { return l.renew(0) }, "end": (*lease).end,
		} {
			clocked(t, name+" without "+verb, func(t *testing.T, w *world) {
				_, l, _ := app(w.tenant("acme"), nil)
				w.engine = w.setUp() // which has read nothing
				w.storage.hooks(func(did, path string) error {
					if did == verb {
						return fmt.Errorf("open /opt/vault/data/%s: %w", path, errStorage)
					}
					return nil
				}, nil)
				a := do(l)
				if needed := verb == get ||
					verb == put; needed != (a.status == 500) ||
					strings.Contains(a.text, "/opt") {
					t.Errorf("%d %s", a.status, a.text)
				}
				if a.status == 500 && !strings.Contains(w.log.String(), errStorage.Error()) {
					t.Error("the log does not say how storage has failed")
				}
			})
		}
	}
}
