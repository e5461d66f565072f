package sweep

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hashicorp/vault/sdk/logical"
)

// guard is the storage of a run. It begins no write once the run is stopped, even if the writer's own context is not.
// In a detached run, the first write that fails stops the run: on a node that is sealed or demoted, a failed write is
// the first sign of it.
type guard struct {
	logical.Storage
	run *run
}

// errStopped wraps ErrReadOnly, which tells the store that nothing was written.
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
	if err != nil && g.run.detached.Load() {
		g.run.broken.Store(true)
		g.run.cancel()
	}
	return err
}

var errPanicked = errors.New("internal error; the server's log says where")

// safely turns a panic into an error. It logs only where the panic happened, because the panic's value may quote the
// data.
func (w *Sweeper) safely(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.warn("a sweep has panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return do()
}
