package paths_test

import (
	"fmt"
	"reflect"
	"strings"
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
		return w.Root().Trying().Write("config", fields{"max_keys": 9})
	}, "config"},
	{
		"tenant",
		func(w *world, _ person, _ holder) answer { return w.SPA().Trying().Write("admin/tenants/bolt", nil) },
		"admin/tenants/bolt",
	},
	{
		"tenant's own",
		func(_ *world, acme person, _ holder) answer { return acme.Patch("my", fields{"max_keys": 9}) },
		"my",
	},
	{"suspend", func(w *world, _ person, _ holder) answer {
		return w.SPA().Trying().Write("admin/tenants/acme/suspend", nil)
	}, "admin/tenants/acme"},
	{
		"delete tenant",
		func(w *world, _ person, _ holder) answer { return w.SPA().Trying().Remove("admin/tenants/acme") },
		"admin/tenants/acme",
	},
	{"create", func(_ *world, acme person, _ holder) answer {
		return acme.Write("my/external/keys/fresh", fields{"cas": 0})
	}, "my/external/keys/fresh"},
	{"change", func(_ *world, acme person, _ holder) answer {
		return acme.Write(billing, fields{"owner": "x", "cas": 2})
	}, billing},
	{"rotate", func(_ *world, acme person, h holder) answer {
		return acme.Write(billing+"/rotate", fields{"current_key_id": h.KeyID})
	}, billing},
	{"disable", func(_ *world, acme person, _ holder) answer { return acme.Write(billing+"/disable", nil) }, billing},
	{"revoke", func(_ *world, acme person, _ holder) answer { return acme.Write(billing+"/revoke", nil) }, billing},
	{"expire", func(_ *world, acme person, h holder) answer {
		return acme.Write(billing+"/expire", fields{"key_id": h.KeyID, "in": 0})
	}, billing},
	{"delete", func(_ *world, acme person, _ holder) answer { return acme.Remove(billing) }, billing},
	{"reveal", func(_ *world, acme person, _ holder) answer {
		return acme.Write("my/external/keys/once/reveal", fields{"request_id": "one"})
	}, "my/external/keys/once"},
	{
		"role",
		func(_ *world, acme person, _ holder) answer { return acme.Write("my/external/roles/fresh", nil) },
		"my/external/roles/fresh",
	},
	{"revoke-leased", func(_ *world, acme person, _ holder) answer {
		return acme.Write("my/external/roles/app/revoke-leased", nil)
	}, "my/external/roles/app"},
	{
		"creds",
		func(_ *world, acme person, _ holder) answer { return acme.Read("tenants/acme/external/creds/app") },
		"my",
	},
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
						acme := w.Tenant("acme")
						h := acme.Key(billing, nil)
						acme.Write("my/external/keys/once", nil)
						_, _, leased := app(acme, nil)
						leased.Finds("valid")
						reader := acme.Trying()
						if change.read == "config" || change.read[0] == 'a' {
							reader = w.Root().Trying()
						}
						before := reader.Read(change.read)

						f := failure{N: n, Landed: landed}
						f.Into(w.Storage)
						failed := change.do(w, acme.Trying(), h)
						w.Storage.Hooks(nil, nil)
						if met = f.Met; !met {
							failed.Expect(200, "")
							return
						}
						if failed.Status == 200 { // it is done, and only what the answer tells beside it is not known
							failed.Warns("not counted, but the change is done")
						} else {
							failed.Expect(500, "")
						}
						if strings.Contains(failed.Text, errStorage.Error()) {
							t.Errorf("a caller is told what is for the log: %s", failed.Text)
						}

						ours := reader.Read(change.read)
						verdict := w.Verdict(h.Call())
						w.Restart()
						fresh := reader.Read(change.read)
						if !reflect.DeepEqual(ours.Data, fresh.Data) || ours.Status != fresh.Status ||
							verdict != w.Verdict(h.Call()) {
							t.Errorf("this node: %v %s, a fresh one: %v", ours.Data, verdict, fresh.Data)
						}
						if ours.Status == before.Status && reflect.DeepEqual(ours.Data, before.Data) {
							change.do(w, acme.Trying(), h).Expect(200, "") // the old state
						} else if again := change.do(w, acme.Trying(), h); again.Status != 200 && again.Status != 409 {
							t.Errorf("again: %d %s", again.Status, again.Text) // the new one
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
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		h.Finds("valid")
		w.Storage.Hooks(func(string, string) error { return errStorage }, nil)
		h.Finds("valid")
		acme.Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"})
		w.Root().Refused(500, "").Write("verify", withKeyID(h, "0123456789abcdef").Call())
		w.Restart()
		w.Root().Refused(500, "").Write("verify", h.Call())
		w.Storage.Hooks(nil, nil)
		h.Finds("valid")
	})
}

// A lease whose end could not be written is tried again by Vault, and ends then.
func TestFailingEndOfALease(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, l, h := app(acme, nil)
		w.Storage.Hooks(func(verb, _ string) error {
			if verb == put {
				return errStorage
			}
			return nil
		}, nil)
		if a := l.End(); a.Status == 200 {
			t.Error("told to have ended")
		}
		l.Renew(0).Expect(500, "")
		w.Storage.Hooks(nil, nil)
		h.Finds("valid")
		acme.Read("my").Is(fields{"leased_keys": 1})
		l.End().Expect(200, "")
		h.Finds("revoked")
		acme.Read("my").Is(fields{"leased_keys": 0})
	})
}

// Whatever verb of storage fails, whoever renews or ends a lease is not told storage's own words; the log is.
func TestFailingLease(t *testing.T) {
	for _, verb := range []string{get, put, list, del} {
		for name, do := range map[string]func(*lease) answer{
			"renew": func(l *lease) answer { return l.Renew(0) }, "end": (*lease).End,
		} {
			clocked(t, name+" without "+verb, func(t *testing.T, w *world) {
				_, l, _ := app(w.Tenant("acme"), nil)
				w.Engine = w.SetUp() // which has read nothing
				w.Storage.Hooks(func(did, path string) error {
					if did == verb {
						return fmt.Errorf("open /opt/vault/data/%s: %w", path, errStorage)
					}
					return nil
				}, nil)
				a := do(l)
				if needed := verb == get ||
					verb == put; needed != (a.Status == 500) ||
					strings.Contains(a.Text, "/opt") {
					t.Errorf("%d %s", a.Status, a.Text)
				}
				if a.Status == 500 && !strings.Contains(w.Log.String(), errStorage.Error()) {
					t.Error("the log does not say how storage has failed")
				}
			})
		}
	}
}
