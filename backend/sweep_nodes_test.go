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
func (w *world) operations(do func()) int {
	w.t.Helper()
	c := w.cost(do)
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
				func(v *vault) { v.state = state },
				func(v *vault) { v.state = consts.ReplicationPerformancePrimary },
			)
		})
	}
	clocked(t, "tainted", func(t *testing.T, w *world) {
		mayNot(t, w, false, func(v *vault) { v.tainted = true }, func(v *vault) { v.tainted = false })
	})
}

func mayNot(t *testing.T, w *world, does bool, enter, leave func(*vault)) {
	t.Helper()
	acme := w.tenant("acme")
	h := acme.key(billing, scheduled)
	for _, warm := range []bool{false, true} {
		if warm {
			w.sweep()
		}
		h.finds("valid") // and with it something to flush
		until(acme.read(billing).str("next_rotation"))
		w.vault.change(enter)
		wait(time.Second) // the state is asked once in a second
		n := w.operations(func() {
			for range 3 {
				w.sweep()
				wait(time.Minute)
			}
		})
		if n > 0 != does {
			t.Errorf("%d operations", n)
		}
		w.vault.change(leave)
		wait(time.Second)
		before := w.record().Newest().Number
		w.sweep()
		if got := w.record().Newest().Number; does && got != before || !does && got != before+1 {
			t.Errorf("version %d, then %d", before, got)
		}
		h = acme.next(billing)
	}
}

// A node that may write again finds what another one has left behind meanwhile, where
// this one has been already.
func TestNodeThatMayWriteAgain(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, fields{"auto_rotate": false})
		wait(keyLife)
		w.sweep()
		ours, state := w.engine, w.vault.state
		w.vault.change(func(v *vault) { v.state = consts.ReplicationPerformanceStandby })
		wait(time.Minute)
		w.sweep()
		w.vault.change(func(v *vault) { v.state = state })
		w.restart() // the other node writes an entry of days ago, and is gone before it ticks
		acme.patch(billing, scheduled)
		w.engine = ours
		for _, path := range w.all() { // Vault tells what the other one has written
			ours.InvalidateKey(w.t.Context(), path)
		}
		wait(time.Minute)
		w.sweep()
		acme.stands(billing, "expired current")
	})
}

// An idle tick costs the same few operations however many keys there are: the minute
// before is looked at once more, and this one. The first tick lists the index.
func TestIdleTicksAreFlat(t *testing.T) {
	for _, keys := range []int{10, 500} {
		clocked(t, fmt.Sprint(keys), func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			w.root().patch("config", fields{"max_keys": keys})
			for n := range keys {
				acme.trying().write(fmt.Sprintf("my/external/keys/key-%d", n), scheduled).expect(200, "")
			}
			w.restart()
			w.sweep()
			for n := range 5 {
				wait(time.Minute)
				w.cost(w.sweep).atMost(t, fmt.Sprintf("tick %d", n), cost{Lists: 2}, 3)
			}
			wait(time.Hour)                                             // in which nobody ticked; the walk is due as well
			w.sweep()                                                   //
			w.cost(w.sweep).atMost(t, "after a gap", cost{Lists: 1}, 3) // in the same minute
			wait(3 * time.Hour)                                         // so long a gap has the index listed
			// Lists of hours; none has begun that holds anything.
			w.cost(w.sweep).atMost(t, "after a long gap", cost{Lists: 3}, 3)
		})
	}
}
