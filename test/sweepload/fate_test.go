package sweepload

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// fate is what has become of a key.
type fate struct {
	ended, rotated time.Time // the first version's end, and when it got a successor; zero: it has none
	late           bool
}

// without reports whether the first version has ended without a successor.
func (f fate) without(now time.Time) bool {
	return !now.Before(f.ended) && (f.rotated.IsZero() || f.rotated.After(f.ended))
}

// allReplaced returns an error when keys have ended without a successor: how many, and the first of them; or when there
// are none.
func allReplaced(fates []fate, now time.Time) error {
	if len(fates) == 0 {
		return errors.New("there is no key to tell by")
	}
	without, first := 0, 0
	for i, f := range fates {
		if f.without(now) {
			if without == 0 {
				first = i
			}
			without++
		}
	}
	if without == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d keys (%.0f %%) have ended without a successor, key %d first",
		without, len(fates), 100*float64(without)/float64(len(fates)), first)
}

// One key that has ended without a successor is enough to fail.
func TestFates(t *testing.T) {
	now := time.Now()
	before, after := now.Add(-time.Second), now.Add(time.Second)
	for name, row := range map[string]struct {
		fate    fate
		without bool
	}{
		"replaced in time":         {fate{ended: now, rotated: before}, false},
		"replaced late":            {fate{ended: now, rotated: before, late: true}, false},
		"replaced at its end":      {fate{ended: now, rotated: now}, false},
		"replaced after its end":   {fate{ended: before, rotated: now}, true},
		"ended, and not replaced":  {fate{ended: now}, true},
		"not ended, nor replaced":  {fate{ended: after}, false},
		"nothing is known of it":   {fate{}, true},
		"replaced, no end is told": {fate{rotated: before}, true},
	} {
		fates := []fate{{ended: after, rotated: before}, row.fate, {ended: after, rotated: before}}
		switch err := allReplaced(fates, now); {
		case !row.without && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.without &&
			(err == nil || !strings.Contains(err.Error(), "1 of 3 keys (33 %)") ||
				!strings.Contains(err.Error(), "key 1 first")):
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := allReplaced(nil, now); err == nil {
		t.Error("no key at all passes")
	}
}
