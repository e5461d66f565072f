// Package sweep does what is due without anybody asking: it rotates keys by schedule,
// erases what has ended, disables what is not used, and mends the indexes. Vault calls it
// once a minute. What it does is decided by the core; everything that keeps its place is in
// storage, so that a sweep can be cut off at any moment.
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

// How long Vault's call is kept waiting at the most, for it holds a lock that a seal or a
// change of leader waits for, and all requests behind that; and how long a sweep that has
// more to do goes on by itself, so that it is done before the next call.
const (
	patience    = 2500 * time.Millisecond
	stopping    = 500 * time.Millisecond // for a sweep that was told to stop
	watching    = 500 * time.Millisecond // how often a sweep asks whether it may still write
	budget      = 35 * time.Second
	flushBudget = 5 * time.Second // and this much for uses, so that a busy sweep does not keep them back
)

// Sweeper is safe for concurrent use; sweeps and walks wait for each other.
type Sweeper struct {
	store   *store.Store
	gone    func(uid string) // called for each tenant that was erased
	may     func() bool      // whether the node may write, asked again as a sweep goes
	warn    func(what string, args ...any)
	workers int // at the most
	started time.Time
	turn    chan struct{} // held by the sweep or walk under way, with what follows
	walk    *walk         // the one under way, or nil
	walked  time.Time     // when the last one ended
	asked   atomic.Bool   // somebody waits for a walk

	mu      sync.Mutex
	closed  bool
	cancel  context.CancelFunc // stops who has the turn
	failing map[matter]failing // what could not be done, nor written down
	resumed map[tenant.Name]resumed
	waits   map[time.Time]waiting // what was due and is not done, by its minute

	rotated, late, failed, erased atomic.Int64
	report                        atomic.Pointer[Report]
}

// matter is what is due about a record: its rotation, or all else. What keeps the one
// waiting is no reason for the other to wait.
type matter struct {
	place    string
	rotation bool
}

//mutate:false:2 "rotations beside chores that fail" TestRotationsWhileAChoreWaits
func matterOf(e store.DueEntry) matter { return matter{e.String(), e.Rotation()} }

type failing struct {
	count int
	until time.Time
}

// waiting is how much of a minute is not done.
type waiting struct{ all, rotations int }

// New returns a sweeper over a store. Gone is called with the UID of each tenant that is
// erased for good.
func New(st *store.Store, gone func(uid string)) *Sweeper {
	return &Sweeper{
		store: st, gone: gone, workers: workers, started: time.Now(), turn: make(chan struct{}, 1),
		failing: map[matter]failing{}, resumed: map[tenant.Name]resumed{},
		may: func() bool { return true }, warn: func(string, ...any) {},
	}
}

// Attach tells the sweeper how to ask whether it may write, and where to tell of what happens while nobody waits for
// it. It is called before the first sweep.
func (w *Sweeper) Attach(may func() bool, warn func(what string, args ...any)) {
	w.may, w.warn = may, warn
}

// Tick begins a sweep of what is due at now, unless one is under way, and waits for it a
// little: a small one is done by then, and its errors are told. A larger one goes on by
// itself. It ends with the caller's context while it is waited for, and later with [Sweeper.Close],
// with the node's right to write, and with the first write that fails.
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
		if err != nil && r.alone.Load() {
			w.warn("a sweep has failed in part", "error", err)
		}
	}()
	return r.await(ctx, done)
}

// await waits for the end of a sweep, for as long as Vault may be kept waiting.
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
		r.alone.Store(true)
		return nil
	}
}

// begin notes how to stop who has the turn, and gives it back when that is to be at once.
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

// Close stops what is under way: it begins no further write. It does not wait, since Vault
// unloads with all its mounts locked. Nothing is swept afterwards.
func (w *Sweeper) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.stop()
}

// Reset is called in place of [Sweeper.Tick] on a node that may not write: it stops what is under way, and the next
// sweep looks anew, because another node may leave things behind where this one has been.
func (w *Sweeper) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	w.store.ResetSweep()
}
