package verify

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
)

// Bounds of one request to Vault.
const (
	maxItems   = 1000      // what the engine takes
	maxPacked  = 256 << 10 // bytes of calls as one text; Vault's listener takes texts of 1 MiB, unless told otherwise
	maxApart   = 1 << 20   // bytes of calls that are items each
	maxStrings = 990       // in the request's JSON; OpenBao's listener takes 1000, names of fields among them
)

// Verifier is a [Judge] that asks the engine.
//
// While no request is under way, a call goes out at once and alone. While as many are under way as are allowed, calls
// wait, and leave together when one comes back. So the busier Vault is, the more calls share a request.
//
// When a request of several calls comes back and fewer wait, the next request is held a moment, because the callers
// just answered may have more calls: for half the time that the request took, and 10 ms at the most. Where they have
// none, this becomes ever rarer.
//
// Calls that share a request go as one text. Vault's audit log holds that text as one value, beside the IDs of the keys
// and the number of each verdict, unless [WithAuditItems] is given.
//
// No question is asked twice, whatever happens to it: verifying records the call, so a second try would find a replay.
// To try again, the caller has to sign anew.
type Verifier struct {
	vault   *api.Client // asks, and does not try again
	app     *api.Client // has the token
	path    string
	options verifierOptions
	writes  vault.Writer

	ctx     context.Context // of all requests
	cancel  context.CancelFunc
	sending sync.WaitGroup

	mu            sync.Mutex
	waiting       *list.List // of *question
	inFlight      int
	closed        bool
	windows       []*collectWindow // in the order in which they were opened
	windowsToSkip int              // how many of the next answers open no window
	skippedLast   int              // how many did not after the last window that did not fill
}

// question is a call that waits to be judged.
type question struct {
	call    Call
	packed  string         // the call as an item of a packed batch; "" if it is in none
	size    int            // bytes
	texts   int            // as an item of a batch that is not packed: its strings
	alone   bool           // it is too long to go with others
	element *list.Element  // while it waits
	batch   *batch         // once it does not
	answer  chan rawAnswer // holds one
}

// rawAnswer is an answer that has not been read, or why there is none.
type rawAnswer struct {
	data   map[string]any
	packed *packedResult // instead, in a packed batch
	err    error
}

// NewVerifier returns the verifier for a path such as "apikeys/verify", "apikeys/my/verify" or
// "apikeys/tenants/acme/verify". It asks nothing yet. Each request uses the token that vault has then, and the
// namespace that vault has now.
func NewVerifier(vault *api.Client, path string, opts ...VerifierOption) (*Verifier, error) {
	once, err := vault.CloneWithHeaders()
	if err != nil {
		return nil, err
	}
	once.SetMaxRetries(0)
	v := &Verifier{vault: once, app: vault, path: path, options: newVerifierOptions(opts), waiting: list.New()}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v, nil
}

// Close cancels the requests under way, fails the calls that wait, and ends all goroutines.
func (v *Verifier) Close() error {
	v.mu.Lock()
	v.closed = true
	for e := v.waiting.Front(); e != nil; e = v.waiting.Front() {
		v.waiting.Remove(e).(*question).answer <- rawAnswer{err: ErrClosed}
	}
	v.mu.Unlock()
	v.cancel()
	v.sending.Wait()
	return nil
}

// Verify asks the engine about one call. It fails with [ErrBusy] at once; with [ErrUnavailable], which may be an
// [ErrUnknown]; with [ErrClosed]; with the context's error if that ends first, which fails no other call; and with the
// [api.ResponseError] of a request that Vault refuses, such as 403.
func (v *Verifier) Verify(ctx context.Context, c Call) (Verdict, error) {
	if err := ctx.Err(); err != nil {
		return Verdict{}, err
	}
	if !wellFormed(c) {
		return Verdict{Code: Malformed}, nil
	}
	q := newQuestion(c, v.options.auditItems)
	if err := v.enqueue(q); err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", v.path, err)
	}
	select {
	case a := <-q.answer:
		verdict, err := a.verdict()
		if err != nil {
			return Verdict{}, fmt.Errorf("%s: %w", v.path, err)
		}
		return verdict, nil
	case <-ctx.Done():
		v.withdraw(q)
		return Verdict{}, ctx.Err()
	}
}

// enqueue sends a question at once, or makes it wait.
func (v *Verifier) enqueue(q *question) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
		return ErrClosed
	case v.inFlight < v.options.inFlight && len(v.windows) == 0:
		v.inFlight++
		q.element = v.waiting.PushBack(q)
		b := v.nextBatch()
		v.sending.Go(func() { v.sendBatches(b) })
	case v.waiting.Len() >= v.options.queue:
		return ErrBusy
	default:
		q.element = v.waiting.PushBack(q)
		v.closeFullWindow()
	}
	return nil
}

// withdraw forgets a question whose caller has gone.
func (v *Verifier) withdraw(q *question) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if q.batch == nil {
		v.waiting.Remove(q.element)
		return
	}
	if q.batch.waiters--; q.batch.waiters == 0 {
		q.batch.cancel()
	}
}
