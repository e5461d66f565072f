package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

const (
	// writeDeadline is how long a write that has begun is waited for, though its caller may be gone.
	writeDeadline = 30 * time.Second
	// mostUnknown bounds the entries of unknown outcome that are remembered. Beyond it no other entry is written.
	mostUnknown = 10_000
)

// uninterrupted does a write under a context of its own: a caller who goes away must not
// leave a write half known. It is called with the lock of what is written.
func uninterrupted(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeDeadline)
	defer cancel()
	return write(ctx)
}

// writes remembers which entries storage may still change. A write that has failed may
// have landed, or may land later. Until a later write of the same entry has succeeded, the
// entry is not cached, and what seems to be stored already is written again. That is
// enough where storage applies the writes of one entry in the order in which they began.
type writes struct {
	mu   sync.Mutex
	open map[string]struct{} // paths of entries being written, or whose last write failed
}

// unsettled reports whether storage may still change the entry by itself.
func (w *writes) unsettled(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, open := w.open[path]
	return open
}

// all returns the paths of unsettled entries.
func (w *writes) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	paths := make([]string, 0, len(w.open))
	for path := range w.open {
		paths = append(paths, path)
	}
	return paths
}

// do writes an entry, whose lock the caller holds. Begun is called once the entry counts as
// unsettled, to drop what is cached of it.
func (w *writes) do(ctx context.Context, path string, begun func(), write func(context.Context) error) error {
	was, err := w.begin(path)
	if err != nil {
		return err
	}
	begun()
	err = uninterrupted(ctx, write)
	if err == nil || !was && isReadOnly(err) { // a node that may not write has not written
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.open, path)
	}
	return err
}

func (w *writes) begin(path string) (was bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, was = w.open[path]; was {
		return true, nil
	}
	if len(w.open) >= mostUnknown {
		return false, errUnanswered
	}
	if w.open == nil {
		w.open = make(map[string]struct{})
	}
	w.open[path] = struct{}{}
	return false, nil
}

var errUnanswered = refusal.Errorf(refusal.Unavailable,
	"storage has left %d writes without an answer; nothing more is written until it answers: try again in a minute", mostUnknown)

// isReadOnly reports whether storage has refused a write for coming from a node that may
// not write. Across gRPC it tells so by its text.
func isReadOnly(err error) bool {
	return errors.Is(err, logical.ErrReadOnly) || strings.Contains(err.Error(), logical.ErrReadOnly.Error())
}
