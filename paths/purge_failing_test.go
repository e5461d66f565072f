package paths_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/test/enginetest"
)

// Whatever operation of storage fails, a purged key is as deleted as it was, or unknown: it never verifies as valid.
// What this node answers is what a fresh one does, and the walk leaves nothing of a key that is gone.
func TestFailingStorageOfAPurge(t *testing.T) {
	for _, landed := range []bool{false, true} {
		for n, met := 1, true; met; n++ {
			met = false
			clocked(t, fmt.Sprintf("operation %d, landed %v", n, landed), func(t *testing.T, w *world) {
				acme := w.Tenant("acme")
				h := acme.Key(billing, enginetest.Scheduled)
				acme.Write(billing+"/rotate", nil)
				acme.Remove(billing)
				f := failure{N: n, Landed: landed}
				f.Into(w.Storage)
				a := acme.Trying().Write(purge, nil)
				w.Storage.Hooks(nil, nil)
				if met = f.Met; !met {
					a.Expect(200, "")
					a.Silent()
					return
				}
				if a.Status == 200 {
					a.Warns("the key is purged")
				} else {
					a.Expect(500, "")
				}
				if strings.Contains(a.Text+strings.Join(a.Warnings, " "), errStorage.Error()) {
					t.Errorf("a caller is told what is for the log: %s %v", a.Text, a.Warnings)
				}
				there := acme.Trying().Read(billing).Status == 200
				if there && a.Status == 200 || !there && a.Status != 200 && !landed {
					t.Errorf("answered %d, and it is there: %t", a.Status, there)
				}
				for range 2 {
					want, state := "unknown_key", "purged"
					if there {
						want, state = "disabled", "deleted"
					}
					h.Finds(want)
					acme.Read("my/ids/" + h.KeyID).Is(fields{"key_state": state})
					w.Restart()
				}
				w.Root().Write("tidy", nil)
				if there {
					acme.Write(purge, nil)
				}
				acme.Read("my").Is(fields{"keys": 0})
				if left := w.Entries("keys/", "ids/"); len(left) != 0 {
					t.Errorf("left: %v", left)
				}
				acme.Write(billing, fields{"cas": 0}).Is(fields{"revision": 1, "state": "active"})
				h.Finds("unknown_key")
				w.Ticking(keyLife, 12*time.Hour)
				acme.Stands(billing, "expired")
			})
		}
	}
}

// A crash in the middle of a purge leaves a key that is deleted and can be restored, or one that is unknown.
func TestPurgeThatIsCutOff(t *testing.T) {
	for n, met := 1, true; met; n++ {
		met = false
		clocked(t, fmt.Sprintf("after %d writes", n-1), func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(billing, nil)
			acme.Remove(billing)
			left := n
			w.Storage.Hooks(func(verb, _ string) error {
				if verb == put || verb == del {
					left--
				}
				if left <= 0 {
					met = true
					return errors.New("the power is gone")
				}
				return nil
			}, nil)
			acme.Trying().Write(purge, nil)
			w.Storage.Hooks(nil, nil)
			w.Restart()
			if !slices.Contains([]string{"disabled", "unknown_key"}, w.Verdict(h.Call())) {
				t.Errorf("the key is %s", w.Verdict(h.Call()))
			}
			if acme.Trying().Write(billing+"/restore", nil).Status == 200 {
				acme.Write(billing+"/enable", nil)
				h.Finds("valid")
				acme.Read("my/ids/" + h.KeyID).Is(fields{"key_state": "active"})
			} else {
				h.Finds("unknown_key")
			}
		})
	}
}
