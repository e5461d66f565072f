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
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		wait(time.Hour)
		used := stamp(0)
		h.finds("valid")
		w.cost(func() { w.engine.Cleanup(t.Context()) }).atMost(t, "unloading", cost{Gets: 1, Puts: 2}, 9)
		w.restart()
		if got := acme.read(billing).rows("versions")[0]["last_used_at"]; got != used {
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
			w.vault.change(func(v *vault) { v.state = consts.ReplicationPerformanceStandby })
			w.storage.hooks(func(verb, _ string) error {
				if verb == put || verb == del {
					w.t.Error("it writes")
				}
				return nil
			}, nil)
		},
		"a mount that is going away": func(w *world, _ chan struct{}) {
			w.vault.change(func(v *vault) { v.tainted = true })
		},
		"storage that fails": func(w *world, _ chan struct{}) {
			w.storage.hooks(func(string, string) error { return errStorage }, nil)
		},
		"storage that hangs": func(w *world, hang chan struct{}) {
			w.storage.hooks(func(string, string) error { <-hang; return errStorage }, nil)
		},
		"storage that is sealed": func(w *world, _ chan struct{}) {
			w.storage.hooks(func(verb, _ string) error {
				if verb == put {
					return errors.New(logical.ErrReadOnly.Error())
				}
				return nil
			}, nil)
		},
	} {
		clocked(t, name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key(billing, fields{"idle_disable_after": "10d", "ttl": "360d"})
			wait(9 * day)
			h.finds("valid")
			hang := make(chan struct{})
			spoil(w, hang)
			began := time.Now()
			w.engine.Cleanup(context.Background())
			if took := time.Since(began); took > time.Second {
				t.Errorf("it takes %s", took)
			}
			close(hang)
			synctest.Wait()
			w.storage.hooks(nil, nil)
			w.vault.change(func(v *vault) { v.state, v.tainted = 0, false })
			w.restart()
			wait(9 * day)
			w.sweep()
			acme.read(billing).is(fields{"state": "active"})
			wait(day)
			w.sweep()
			acme.read(billing).is(fields{"state": "disabled"})
			if strings.Contains(w.log.String(), "panic") {
				t.Error("something has panicked")
			}
		})
	}
}

// A panic in what goes on while the mount is unloaded ends nothing else, and the log does not quote it.
func TestUnloadingThatPanics(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		w.tenant("acme").key(billing, nil).finds("valid")
		w.storage.hooks(func(string, string) error { panic("hunter2") }, nil)
		w.engine.Cleanup(t.Context())
		w.storage.hooks(nil, nil)
		if log := w.log.String(); !strings.Contains(log, "panicked") || strings.Contains(log, "hunter2") {
			t.Errorf("the log says: %s", log)
		}
	})
}

// The report claims of no key that it is not used, or never was, where that is not known;
// and says so of all others.
func TestReportOfWhatIsNotKnown(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		used := acme.key(billing, fields{"ttl": "360d"})
		acme.key(other, fields{"ttl": "360d"})
		used.finds("valid")
		w.sweep()
		broken := func(what string, want map[string]string) {
			t.Helper()
			for _, row := range acme.read("my/report").rows("keys") {
				got := ""
				for _, id := range row["failed"].([]any) {
					if id == "idle" || id == "never_used" {
						got += id.(string)
					}
				}
				if name := row["name"].(string); got != want[name] {
					t.Errorf("%s: %s: %q, want %q", what, name, got, want[name])
				}
			}
		}
		wait(100 * day)
		broken("all is known", map[string]string{"billing": "idle", "other": "never_used"})
		w.restart()
		broken("a crash", map[string]string{})
		wait(91 * day)
		broken("long after it", map[string]string{"billing": "idle", "other": "idle"})
		for _, path := range w.entries("usage/") {
			w.put(path, "{")
		}
		broken("damage", map[string]string{})
	})
}
