package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// do does one unit. A panic is its failure alone.
func (r *run) do(ctx context.Context, u unit) {
	if u.group != nil {
		r.member(ctx, u)
		return
	}
	e := u.entry
	if until := r.waitsUntil(e); apikey.Waiting(until, r.now) {
		r.leave(e, r.putOff(ctx, e, until), nil)
		return
	}
	var g *group
	var done bool
	var noted error
	err := r.safely(func() (err error) {
		if _, itself := e.Tenant(); itself {
			g, done, err = r.tenant(ctx, e)
		} else {
			done, noted, err = r.key(ctx, e)
		}
		return err
	})
	if g == nil || err != nil {
		r.ended(ctx, e, done, noted, err)
	}
}

// ended notes what has become of an entry. A failure is written down where it can be seen,
// and the same is tried again later and later.
func (r *run) ended(ctx context.Context, e store.DueEntry, done bool, noted, err error) {
	of := matterOf(e)
	if err == nil {
		r.Sweeper.mu.Lock()
		delete(r.failing, of)
		r.Sweeper.mu.Unlock()
		r.leave(e, done, noted)
		return
	}
	stopped := r.stopped()
	if stopped && (!r.broken.Load() || errors.Is(err, errStopped) || errors.Is(err, r.own.Err())) {
		r.leave(e, false, err)
		return
	}
	r.failed.Add(1)
	r.Sweeper.mu.Lock()
	f := failing{count: r.failing[of].count + 1}
	f.until = r.now.Add(apikey.Backoff(f.count))
	r.failing[of] = f
	r.Sweeper.mu.Unlock()
	// A run that its failure has stopped writes no more: the next one puts it off.
	r.leave(e, !stopped && r.putOff(ctx, e, f.until), err)
}

func (r *run) waitsUntil(e store.DueEntry) time.Time {
	r.Sweeper.mu.Lock()
	defer r.Sweeper.mu.Unlock()
	return r.failing[matterOf(e)].until
}

// leave counts an entry as done, or not, and has a failure told.
func (r *run) leave(e store.DueEntry, done bool, err error) {
	if err != nil {
		r.fail(err)
	}
	if !done {
		return
	}
	r.Sweeper.mu.Lock()
	defer r.Sweeper.mu.Unlock()
	n := r.waits[e.Minute()]
	n.all--
	if e.Rotation() {
		n.rotations--
	}
	r.waits[e.Minute()] = n
}

// left returns how many entries of a minute are not done.
func (r *run) left(minute time.Time) int {
	r.Sweeper.mu.Lock()
	defer r.Sweeper.mu.Unlock()
	return r.waits[minute].all
}

// putOff moves an entry to when its record is tried again. When that fails too, the record
// still waits, but its minute stays open.
func (r *run) putOff(ctx context.Context, e store.DueEntry, until time.Time) bool {
	moved, err := r.store.Defer(ctx, r.s, e, until)
	return err == nil && moved
}

// key does what is due about a key. When its rotation fails, the key says why, if it can
// be written at all: then it has been dealt with for now, and the error is for the log. So
// has a rotation while uses cannot be read: the look at them has an entry of its own, which
// waits by itself.
func (r *run) key(ctx context.Context, e store.DueEntry) (done bool, noted, err error) {
	done, err = r.maintain(ctx, e, nil)
	blind := errors.Is(err, errUsageUnknown)
	//mutate:false "rotations beside uses nobody can read" TestRotationsWhileUsesCannotBeRead
	if blind && e.Rotation() && !r.stopped() {
		r.failed.Add(1)
		return done, err, nil
	}
	if err == nil || blind || r.stopped() {
		return done, nil, err
	}
	if done, again := r.maintain(ctx, e, err); again == nil {
		r.failed.Add(1)
		return done, err, nil
	}
	return false, nil, err
}

// maintain looks after a key; with a failure it writes that down in place of a rotation that
// is still due: the one that failed may have landed.
func (r *run) maintain(ctx context.Context, e store.DueEntry, failure error) (bool, error) {
	var did apikey.Maintained
	var blind error
	destroyed := false
	done, err := r.store.ApplyDue(ctx, r.s, e, func(k *apikey.Key, of *tenant.Tenant) (*apikey.Key, bool, error) {
		if k.Gone(r.config.Retention, r.now) || k.LeaseOverdue(r.now) {
			destroyed = true
			return nil, true, nil
		}
		var care apikey.MaintainInput
		care, blind = r.maintainInput(ctx, k, of)
		if failure != nil && k.RotationDue(r.now) && of.State() == tenant.Active {
			return k.RotationFailed(failure, r.now), false, nil
		}
		next, what, err := k.Maintain(care, r.now)
		did = what
		return next, false, err
	})
	if err != nil {
		return done, err
	}
	if did.Rotated {
		r.rotated.Add(1)
		if did.Late {
			r.late.Add(1)
		}
	}
	r.erased.Add(int64(did.Erased))
	if destroyed {
		r.erased.Add(1)
	}
	if blind != nil {
		return done, fmt.Errorf("%w: %w", errUsageUnknown, blind)
	}
	return done, nil
}

// errUsageUnknown says that all was done about a key but to see whether it is still used.
var errUsageUnknown = errors.New("it is not known when the key was used")

// maintainInput gathers what looking after a key takes. When it was used is asked only where that matters: where it is
// time to look whether it still is, of which an error tells that it is not known, and where a rotation drops versions.
func (r *run) maintainInput(ctx context.Context, k *apikey.Key, of *tenant.Tenant) (apikey.MaintainInput, error) {
	care := apikey.MaintainInput{Config: r.config, Tenant: of, NewKeyID: apikey.NewKeyID(), UsageUnknown: true}
	watched := k.IdleCheckDue(k.Policy(r.config, of), r.now)
	//mutate:false "uses of versions that a rotation drops" TestUsesOfVersionsThatTheScheduleDrops
	drops := k.Full() && k.RotationDue(r.now)
	if !watched && !drops {
		return care, nil
	}
	last, err := r.store.LastUsed(ctx, r.s, k)
	care.LastUsed, care.MaybeUsed, care.UsageUnknown = last.At, last.MaybeAt, err != nil
	if !watched {
		err = nil
	}
	return care, err
}
