package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

const (
	// writeDeadline is how long a write that has begun may take, even after its request has ended.
	writeDeadline = 30 * time.Second
	// mostUnknown bounds the entries of unknown outcome over all tenants, mostOfOne those of one tenant. At these
	// bounds, the tenant's other entries are not written.
	mostUnknown = 10_000
	mostOfOne   = mostUnknown / 10
	// leastOfOne are allowed to each tenant, however many the others have.
	leastOfOne = 16
)

// uninterrupted does a write with a context of its own, because a write must not be cut off by the end of its
// request. The caller holds the lock of the entry.
func uninterrupted(ctx context.Context, write func(context.Context) error) error {
	//mutate:instead:1 "writes that outlive their callers" TestAnsweredChangesAreInForce|TestWritesOutliveTheirCallers|
	//mutate:more TestClaimsOfAFailedWriteAreMadeAgain => ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeDeadline)
	defer cancel()
	err := write(ctx)
	if Ended(err) { // not the caller's context: the outcome of the write is unknown
		return errors.New("a write was not answered: " + err.Error())
	}
	return err
}

// Ended reports whether err says that a context has ended, locally or across gRPC.
func Ended(err error) bool {
	code := status.Code(err)
	return code == codes.Canceled || code == codes.DeadlineExceeded ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// writes tracks the entries that storage may still change: a failed write may have succeeded, or may still succeed
// later. Until a later write of the same entry succeeds, the entry is not cached, and a change that seems to be
// stored already is written again. That suffices if storage applies the writes of an entry in the order in which they
// began.
type writes struct {
	mu       sync.Mutex
	open     map[string]tenant.Name // path -> tenant, of entries being written or whose last write failed
	held     map[tenant.Name]int    // entries in open, by tenant
	settling map[tenant.Name]bool   // tenants whose entries are being settled to make room
}

// unsettled reports whether storage may still change the entry.
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

// do writes an entry of a tenant, "" for the provider. The caller holds the entry's lock. Begun is called once the
// entry counts as unsettled, to drop its cached value.
func (w *writes) do(
	ctx context.Context,
	of tenant.Name,
	path string,
	begun func(),
	write func(context.Context) error,
) error {
	was, err := w.begin(of, path)
	if err != nil {
		return err
	}
	begun()
	err = uninterrupted(ctx, write)
	if err == nil || !was && isReadOnly(err) { // a read-only node has not written
		w.mu.Lock()
		defer w.mu.Unlock()
		w.end(path)
	}
	return err
}

func (w *writes) begin(of tenant.Name, path string) (was bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, was = w.open[path]; was {
		return true, nil
	}
	if w.full(of) {
		return false, errUnanswered
	}
	if w.open == nil {
		w.open = make(map[string]tenant.Name)
	}
	if w.held == nil {
		w.held = make(map[tenant.Name]int)
	}
	w.open[path] = of
	w.held[of]++
	return false, nil
}

// end records that an entry is settled. The caller holds the lock.
func (w *writes) end(path string) {
	of, open := w.open[path]
	if !open {
		return
	}
	delete(w.open, path)
	if w.held[of]--; w.held[of] <= 0 {
		delete(w.held, of)
	}
}

// full reports whether a tenant may begin no other write. The provider may always: its entries are the settings and
// one for each tenant, which are few, and no tenant may prevent the provider from suspending it. The caller holds the
// lock.
func (w *writes) full(of tenant.Name) bool {
	own := w.held[of]
	//mutate:false:2.1 "how many writes of a tenant may be unknown" TestUnknownOutcomesAreBounded|
	//mutate:more TestAFullShareIsSettledAtOnce
	return of != "" && (own >= mostOfOne || own >= leastOfOne && len(w.open)-w.held[""] >= mostUnknown)
}

// crowded returns some entries to settle if the tenant is full and no other request settles its entries. The caller
// calls done afterwards.
func (w *writes) crowded(of tenant.Name) (paths []string, done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.full(of) || w.settling[of] {
		return nil, func() {}
	}
	for path, whose := range w.open {
		if whose == of {
			paths = append(paths, path)
		}
		if len(paths) == leastOfOne {
			break
		}
	}
	if w.settling == nil {
		w.settling = make(map[tenant.Name]bool)
	}
	w.settling[of] = true
	return paths, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.settling, of)
	}
}

var errUnanswered = refusal.Errorf(refusal.Unavailable,
	"storage has left too many writes of this tenant, or of all, without an answer; "+
		"until it answers, nothing more of this tenant's is written: try again in a minute")

// isReadOnly reports whether storage has refused a write because the node is read-only. Across gRPC only the text
// tells.
func isReadOnly(err error) bool {
	return errors.Is(err, logical.ErrReadOnly) || strings.Contains(err.Error(), logical.ErrReadOnly.Error())
}
