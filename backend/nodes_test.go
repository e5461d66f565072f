package backend_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
)

// Vault's states of a node, and whether a node in it may write.
var nodeStates = map[consts.ReplicationState]bool{
	consts.ReplicationUnknown:                                                      true,
	consts.ReplicationPerformanceDisabled:                                          true,
	consts.ReplicationPerformancePrimary:                                           true,
	consts.ReplicationPerformanceBootstrapping:                                     true,
	consts.ReplicationDRPrimary:                                                    true,
	consts.ReplicationDRDisabled:                                                   true,
	consts.ReplicationDRBootstrapping:                                              true,
	consts.ReplicationPerformancePrimary | consts.ReplicationDRPrimary:             true,
	consts.ReplicationPerformanceSecondary:                                         false,
	consts.ReplicationPerformanceStandby:                                           false,
	consts.ReplicationDRSecondary:                                                  false,
	consts.ReplicationPerformanceSecondary | consts.ReplicationDRPrimary:           false,
	consts.ReplicationPerformancePrimary | consts.ReplicationPerformanceStandby:    false,
	consts.ReplicationPerformanceDisabled | consts.ReplicationPerformanceStandby:   false,
	consts.ReplicationDRSecondary | consts.ReplicationPerformanceStandby:           false,
	consts.ReplicationPerformancePrimary | consts.ReplicationDRSecondary:           false,
	consts.ReplicationPerformanceSecondary | consts.ReplicationPerformanceStandby:  false,
	consts.ReplicationPerformanceBootstrapping | consts.ReplicationDRBootstrapping: true,
}

// operations is how many operations of storage something comes to.
func operations(w *world, do func()) int {
	w.T.Helper()
	c := w.Cost(do)
	return c.Gets + c.Puts + c.Lists + c.Deletes
}

// A node that may not write does nothing at all, nor does one whose mount is going away;
// what was due is done when that is over: each tick asks anew.
func TestNodesThatMayNotSweep(t *testing.T) {
	for state, writes := range nodeStates {
		clocked(t, fmt.Sprintf("state %b", state), func(t *testing.T, w *world) {
			mayNot(
				t,
				w,
				writes,
				func(v *vault) { v.State = state },
				func(v *vault) { v.State = consts.ReplicationPerformancePrimary },
			)
		})
	}
	clocked(t, "tainted", func(t *testing.T, w *world) {
		mayNot(t, w, false, func(v *vault) { v.GoingAway = true }, func(v *vault) { v.GoingAway = false })
	})
}

func mayNot(t *testing.T, w *world, does bool, enter, leave func(*vault)) {
	t.Helper()
	acme := w.Tenant("acme")
	h := acme.Key(billing, scheduled)
	for _, warm := range []bool{false, true} {
		if warm {
			w.Sweep()
		}
		h.Finds("valid") // and with it something to flush
		until(acme.Read(billing).Str("next_rotation"))
		w.Vault.Change(enter)
		wait(time.Second) // the state is asked once in a second
		n := operations(w, func() {
			for range 3 {
				w.Sweep()
				wait(time.Minute)
			}
		})
		if n > 0 != does {
			t.Errorf("%d operations", n)
		}
		w.Vault.Change(leave)
		wait(time.Second)
		before := w.Record().Newest().Number
		w.Sweep()
		if got := w.Record().Newest().Number; does && got != before || !does && got != before+1 {
			t.Errorf("version %d, then %d", before, got)
		}
		h = acme.Current(billing)
	}
}

// A node that may write again finds what another one has left behind meanwhile, where
// this one has been already.
func TestNodeThatMayWriteAgain(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, fields{"auto_rotate": false})
		wait(keyLife)
		w.Sweep()
		ours, state := w.Engine, w.Vault.State
		w.Vault.Change(func(v *vault) { v.State = consts.ReplicationPerformanceStandby })
		wait(time.Minute)
		w.Sweep()
		w.Vault.Change(func(v *vault) { v.State = state })
		w.Restart() // the other node writes an entry of days ago, and is gone before it ticks
		acme.Patch(billing, scheduled)
		w.Engine = ours
		for _, path := range w.All() { // Vault tells what the other one has written
			ours.InvalidateKey(w.T.Context(), path)
		}
		wait(time.Minute)
		w.Sweep()
		acme.Stands(billing, "expired current")
	})
}
