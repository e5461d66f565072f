package store

import (
	"fmt"
	"time"
)

// maxStalled is how many flushes in a row may make no progress with a tenant before that is reported.
const maxStalled = 5

// roundEnded records whether a flush made progress with the tenant's uses.
func (o *pendingUses) roundEnded(further bool, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if further {
		o.stalled, o.since = 0, time.Time{}
		return
	}
	if o.stalled++; o.stalled == 1 {
		o.since = now
	}
}

// noTime records that a flush could not begin.
func (u *usage) noTime(now time.Time) {
	u.tenants.Range(func(_, v any) bool {
		if o := v.(*pendingUses); o.cells.Load() > 0 || o.dirty() {
			o.roundEnded(false, now)
		}
		return true
	})
}

// late returns an error if several flushes in a row had no time for some tenants.
func (u *usage) late() error {
	tenants, since := 0, time.Time{}
	u.tenants.Range(func(_, v any) bool {
		o := v.(*pendingUses)
		o.mu.Lock()
		defer o.mu.Unlock()
		//mutate:false "flushes that had no time" TestUsesThatNoFlushHasTimeFor
		if o.stalled < maxStalled {
			return true
		}
		if tenants++; since.IsZero() || o.since.Before(since) {
			since = o.since
		}
		return true
	})
	if tenants == 0 {
		return nil
	}
	return fmt.Errorf(
		"writing %s: since %s there has been no time for the uses of some tenants (%d), which wait in memory: "+
			"storage takes too long to read and write; look at its latency",
		familyUsage,
		since.UTC().Format(time.RFC3339),
		tenants,
	)
}
