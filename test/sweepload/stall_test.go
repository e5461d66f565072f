//go:build sweepload

package sweepload

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// most is how long what Vault waits for may take.
const most = 3 * time.Second

// burden gives the sweep enough to do for all rounds: a tenant's erasure, and rotations that are due.
func (w *world) burden(t *testing.T) {
	t.Helper()
	w.open(t, "acme")
	w.open(t, "bolt")
	w.fill(t, "bolt", number(t, "ERASED", 20_000), nil)
	n := number(t, "KEYS", 10_000)
	due := time.Now().Add(time.Duration(n/importRate) * time.Second)
	w.fill(t, "acme", n, scheduled(due, 6*time.Hour))
	w.must(t, "DELETE", "apikeys/admin/tenants/bolt", nil)
	wait(t.Context(), time.Until(due.Add(time.Minute)))
}

// probes are requests to another mount that are made all the time.
type probes struct {
	mu      sync.Mutex
	longest time.Duration
	n       int
	stop    context.CancelFunc
	group   sync.WaitGroup
}

const probers = 8

// probe begins to make requests to a node.
func (w *world) probe(t *testing.T, node *devserver.Server) *probes {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &probes{stop: stop}
	for range probers {
		p.group.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				_, _, _ = w.sendTo(t.Context(), node, http.MethodGet, "cubbyhole/none", nil) // any answer is one
				took := time.Since(began)
				p.mu.Lock()
				p.longest, p.n = max(p.longest, took), p.n+1
				p.mu.Unlock()
				wait(ctx, 10*time.Millisecond)
			}
		})
	}
	return p
}

// reset returns the longest time since the last one.
func (p *probes) reset() (longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest, p.longest = p.longest, 0
	return longest
}

func (p *probes) end() time.Duration {
	p.stop()
	p.group.Wait()
	return p.reset()
}

// disturb does something to the node and tells how long that took, and how long others waited meanwhile.
func (w *world) disturb(t *testing.T, what string, do func() error) {
	t.Helper()
	p := w.probe(t, w.active)
	wait(t.Context(), 300*time.Millisecond)
	before := p.reset()
	began := time.Now()
	err := do()
	took := time.Since(began)
	wait(t.Context(), 500*time.Millisecond)
	longest := p.end()
	t.Logf(
		"%s: took %s; the longest request to another mount %s, and %s just before",
		what,
		seconds(took),
		seconds(longest),
		seconds(before),
	)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if took > most || longest > most {
		t.Errorf("%s: over %s", what, most)
	}
}

// offsets are how long after the first thing that a sweep does it is disturbed: while Vault waits for it, about when it
// stops waiting, and when the sweep goes on by itself.
var offsets = []time.Duration{0, 1200 * time.Millisecond, 2300 * time.Millisecond, 5 * time.Second, 15 * time.Second}

// rounds disturbs ROUNDS sweeps, each at another moment, and sees that the next one goes on.
func (w *world) rounds(t *testing.T, what string, do func() error, resume func() error) {
	t.Helper()
	for i := range number(t, "ROUNDS", len(offsets)) {
		w.working(t)
		wait(t.Context(), offsets[i%len(offsets)])
		s := w.status(t.Context())
		w.disturb(
			t,
			fmt.Sprintf(
				"%s %s after the sweep has begun, %d rotated and %d erased",
				what,
				seconds(offsets[i%len(offsets)]),
				s.rotated,
				s.erased,
			),
			do,
		)
		if err := resume(); err != nil {
			t.Fatal(err)
		}
	}
	w.working(t)
	wait(t.Context(), 2*time.Second)
	t.Logf("and the next sweep goes on: %+v", w.status(t.Context()))
}

// TestSeal seals the server in the middle of sweeps.
func TestSeal(t *testing.T) {
	w := newWorld(t, 1)
	w.burden(t)
	w.rounds(
		t,
		"seal",
		func() error { return w.active.Seal(t.Context()) },
		func() error { return w.active.Unseal(t.Context()) },
	)
}

// TestStepDown has the leader of a cluster step down in the middle of sweeps.
func TestStepDown(t *testing.T) {
	w := newWorld(t, 3)
	w.burden(t)
	w.rounds(t, "step-down", func() error {
		_, _, err := w.send(t.Context(), "PUT", "sys/step-down", nil)
		return err
	}, func() error {
		began := time.Now()
		leader, err := w.Leader(t.Context())
		if err != nil {
			return err
		}
		t.Logf("a node leads %s later", seconds(time.Since(began)))
		w.active = leader
		return nil
	})
}

// TestUnload reloads the plugin in the middle of sweeps, and disables the mount in the middle of the last one.
func TestUnload(t *testing.T) {
	w := newWorld(t, 1)
	w.burden(t)
	w.rounds(t, "reload", func() error {
		_, _, err := w.send(t.Context(), "PUT", "sys/plugins/reload/backend", fields{"mounts": []string{"apikeys/"}})
		return err
	}, func() error { return nil })
	p := w.probe(t, w.active)
	began := time.Now()
	var err error
	const most = 10 // of requests: the server deletes record by record, and gives up each after a minute and a half
	for try := range most {
		if _, _, err = w.send(t.Context(), "DELETE", "sys/mounts/apikeys", nil); err == nil {
			t.Logf(
				"disable, which deletes all there is: took %s and %d requests; the longest request to another mount %s",
				seconds(time.Since(began)),
				try+1,
				seconds(p.end()),
			)
			return
		}
	}
	t.Error(err)
}
