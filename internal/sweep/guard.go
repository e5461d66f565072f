package sweep

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hashicorp/vault/sdk/logical"
)

// guard is the storage of a run: it begins no write once the run is to stop, whatever the
// writer's own context says, and stops one that nobody waits for at the first failure. On
// a node that is being sealed or demoted, that is how it shows first.
type guard struct {
	logical.Storage
	run *run
}

// errStopped counts as the refusal of a node that may not write: nothing has been written.
var errStopped = fmt.Errorf("the sweep was stopped: %w", logical.ErrReadOnly)

func (g *guard) Put(ctx context.Context, entry *logical.StorageEntry) error {
	return g.write(func() error { return g.Storage.Put(ctx, entry) })
}

func (g *guard) Delete(ctx context.Context, path string) error {
	return g.write(func() error { return g.Storage.Delete(ctx, path) })
}

func (g *guard) write(do func() error) error {
	//mutate:false "no write by a sweep that was stopped" TestSweepStops
	if g.run.stopped() {
		return errStopped
	}
	err := do()
	//mutate:false "no write after one that failed" TestSweepStops
	if err != nil && g.run.alone.Load() {
		g.run.broken.Store(true)
		g.run.cancel()
	}
	return err
}

var errPanicked = errors.New("internal error; the server's log says where")

// safely turns a panic into an error. The value of a panic may quote what it failed on, so
// only where it happened is logged.
func (w *Sweeper) safely(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.warn("a sweep has panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return do()
}
