//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// ticked waits until Vault has called the engine once more, and that has done what was due: the lag then falls.
func (c *caller) ticked() {
	c.t.Helper()
	before := -1
	within(c.t, tickWithin, "tick", func() error {
		a, err := c.tried("GET", "apikeys/status", nil)
		if err != nil {
			return err
		}
		lag, err := strconv.Atoi(a.field("sweep_lag_seconds"))
		if err == nil && lag >= before {
			err = fmt.Errorf("the lag is %d s", lag)
		}
		before = lag
		return err
	})
}

// rotatesOnce makes a key whose first version lives so briefly that it is due at the next tick, and the second one for
// hours.
func (c *caller) rotatesOnce(path string, brief, overlap time.Duration) (first string) {
	c.t.Helper()
	first = c.must("POST", path, fields{
		"auto_rotate": true, "reveal": "always", "ttl": brief.String(), "overlap": overlap.String(),
	}).field("current_key_id")
	c.must("PATCH", path, fields{"ttl": "20h", "overlap": "10h"})
	return first
}

// versions returns an error unless a key has so many versions, for [within].
func (c *caller) versions(path string, want int) error {
	a, err := c.tried("GET", path, nil)
	if err != nil {
		return err
	}
	if got := len(a.Data["versions"].([]any)); got != want {
		err = fmt.Errorf("%s has %d versions, want %d", path, got, want)
	}
	return err
}

// TestCatchUp checks that a key that is disabled, or whose tenant is suspended, is not rotated by schedule, and that
// what it has missed happens once, at the first tick after. And that what is not used is disabled, and what is used is
// not.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant, other := w.tenant(t, "catch-up"), w.tenant(t, "catch-up")
	admin, stopped := w.caller(t, tenant+"-admin"), w.caller(t, other+"-admin")
	operator, spa, gateway := w.caller(t, "operator"), w.caller(t, "spa"), w.caller(t, "gateway")
	const keys = "apikeys/my/external/keys/"
	operator.must("PATCH", "apikeys/config", fields{"min_overlap": "10s"})
	admin.rotatesOnce(keys+"rotates", 20*time.Second, 10*time.Second)
	admin.rotatesOnce(keys+"disabled", 20*time.Second, 10*time.Second)
	admin.must("POST", keys+"disabled/disable", nil)
	stopped.rotatesOnce(keys+"suspended", 20*time.Second, 10*time.Second)
	spa.must("POST", "apikeys/admin/tenants/"+other+"/suspend", nil)
	for name, idle := range map[string]string{"idle": "10s", "used": "5m", "asleep": "0"} {
		admin.must("POST", keys+name, fields{"idle_disable_after": idle})
	}
	admin.must("POST", keys+"asleep/disable", fields{"reason": "of ours"})
	used := admin.must("POST", keys+"used/reveal", nil).holder(t)
	gateway.must("PATCH", "apikeys/verify", fields{"request": used.call("GET", "/a"), "client_ip": "192.0.2.7"})
	wasUsed := admin.must("GET", keys+"used", nil)

	if err := admin.versions(keys+"rotates", 1); err != nil {
		t.Fatalf("there was a tick already: %v", err)
	}
	within(t, tickWithin, "rotates", func() error { return admin.versions(keys+"rotates", 2) })
	operator.ticked() // The one that has just begun, or the next.
	for _, err := range []error{admin.versions(keys+"disabled", 1), stopped.versions(keys+"suspended", 1)} {
		if err != nil {
			t.Error(err)
		}
	}
	for name, want := range map[string][2]string{
		"idle": {"disabled", "not used for 10s"}, "used": {"active", ""}, "asleep": {"disabled", "of ours"},
	} {
		if got := admin.must("GET", keys+name, nil); got.field("state") != want[0] || got.field("reason") != want[1] {
			t.Errorf("%s is %s: %q", name, got.field("state"), got.field("reason"))
		}
	}

	// What a tick has written down outlives the plugin.
	killPlugin(t, w)
	until(t, "first use", func() error { return admin.get(keys+"used", "versions.0.last_used_ip", "192.0.2.7") })
	if got, want := admin.must("GET", keys+"used", nil).
		version(0, "first_used_at"),
		wasUsed.version(0, "first_used_at"); got != want ||
		got == "" {
		t.Errorf("first used at %q, and it was %q", got, want)
	}

	admin.must("POST", keys+"disabled/enable", nil)
	spa.must("POST", "apikeys/admin/tenants/"+other+"/resume", nil)
	admin.must("POST", keys+"idle/enable", nil)
	if due := admin.must("GET", "apikeys/my/due?within=1m", nil); due.field("items.0.event") == "" {
		t.Errorf("nothing is due: %s", due.body)
	}
	within(t, tickWithin, "enabled again", func() error { return admin.versions(keys+"disabled", 2) })
	within(t, 10*time.Second, "resumed", func() error { return stopped.versions(keys+"suspended", 2) })
	within(t, 10*time.Second, "idle again", func() error { return admin.get(keys+"idle", "state", "disabled") })
	operator.ticked()
	for who, name := range map[*caller]string{admin: "disabled", stopped: "suspended"} {
		if err := who.versions(keys+name, 2); err != nil {
			t.Errorf("a tick later: %v", err)
		}
		now := who.must("POST", keys+name+"/reveal", nil).holder(t)
		gateway.judged(name, now.call("GET", "/a"), map[string]string{"verdict": "valid", "state": "current"})
	}
	admin.refused(http.StatusBadRequest, "disabled", "POST", keys+"idle/reveal", nil)
}
