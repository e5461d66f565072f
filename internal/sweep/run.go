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

const (
	workers     = 16
	eachWorker  = 10 // one more worker for so many waiting units
	choreShare  = 16 // one unit in so many is a chore, even if rotations wait
	maxReported = 5  // failures that a pass reports
)

// run is one sweep, or one walk that a caller asked for.
type run struct {
	*Sweeper
	s        logical.Storage
	config   *tenant.Config
	now      time.Time
	until    time.Time       // when to stop
	caller   context.Context // stops the run as long as the caller waits
	own      context.Context // stops the run at any time
	cancel   context.CancelFunc
	detached atomic.Bool // the caller no longer waits
	broken   atomic.Bool // a failed write has stopped the run

	mu                sync.Mutex
	free              sync.Cond // signals waiting workers
	rotations, chores queue
	taken             int
	busy, working     int // workers with a unit, and all workers
	chored            int // workers with a chore
	group             sync.WaitGroup
	again             bool // the index may have new entries that are due now
	failures          []error
}

// newRun returns a run for the caller, or false if the sweeper is closed.
func (w *Sweeper) newRun(caller context.Context, s logical.Storage, now time.Time, most time.Duration) (*run, bool) {
	own, cancel := context.WithCancel(context.WithoutCancel(caller))
	if !w.begin(cancel) {
		return nil, false
	}
	r := &run{Sweeper: w, now: now, until: time.Now().Add(most), caller: caller, own: own, cancel: cancel}
	r.s = &guard{Storage: s, run: r}
	r.free.L = &r.mu
	return r, true
}

func (r *run) stopped() bool {
	if !r.detached.Load() && r.caller.Err() != nil {
		r.cancel()
	}
	return r.own.Err() != nil
}

func (r *run) timeLeft() bool { return !r.stopped() && time.Now().Before(r.until) }

// runAll sweeps, flushes uses and continues the walk.
func (r *run) runAll(ctx context.Context) error {
	go r.watch(ctx)
	return r.safely(func() (err error) {
		if r.config, err = r.store.Config(ctx, r.s); err != nil {
			return err
		}
		marked := r.store.BeginUsage(ctx, r.s, r.now)
		_ = r.store.Settle(ctx, r.s, time.Now().Add(flushBudget)) // the writes have reported these failures
		swept := r.sweep(ctx)
		if r.stopped() {
			return errors.Join(marked, swept)
		}
		flushed := r.store.FlushUsage(ctx, r.s, time.Now().Add(flushBudget))
		return errors.Join(marked, swept, flushed, r.walkSlice(ctx))
	})
}

// watch stops the run when the node loses its right to write.
func (r *run) watch(ctx context.Context) {
	every := time.NewTicker(watching)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			//mutate:false "no write by a node that may not" TestSweepStops
			if !r.may() {
				r.cancel()
			}
		}
	}
}

// sweep does what is due, and then what has become due because of that.
func (r *run) sweep(ctx context.Context) error {
	err := r.pass(ctx)
	if r.again && r.timeLeft() {
		err = errors.Join(err, r.pass(ctx))
	}
	return err
}

// pass does the due entries of all minutes. It lists all minutes first, because the most urgent rotation may be in
// any of them.
func (r *run) pass(ctx context.Context) error {
	minutes, err := r.store.DueMinutes(ctx, r.s, r.now)
	if err != nil {
		return err
	}
	r.failures = nil
	r.list(ctx, minutes)
	r.rotations.sort()
	r.spawn(ctx)
	r.work(ctx)
	r.group.Wait()
	r.rotations, r.chores, r.working = queue{}, queue{}, 0
	for _, m := range minutes {
		if r.left(m.At) == 0 {
			r.store.Finish(m)
		}
	}
	return errors.Join(r.failures...)
}

// list queues the entries of minutes. Entries beyond a tenant's limit wait for the next sweep.
func (r *run) list(ctx context.Context, minutes []store.Minute) {
	waits := make(map[time.Time]waiting)
	for _, m := range minutes {
		if !r.timeLeft() {
			waits[m.At] = waiting{all: 1} // at least
			continue
		}
		entries, err := r.store.Due(ctx, r.s, m)
		if err != nil {
			waits[m.At] = waiting{all: 1} // at least
			r.fail(err)
		}
		for _, e := range entries {
			n := waits[m.At]
			n.all++
			if e.Rotation() {
				n.rotations++
			}
			waits[m.At] = n
			r.queueOf(e).push(unit{entry: e})
		}
	}
	r.Sweeper.mu.Lock()
	defer r.Sweeper.mu.Unlock()
	r.waits = waits
}

func (r *run) queueOf(e store.DueEntry) *queue {
	if e.Rotation() {
		return &r.rotations
	}
	return &r.chores
}

// spawn starts as many workers as the queued units need.
func (r *run) spawn(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; r.working < min(r.workers-1, (r.rotations.n+r.chores.n)/eachWorker); r.working++ {
		r.group.Go(func() { r.work(ctx) })
	}
	r.free.Broadcast()
}

// work does units until none is left and no other worker can add one.
func (r *run) work(ctx context.Context) {
	for {
		u, ok := r.take()
		if !ok {
			return
		}
		err := r.safely(func() error {
			r.do(ctx, u)
			return nil
		})
		if err != nil {
			r.fail(err)
		}
		r.put(u)
	}
}

// put releases the worker's unit.
func (r *run) put(u unit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
	if u.chore() {
		r.chored--
	}
	r.free.Broadcast()
}

// take returns the next unit: a rotation if one waits, and now and then a chore. While rotations wait, it takes a
// chore only if less than half of the workers have one, because chores of one tenant may wait for each other.
func (r *run) take() (unit, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.timeLeft() {
		from := &r.rotations
		//mutate:true:2 "workers left to rotations" TestChoresLeaveWorkersToRotations
		share := (r.taken+1)%choreShare == 0 && 2*r.chored < r.working+1
		//mutate:true:2.2 "rotations before all else" TestRotationsBeforeAnErasure
		if from.n == 0 || r.chores.n > 0 && share {
			from = &r.chores
		}
		if u, ok := from.pop(); ok {
			r.taken++
			r.busy++
			if u.chore() {
				r.chored++
			}
			return u, true
		}
		if r.busy == 0 {
			break
		}
		r.free.Wait()
	}
	r.free.Broadcast()
	return unit{}, false
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.failures) < maxReported {
		r.failures = append(r.failures, err)
	}
}
