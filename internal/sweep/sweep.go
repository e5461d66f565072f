// Package sweep does what is due without anybody asking: it rotates keys by schedule,
// erases what has ended, disables what is not used, and mends the indexes. Vault calls it
// once a minute. What it does is decided by the core; everything that keeps its place is in
// storage, so that a sweep can be cut off at any moment.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// How long one tick works at the most. Vault holds a lock all the while, which a seal or a
// change of leader waits for.
const (
	budget      = 15 * time.Second
	flushBudget = 5 * time.Second // and this much for uses, so that a busy sweep does not keep them back
)

// Sweeper is safe for concurrent use; ticks and walks wait for each other.
type Sweeper struct {
	store   *store.Store
	gone    func(uid string) // called for each tenant that was erased
	started time.Time

	mu      sync.Mutex
	failing map[string]failing // records that could not even be written to, by place
	resumed map[string]resumed // how far the keys of a tenant have been looked at, by its place
	walk    *walk              // the one under way, or nil
	walked  time.Time          // when the last one ended

	waiting                 atomic.Int64
	rotated, failed, erased atomic.Int64
	report                  atomic.Pointer[Report]
}

type failing struct {
	count int
	until time.Time
}

type resumed struct {
	next   int
	failed error // the first
}

// New returns a sweeper over a store. Gone is called with the UID of each tenant that is
// erased for good.
func New(st *store.Store, gone func(uid string)) *Sweeper {
	return &Sweeper{store: st, gone: gone, started: time.Now(), failing: map[string]failing{}, resumed: map[string]resumed{}}
}

// tick is one call of Vault's.
type tick struct {
	*Sweeper
	s      logical.Storage
	config *tenant.Config
	now    time.Time
	until  time.Time // when to stop
	again  bool      // the index has got more that is due now
}

func (t *tick) more(ctx context.Context) bool { return ctx.Err() == nil && time.Now().Before(t.until) }

// Tick does what is due at now, oldest first, for [budget] at the most; the next tick goes
// on. One record that fails does not stop the others. With time left it walks a while.
func (w *Sweeper) Tick(ctx context.Context, s logical.Storage, now time.Time) error {
	if !w.mu.TryLock() {
		return nil // a walk that was asked for is under way, and Vault must not wait for it
	}
	defer w.mu.Unlock()
	t, err := w.begin(ctx, s, now, budget)
	if err != nil {
		return err
	}
	_ = w.store.Settle(ctx, s, time.Now().Add(flushBudget)) // its failures were told when they were writes
	swept := t.sweep(ctx)
	flushed := w.store.FlushUsage(ctx, s, time.Now().Add(flushBudget))
	return errors.Join(swept, flushed, t.stroll(ctx))
}

// Pause is called in place of [Sweeper.Tick] on a node that may not write. Another one may
// leave things behind where this one has been; when it is its turn again it looks anew.
func (w *Sweeper) Pause() { w.store.ForgetDue() }

func (w *Sweeper) begin(ctx context.Context, s logical.Storage, now time.Time, most time.Duration) (*tick, error) {
	c, err := w.store.Config(ctx, s)
	if err != nil {
		return nil, err
	}
	return &tick{Sweeper: w, s: s, config: c, now: now, until: time.Now().Add(most)}, nil
}

// sweep does what is due, and then what has turned out to be due because of that.
func (t *tick) sweep(ctx context.Context) error {
	err := t.pass(ctx)
	if t.again && t.more(ctx) {
		err = errors.Join(err, t.pass(ctx))
	}
	return err
}

// pass goes through the minutes that may hold something due.
func (t *tick) pass(ctx context.Context) error {
	minutes, err := t.store.DueMinutes(ctx, t.s, t.now)
	if err != nil {
		return err
	}
	var failures []error
	waiting := 0
	for i, m := range minutes {
		if !t.more(ctx) {
			waiting += len(minutes) - i // at least
			break
		}
		left, err := t.minute(ctx, m)
		if err != nil {
			failures = append(failures, err)
		}
		waiting += left
		if left == 0 {
			t.store.Finish(m)
		}
	}
	t.waiting.Store(int64(waiting))
	return errors.Join(failures...)
}

// minute looks at each entry of a minute and returns how many are left for later, and the
// first failure.
func (t *tick) minute(ctx context.Context, m store.Minute) (left int, err error) {
	entries, err := t.store.Due(ctx, t.s, m)
	if err != nil {
		return 1, err // at least
	}
	var first error
	for i, e := range entries {
		if !t.more(ctx) {
			return left + len(entries) - i, first
		}
		done, err := t.entry(ctx, e)
		if !done {
			left++
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return left, first
}

// entry looks at one record, unless it has failed too lately. A failure is written down
// where it can be seen, and the record is tried again later and later.
func (t *tick) entry(ctx context.Context, e store.Entry) (done bool, err error) {
	place := e.String()
	if until := t.failing[place].until; apikey.Waiting(until, t.now) {
		return t.putOff(ctx, e, until), nil
	}
	var noted error
	if _, itself := e.Tenant(); itself {
		done, err = t.tenant(ctx, e)
	} else {
		done, noted, err = t.key(ctx, e)
	}
	if err == nil {
		delete(t.failing, place)
		return done, noted
	}
	if ctx.Err() != nil {
		return false, err
	}
	t.failed.Add(1)
	f := failing{count: t.failing[place].count + 1}
	f.until = t.now.Add(apikey.Backoff(f.count))
	t.failing[place] = f
	return t.putOff(ctx, e, f.until), err
}

// putOff moves an entry to when its record is tried again. When that fails too, the record
// still waits, but its minute stays open.
func (t *tick) putOff(ctx context.Context, e store.Entry, until time.Time) bool {
	moved, err := t.store.Defer(ctx, t.s, e, until)
	return err == nil && moved
}

// key does what is due about a key. When its rotation fails, the key says why, if it can
// be written at all: then it has been dealt with for now, and the error is for the log.
func (t *tick) key(ctx context.Context, e store.Entry) (done bool, noted, err error) {
	done, err = t.tend(ctx, e, nil)
	if err == nil || ctx.Err() != nil || errors.Is(err, errBlind) {
		return done, nil, err
	}
	if done, again := t.tend(ctx, e, err); again == nil {
		t.failed.Add(1)
		return done, err, nil
	}
	return false, nil, err
}

// tend looks after a key; with a failure it writes that down in place of a rotation that
// is still due: the one that failed may have landed.
func (t *tick) tend(ctx context.Context, e store.Entry, failure error) (bool, error) {
	var did apikey.Tended
	var blind error
	destroyed := false
	done, err := t.store.Tend(ctx, t.s, e, func(k *apikey.Key, of *tenant.Tenant) (*apikey.Key, bool, error) {
		if k.Gone(t.config.Retention, t.now) || k.Lost(t.now) {
			destroyed = true
			return nil, true, nil
		}
		var care apikey.Care
		care, blind = t.care(ctx, k, of)
		if failure != nil && k.RotationDue(t.now) && of.State() == tenant.Active {
			return k.RotationFailed(failure, t.now), false, nil
		}
		next, what, err := k.Tend(care, t.now)
		did = what
		return next, false, err
	})
	if err != nil {
		return done, err
	}
	if did.Rotated {
		t.rotated.Add(1)
	}
	t.erased.Add(int64(did.Erased))
	if destroyed {
		t.erased.Add(1)
	}
	if blind != nil {
		return false, fmt.Errorf("%w: %w", errBlind, blind)
	}
	return done, nil
}

// errBlind says that all was done about a key but to see whether it is still used.
var errBlind = errors.New("it is not known when the key was used")

// care gathers what looking after a key takes. When it was used is asked only where that
// matters; with an error, all but that is known.
func (t *tick) care(ctx context.Context, k *apikey.Key, of *tenant.Tenant) (apikey.Care, error) {
	care := apikey.Care{Config: t.config, Tenant: of, NewKeyID: apikey.NewKeyID()}
	if !k.Watched(k.Policy(t.config, of).Idle, t.now) {
		return care, nil
	}
	var err error
	care.LastUsed, err = t.store.LastUsed(ctx, t.s, k)
	care.Blind = err != nil
	return care, err
}
