package backend_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// An older version that somebody still signs with is told while it ends soon.
func TestOldVersionInUseIsDue(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		old := acme.key(billing, nil)
		acme.write(billing+"/rotate", nil)
		told := func(within string, want bool) {
			t.Helper()
			items := acme.ask(logical.ReadOperation, "my/due", fields{"within": within}).rows("items")
			if got := hasItem(items, "billing", "old_version_in_use"); got != want {
				t.Errorf("told within %s: %t, want %t", within, got, want)
			}
			for _, i := range items {
				if i["event"] == "old_version_in_use" && i["key_id"] != old.keyID {
					t.Errorf("told of %v, not of %s", i["key_id"], old.keyID)
				}
			}
		}
		told("7d", false)
		old.finds("valid")
		told("7d", true)
		told("6d", false)
		acme.next(billing).finds("valid")
		wait(25 * time.Hour)
		w.sweep()
		told("7d", false)
		old.finds("valid")
		told("7d", true)
	})
}

// Uses that cannot be read leave the rest of the answer, and it says so.
func TestDueWithoutUses(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		old := acme.key(billing, nil)
		acme.write(billing+"/rotate", nil)
		old.finds("valid")
		wait(time.Hour)
		w.sweep()
		for _, path := range w.entries("usage/") {
			w.put(path, "{")
		}
		w.restart()
		a := acme.read("my/due")
		if items := a.rows("items"); !hasItem(items, "billing", "expires") ||
			hasItem(items, "billing", "old_version_in_use") {
			t.Errorf("due: %v", items)
		}
		a.warns("in use is not known")
	})
}
