package store

import (
	"fmt"
	"time"
)

// patience is how many flushes in a row may have no time for a tenant before that is told.
const patience = 5

// roundEnded notes whether a flush has come any further with the tenant's uses.
func (o *owned) roundEnded(further bool, now time.Time) {
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

// noTime notes that a flush could not even begin.
func (u *usage) noTime(now time.Time) {
	u.tenants.Range(func(_, v any) bool {
		if o := v.(*owned); o.cells.Load() > 0 || o.dirty() {
			o.roundEnded(false, now)
		}
		return true
	})
}

// late tells of tenants for whose uses several flushes in a row have had no time.
func (u *usage) late() error {
	tenants, since := 0, time.Time{}
	u.tenants.Range(func(_, v any) bool {
		o := v.(*owned)
		o.mu.Lock()
		defer o.mu.Unlock()
		//mutate:false "flushes that had no time" TestUsesThatNoFlushHasTimeFor
		if o.stalled < patience {
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
