// Package sweep does what is due without a request: it rotates keys by schedule, erases what has ended, disables idle
// keys and repairs the indexes. Vault calls it once a minute. Package apikey decides what is due. All progress that
// matters is in storage, so that a sweep can be cut off at any moment.
package sweep

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Vault's call holds a lock that seals and leader changes wait for, and all requests wait behind those. So Tick
// returns after patience at most. A sweep that has more to do goes on alone for budget, so that it ends before the
// next call.
const (
	patience    = 2500 * time.Millisecond
	stopping    = 500 * time.Millisecond // for a sweep to stop
	watching    = 500 * time.Millisecond // between checks whether the node may still write
	budget      = 35 * time.Second
	flushBudget = 5 * time.Second // for uses, so that a busy sweep does not delay them
)

// Sweeper sweeps and walks, one at a time. It is safe for concurrent use.
type Sweeper struct {
	store   *store.Store
	gone    func(uid string) // called for each erased tenant
	may     func() bool      // whether the node may write; checked during a sweep too
	warn    func(what string, args ...any)
	workers int // at most
	started time.Time
	turn    chan struct{} // holds one while a sweep or walk runs; guards walk and walked
	walk    *walk         // the unfinished walk, or nil
	walked  time.Time     // when the last one ended
	asked   atomic.Bool   // Tidy has asked for a walk

	mu      sync.Mutex
	closed  bool
	cancel  context.CancelFunc  // stops the sweep or walk under way
	failing map[taskKey]failing // failures that no record holds
	resumed map[tenant.Name]resumed
	waits   map[time.Time]waiting // due entries that are not done, by minute

	rotated, late, failed, erased atomic.Int64
	report                        atomic.Pointer[Report]
}

// taskKey identifies what is due about a record: its rotation, or all chores. The failures of one do not delay the
// other.
type taskKey struct {
	place    string
	rotation bool
}

//mutate:false:2 "rotations beside chores that fail" TestRotationsWhileAChoreWaits
func matterOf(e store.DueEntry) taskKey { return taskKey{e.String(), e.Rotation()} }

type failing struct {
	count int
	until time.Time
}

// waiting counts the entries of a minute that are not done.
type waiting struct{ all, rotations int }

// New returns a sweeper over a store. It calls gone with the UID of each tenant that it erases.
func New(st *store.Store, gone func(uid string)) *Sweeper {
	return &Sweeper{
		store: st, gone: gone, workers: workers, started: time.Now(), turn: make(chan struct{}, 1),
		failing: map[taskKey]failing{}, resumed: map[tenant.Name]resumed{},
		may: func() bool { return true }, warn: func(string, ...any) {},
	}
}

// Attach sets the function that reports whether the node may write, and the one that logs failures nobody waits for.
// Call it before the first sweep.
func (w *Sweeper) Attach(may func() bool, warn func(what string, args ...any)) {
	w.may, w.warn = may, warn
}

// Tick sweeps what is due at now, unless a sweep or walk is under way. It waits up to 2.5 s for the end and returns
// the sweep's errors. A longer sweep goes on in the background and logs its errors. It stops with ctx while Tick
// waits, and afterwards with [Sweeper.Close], with the node's right to write, or with the first write that fails.
func (w *Sweeper) Tick(ctx context.Context, s logical.Storage, now time.Time) error {
	select {
	case w.turn <- struct{}{}:
	default:
		return nil
	}
	r, ok := w.newRun(ctx, s, now, budget)
	if !ok {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		err := r.runAll(r.own)
		w.end(r.cancel)
		done <- err
		if err != nil && r.detached.Load() {
			w.warn("a sweep has failed in part", "error", err)
		}
	}()
	return r.await(ctx, done)
}

// await waits for the end of a sweep, but no longer than Vault's call may take.
func (r *run) await(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		r.cancel()
		select {
		case err := <-done:
			return errors.Join(ctx.Err(), err)
		case <-time.After(stopping):
			return ctx.Err()
		}
	case <-time.After(patience):
		r.detached.Store(true)
		return nil
	}
}

// begin sets what stops the run under way. If the sweeper is closed, begin returns false and gives the turn back.
func (w *Sweeper) begin(cancel context.CancelFunc) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		cancel()
		<-w.turn
		return false
	}
	w.cancel = cancel
	return true
}

func (w *Sweeper) end(cancel context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	cancel()
	w.cancel = nil
	<-w.turn
}

func (w *Sweeper) stop() {
	if w.cancel != nil {
		w.cancel()
	}
}

// Close stops the sweep under way, which begins no further write, and prevents later ones. It does not wait, because
// Vault unloads a mount with all its mounts locked.
func (w *Sweeper) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.stop()
}

// Reset is called in place of [Sweeper.Tick] on a node that may not write. It stops the sweep under way and makes the
// next one list the whole index, because another node may write to it meanwhile.
func (w *Sweeper) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	w.store.ResetSweep()
}
