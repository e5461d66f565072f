//go:build acceptance

package acceptance

import (
	"testing"
	"time"
)

// TestLastUseOutlivesTheMount has a key used once, at once before the mount ends in each way that is in order: nobody
// waited for a tick, and the use is known after it.
func TestLastUseOutlivesTheMount(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, true)
	tenant := w.tenant(t, "lastuse")
	admin, gateway := w.caller(t, tenant+"-admin"), w.caller(t, "gateway")
	reload := mishap{"plugin reloaded", func() error {
		_, err := w.Root().
			Logical().
			WriteWithContext(t.Context(), "sys/plugins/reload/backend", fields{"mounts": "apikeys/"})
		return err
	}}
	restarted := mishap{"server restarted", func() error { return w.Restart(t.Context()) }}
	for i, happens := range []mishap{reload, sealed(t, w), restarted} {
		key := "apikeys/my/external/keys/once-" + string('a'+rune(i))
		admin.must("POST", key, nil)
		holder := admin.must("POST", key+"/reveal", nil).holder(t)
		used := time.Now()
		if got := gateway.verdict(holder.call("GET", "/wfo/v1/agents")); got != "valid" {
			t.Fatalf("%s: %s", happens.name, got)
		}
		if err := happens.happen(); err != nil {
			t.Fatalf("%s: %v", happens.name, err)
		}
		read := admin.tries(happens.name, "GET", key, nil)
		at, err := time.Parse(time.RFC3339, read.version(0, "last_used_at"))
		if err != nil || at.Before(used.Add(-time.Minute)) || at.After(used.Add(time.Minute)) {
			t.Errorf(
				"%s: last used at %q, and it was at %s: %v",
				happens.name,
				read.version(0, "last_used_at"),
				used,
				err,
			)
		}
	}
}
