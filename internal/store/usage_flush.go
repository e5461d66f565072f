package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// lockWrites waits until no other goroutine writes entries of uses, and keeps others out until release is called.
func (u *usage) lockWrites(ctx context.Context) (release func(), err error) {
	select {
	case u.busy <- struct{}{}:
		return func() { <-u.busy }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for %s: %w", familyUsage, ctx.Err())
	}
}

// FlushUsage writes the uses collected so far, until a time: one Get and one Put for a tenant with few used keys.
// Tenants take turns, one entry each; those left out come first in the next flush. The error also reports tenants
// that several flushes in a row had no time for.
func (st *Store) FlushUsage(ctx context.Context, s logical.Storage, until time.Time) error {
	u := &st.usage
	within, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	release, err := u.lockWrites(within)
	if ctx.Err() == nil && err != nil {
		u.noTime(time.Now())
		return u.late()
	}
	if err != nil {
		return nil
	}
	defer release()
	all := u.rounds()
	left, err := turns(within, s, all)
	u.turns = nil
	for _, r := range left {
		u.turns = append(u.turns, r.uid)
		//mutate:skip "where the last flush has stopped" TestUsesThatGoOnDuringASplit
		r.owned.from = r.next()
	}
	//mutate:false "flushes that their caller ended" TestWhatCountsAsNoTime
	if ctx.Err() != nil { // the caller's time is over, which is not storage's fault
		return err
	}
	for _, r := range all {
		r.owned.roundEnded(r.further || r.failed, time.Now()) // failures are reported separately
	}
	return errors.Join(err, u.late())
}

// rounds returns a round for each tenant with uses to write, beginning with those left out of the last flush.
func (u *usage) rounds() []*round {
	var all []*round
	splits := new(int)
	dirty := make(map[string]*pendingUses)
	u.tenants.Range(func(uid, v any) bool {
		o := v.(*pendingUses)
		if o.collect(u.most); o.dirty() {
			dirty[uid.(string)] = o
		} else {
			o.roundEnded(true, time.Time{})
			o.unfinished, o.from = nil, ""
		}
		return true
	})
	for _, uid := range u.turns {
		if o := dirty[uid]; o != nil {
			all = append(all, newRound(uid, o, splits))
			delete(dirty, uid)
		}
	}
	for uid, o := range dirty {
		all = append(all, newRound(uid, o, splits))
	}
	return all
}

// turns steps the rounds in turn until all uses are written or ctx ends. It returns the rounds left out, and the
// first failure, which stops only its own round.
func turns(ctx context.Context, s logical.Storage, all []*round) (left []*round, failed error) {
	for len(all) > 0 && ctx.Err() == nil {
		r := all[0]
		all = all[1:]
		more, err := r.step(ctx, s)
		late := err != nil && ctx.Err() != nil // running out of time is no failure
		//mutate:false:2 "the turn of who was cut off" TestWriteThatIsCutOffByTheDeadline
		if more || late {
			//mutate:instead "uses of another that are written first" TestFlushIsFairByTenant
			//mutate:more => all = append([]*round{r}, all...)
			all = append(all, r)
		}
		if err != nil && !late {
			r.failed = true
			failed = cmp.Or(failed, err)
		}
	}
	return all, failed
}
