package verify

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

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

// VerifierOptions are the bounds of a [Verifier]. Zero values mean the defaults.
type VerifierOptions struct {
	InFlight   int           // requests under way at once; 2
	Queue      int           // calls that wait while as many are; 10000
	Timeout    time.Duration // of one request, whoever waits for it; 10 s
	AuditItems bool          // have Vault's audit log hold each call of a request by itself, which costs about half of the throughput
}

// Verifier is a [Judge] that asks the engine. While no request is under way a call goes out at once and alone; while
// there are as many as are allowed, calls wait, and leave together when one comes back. So the busier Vault is, the more
// calls share a request. When one of several calls comes back and fewer wait, the next is held for those who were
// answered, as they may have more calls: for half the time that one took, and 10 ms, at the most, and ever less often where
// they have none. Calls that share a request go as one text, which Vault's audit log has as such, beside the IDs of the keys and the
// number of each verdict, unless the options say AuditItems.
//
// No question is asked twice, whatever happens to it: to verify records the call, and would find it to be replayed. It
// takes a fresh signature, and so the caller's client, to try again.
type Verifier struct {
	vault   *api.Client // asks, and does not try again
	app     *api.Client // has the token
	path    string
	options VerifierOptions
	writes  vault.Writer

	ctx     context.Context // of all requests
	cancel  context.CancelFunc
	sending sync.WaitGroup

	mu            sync.Mutex
	waiting       *list.List // of *question
	inFlight      int
	closed        bool
	windows       []*collectWindow // of flights, in the order in which they have landed
	windowsToSkip int              // landings that will have none
	skippedLast   int              // how many these were after the last that came to nothing
}

// question is a call that somebody waits to have judged.
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

// judged is an answer that has not been read, or why there is none.
type rawAnswer struct {
	data   map[string]any
	packed *packedResult // instead, in a packed batch
	err    error
}

// NewVerifier returns the verifier for a path such as "apikeys/verify", "apikeys/my/verify" or
// "apikeys/tenants/acme/verify". It asks nothing yet. It uses the token that vault has at the time of each
// request, and the namespace that it has now.
func NewVerifier(vault *api.Client, path string, options VerifierOptions) (*Verifier, error) {
	once, err := vault.CloneWithHeaders()
	if err != nil {
		return nil, err
	}
	once.SetMaxRetries(0)
	options.InFlight = max(cmp.Or(options.InFlight, 2), 1)
	options.Queue = max(cmp.Or(options.Queue, 10000), 0)
	options.Timeout = cmp.Or(max(options.Timeout, 0), 10*time.Second)
	v := &Verifier{vault: once, app: vault, path: path, options: options, waiting: list.New()}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v, nil
}

// Close gives up what is under way, fails those who wait, and ends all goroutines.
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

// Verify asks the engine about one call. It fails with [ErrBusy] at once; with [ErrUnavailable], perhaps an [ErrUnknown];
// with [ErrClosed]; with the context's error, when it ends first, which fails no other call; and with the
// [api.ResponseError] of a request that Vault refuses, such as 403.
func (v *Verifier) Verify(ctx context.Context, c Call) (Verdict, error) {
	if err := ctx.Err(); err != nil {
		return Verdict{}, err
	}
	if !wellFormed(c) {
		return Verdict{Code: Malformed}, nil
	}
	q := newQuestion(c, v.options.AuditItems)
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

// enter has a question fly, or wait.
func (v *Verifier) enqueue(q *question) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
		return ErrClosed
	case v.inFlight < v.options.InFlight && len(v.windows) == 0:
		v.inFlight++
		q.element = v.waiting.PushBack(q)
		b := v.nextBatch()
		v.sending.Go(func() { v.sendBatches(b) })
	case v.waiting.Len() >= v.options.Queue:
		return ErrBusy
	default:
		q.element = v.waiting.PushBack(q)
		v.closeFullWindow()
	}
	return nil
}

// leave forgets a question that nobody waits for.
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
