//go:build sweepload

package sweepload

import (
	"context"
	"testing"
	"time"
)

// sample is what status has said at a time.
type sample struct {
	at                                 time.Time
	rotated, late, erased, due, oldest int
}

func (s sample) did() int { return s.rotated + s.erased }

// status asks the active node; a request that fails is an empty sample.
func (w *world) status(ctx context.Context) sample {
	_, data, err := w.send(ctx, "GET", "apikeys/status", nil)
	if err != nil {
		return sample{}
	}
	n := func(name string) int {
		f, _ := data[name].(float64)
		return int(f)
	}
	return sample{time.Now(), n("rotated"), n("rotated_late"), n("erased"), n("due"), n("oldest_rotation_seconds")}
}

// tick is one sweep as it shows in status.
type tick struct {
	began, ended time.Time // the first and the last thing done
	first, last  sample
}

// gap is how long nothing is done between two sweeps at the least.
const gap = 4 * time.Second

// watch asks until done says so, and returns the ticks in which something was done.
func (w *world) watch(ctx context.Context, done func(sample) bool) (ticks []tick) {
	last := w.status(ctx)
	for ctx.Err() == nil {
		now := w.status(ctx)
		if now.at.IsZero() {
			wait(ctx, 100*time.Millisecond)
			continue
		}
		if now.did() != last.did() {
			if len(ticks) == 0 || now.at.Sub(ticks[len(ticks)-1].ended) > gap {
				ticks = append(ticks, tick{began: now.at, first: last})
			}
			ticks[len(ticks)-1].ended, ticks[len(ticks)-1].last = now.at, now
		}
		last = now
		if done(now) {
			return ticks
		}
		wait(ctx, 100*time.Millisecond)
	}
	return ticks
}

// tell prints what was done in each tick, counted from a time.
func tell(t *testing.T, ticks []tick, from time.Time) {
	t.Helper()
	for i, k := range ticks {
		rotated, erased := k.last.rotated-k.first.rotated, k.last.erased-k.first.erased
		took := k.ended.Sub(k.began)
		t.Logf("tick %d, after %s: %d rotated, %d erased in %s; then due %d, oldest rotation %d s, rotated_late %d",
			i+1, seconds(k.began.Sub(from)), rotated, erased, seconds(took), k.last.due, k.last.oldest, k.last.late)
	}
}

// working waits until a sweep has begun to do something.
func (w *world) working(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	began := w.status(ctx)
	for ctx.Err() == nil {
		if now := w.status(ctx); !now.at.IsZero() && now.did() > began.did() {
			return
		}
		wait(ctx, 20*time.Millisecond)
	}
	t.Fatal("no sweep does anything")
}
