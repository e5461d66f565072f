package paths_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// An older version that somebody still signs with is told while it ends soon.
func TestOldVersionInUseIsDue(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		old := acme.Key(billing, nil)
		acme.Write(billing+"/rotate", nil)
		told := func(within string, want bool) {
			t.Helper()
			items := acme.Ask(logical.ReadOperation, "my/due", fields{"within": within}).Rows("items")
			if got := hasItem(items, "billing", "old_version_in_use"); got != want {
				t.Errorf("told within %s: %t, want %t", within, got, want)
			}
			for _, i := range items {
				if i["event"] == "old_version_in_use" && i["key_id"] != old.KeyID {
					t.Errorf("told of %v, not of %s", i["key_id"], old.KeyID)
				}
			}
		}
		told("7d", false)
		old.Finds("valid")
		told("7d", true)
		told("6d", false)
		acme.Current(billing).Finds("valid")
		wait(25 * time.Hour)
		w.Sweep()
		told("7d", false)
		old.Finds("valid")
		told("7d", true)
	})
}

// Uses that cannot be read leave the rest of the answer, and it says so.
func TestDueWithoutUses(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		old := acme.Key(billing, nil)
		acme.Write(billing+"/rotate", nil)
		old.Finds("valid")
		wait(time.Hour)
		w.Sweep()
		for _, path := range w.Entries("usage/") {
			w.Put(path, "{")
		}
		w.Restart()
		a := acme.Read("my/due")
		if items := a.Rows("items"); !hasItem(items, "billing", "expires") ||
			hasItem(items, "billing", "old_version_in_use") {
			t.Errorf("due: %v", items)
		}
		a.Warns("in use is not known")
	})
}
