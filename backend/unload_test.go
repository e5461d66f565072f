package backend_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// A mount that is unloaded in good order writes the uses that wait, so that none is lost.
func TestUsesAreWrittenWhenUnloaded(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		wait(time.Hour)
		used := stamp(0)
		h.Finds("valid")
		w.Cost(func() { w.Engine.Cleanup(t.Context()) }).AtMost(t, "unloading", cost{Gets: 1, Puts: 2}, 9)
		w.Restart()
		if got := acme.Read(billing).Rows("versions")[0]["last_used_at"]; got != used {
			t.Errorf("last used %v, want %s", got, used)
		}
	})
}

// Unloading takes no longer than a second, whatever storage and Vault do then, and a node
// that may not write does not. A key that may have been used is not disabled because of
// what was lost.
func TestUnloadingThatCannotWrite(t *testing.T) {
	for name, spoil := range map[string]func(w *world, hang chan struct{}){
		"a node that may not write": func(w *world, _ chan struct{}) {
			w.Vault.Change(func(v *vault) { v.State = consts.ReplicationPerformanceStandby })
			w.Storage.Hooks(func(verb, _ string) error {
				if verb == put || verb == del {
					w.T.Error("it writes")
				}
				return nil
			}, nil)
		},
		"a mount that is going away": func(w *world, _ chan struct{}) {
			w.Vault.Change(func(v *vault) { v.GoingAway = true })
		},
		"storage that fails": func(w *world, _ chan struct{}) {
			w.Storage.Hooks(func(string, string) error { return errStorage }, nil)
		},
		"storage that hangs": func(w *world, hang chan struct{}) {
			w.Storage.Hooks(func(string, string) error { <-hang; return errStorage }, nil)
		},
		"storage that is sealed": func(w *world, _ chan struct{}) {
			w.Storage.Hooks(func(verb, _ string) error {
				if verb == put {
					return errors.New(logical.ErrReadOnly.Error())
				}
				return nil
			}, nil)
		},
	} {
		clocked(t, name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(billing, fields{"idle_disable_after": "10d", "ttl": "360d"})
			wait(9 * day)
			h.Finds("valid")
			hang := make(chan struct{})
			spoil(w, hang)
			began := time.Now()
			w.Engine.Cleanup(context.Background())
			if took := time.Since(began); took > time.Second {
				t.Errorf("it takes %s", took)
			}
			close(hang)
			synctest.Wait()
			w.Storage.Hooks(nil, nil)
			w.Vault.Change(func(v *vault) { v.State, v.GoingAway = 0, false })
			w.Restart()
			wait(9 * day)
			w.Sweep()
			acme.Read(billing).Is(fields{"state": "active"})
			wait(day)
			w.Sweep()
			acme.Read(billing).Is(fields{"state": "disabled"})
			if strings.Contains(w.Log.String(), "panic") {
				t.Error("something has panicked")
			}
		})
	}
}

// A panic in what goes on while the mount is unloaded ends nothing else, and the log does not quote it.
func TestUnloadingThatPanics(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		w.Tenant("acme").Key(billing, nil).Finds("valid")
		w.Storage.Hooks(func(string, string) error { panic("hunter2") }, nil)
		w.Engine.Cleanup(t.Context())
		w.Storage.Hooks(nil, nil)
		if log := w.Log.String(); !strings.Contains(log, "panicked") || strings.Contains(log, "hunter2") {
			t.Errorf("the log says: %s", log)
		}
	})
}

// The mount is unloaded: nothing is swept any more.
func TestUnloadedMountIsNotSwept(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, scheduled)
		w.Sweep()
		until(acme.Read(billing).Str("next_rotation"))
		w.Engine.Cleanup(t.Context())
		if n := operations(w, w.Sweep); n > 0 {
			t.Errorf("%d operations", n)
		}
		acme.Stands(billing, "current")
		w.Restart()
		w.Sweep()
		acme.Stands(billing, "overlapping current")
	})
}
