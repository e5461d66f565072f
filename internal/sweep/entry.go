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

// do does one unit. A panic counts as a failure of this unit only.
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

// ended records the outcome of an entry. After a failure the entry is tried again, at growing intervals.
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
	// A run that this failure has stopped writes no more. The next run puts the entry off.
	r.leave(e, !stopped && r.putOff(ctx, e, f.until), err)
}

func (r *run) waitsUntil(e store.DueEntry) time.Time {
	r.Sweeper.mu.Lock()
	defer r.Sweeper.mu.Unlock()
	return r.failing[matterOf(e)].until
}

// leave subtracts an entry that is done from what waits, and reports err.
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

// putOff moves an entry to the time of its next try. If that fails too, the record still waits, but its minute stays
// open.
func (r *run) putOff(ctx context.Context, e store.DueEntry, until time.Time) bool {
	moved, err := r.store.Defer(ctx, r.s, e, until)
	return err == nil && moved
}

// key does what is due about a key. If the rotation fails and the key can be written, the key records the failure:
// the entry is then done, and noted holds the error for the log. A rotation is also done if uses cannot be read: the
// check of uses has an entry of its own, which waits by itself.
func (r *run) key(ctx context.Context, e store.DueEntry) (done bool, noted, err error) {
	done, err = r.maintain(ctx, e, nil)
	usageUnknown := errors.Is(err, errUsageUnknown)
	//mutate:false "rotations beside uses nobody can read" TestRotationsWhileUsesCannotBeRead
	if usageUnknown && e.Rotation() && !r.stopped() {
		r.failed.Add(1)
		return done, err, nil
	}
	if err == nil || usageUnknown || r.stopped() {
		return done, nil, err
	}
	if done, again := r.maintain(ctx, e, err); again == nil {
		r.failed.Add(1)
		return done, err, nil
	}
	return false, nil, err
}

// maintain does what is due about a key. With a failure it records that failure, if the rotation is still due: the
// write that failed may have succeeded after all.
func (r *run) maintain(ctx context.Context, e store.DueEntry, failure error) (bool, error) {
	var did apikey.Maintained
	var usageErr error
	destroyed := false
	done, err := r.store.ApplyDue(ctx, r.s, e, func(k *apikey.Key, of *tenant.Tenant) (*apikey.Key, bool, error) {
		if k.Gone(r.config.Retention, r.now) || k.LeaseOverdue(r.now) {
			destroyed = true
			return nil, true, nil
		}
		var in apikey.MaintainInput
		in, usageErr = r.maintainInput(ctx, k, of)
		if failure != nil && k.RotationDue(r.now) && of.State() == tenant.Active {
			return k.RotationFailed(failure, r.now), false, nil
		}
		next, what, err := k.Maintain(in, r.now)
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
	if usageErr != nil {
		return done, fmt.Errorf("%w: %w", errUsageUnknown, usageErr)
	}
	return done, nil
}

// errUsageUnknown says that everything due about a key was done but the check whether it is still used.
var errUsageUnknown = errors.New("it is not known when the key was used")

// maintainInput returns the input of Key.Maintain. It reads the key's uses only if the idle check is due, or if a
// rotation drops versions. The error says that the idle check could not read them.
func (r *run) maintainInput(ctx context.Context, k *apikey.Key, of *tenant.Tenant) (apikey.MaintainInput, error) {
	in := apikey.MaintainInput{Config: r.config, Tenant: of, NewKeyID: apikey.NewKeyID(), UsageUnknown: true}
	watched := k.IdleCheckDue(k.Policy(r.config, of), r.now)
	//mutate:false "uses of versions that a rotation drops" TestUsesOfVersionsThatTheScheduleDrops
	drops := k.Full() && k.RotationDue(r.now)
	if !watched && !drops {
		return in, nil
	}
	last, err := r.store.LastUsed(ctx, r.s, k)
	in.LastUsed, in.MaybeUsed, in.UsageUnknown = last.At, last.MaybeAt, err != nil
	if !watched {
		err = nil
	}
	return in, err
}
