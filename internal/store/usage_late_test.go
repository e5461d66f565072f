package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// If several flushes in a row have no time for some tenants, the error says how many, and since when. It ends once a
// flush makes progress.
func TestUsesThatNoFlushHasTimeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.begin()
		for n := range 3 {
			k := w.in(tenant.Name(fmt.Sprintf("t-%d", n)), fmt.Sprintf("uid-%d", n)).create("billing", id(n+1))
			w.st.Used(k, id(n+1), "", minute(1))
		}
		flush := func() error {
			next := time.Now().Add(time.Minute)
			defer func() { time.Sleep(time.Until(next)) }()
			return w.st.FlushUsage(t.Context(), w.s, time.Now().Add(5*time.Second))
		}
		stuck := func(op string) error {
			if strings.HasPrefix(op, "put ") {
				time.Sleep(6 * time.Second)
				return context.DeadlineExceeded
			}
			return nil
		}
		w.s.StepIn(stuck, nil)
		since := time.Now().Add(6 * time.Second).UTC().Format(time.RFC3339)
		for n := 1; n < maxStalled; n++ {
			if err := flush(); err != nil {
				t.Errorf("after %d flushes: %v", n, err)
			}
		}
		if err := flush(); err == nil || !strings.Contains(err.Error(), "since "+since+" ") ||
			!strings.Contains(err.Error(), "(3)") {
			t.Errorf("after %d flushes: %v", maxStalled, err)
		}
		did := false
		w.s.StepIn(func(op string) error {
			if strings.HasPrefix(op, "put ") && !did { // one, and no more
				did = true
				return nil
			}
			return stuck(op)
		}, nil)
		if err := flush(); err == nil || !strings.Contains(err.Error(), "(2)") {
			t.Errorf("one has been written: %v", err)
		}
		w.s.StepIn(nil, nil)
		if err := flush(); err != nil {
			t.Errorf("all are written: %v", err)
		}
	})
}

// Who comes further is not late, however long it takes; nor is anybody whose flush its caller has ended. Who cannot
// even begin is.
func TestWhatCountsAsNoTime(t *testing.T) {
	for name, row := range map[string]struct {
		flush func(w *world) error
		told  bool
	}{
		"a split goes on": {func(w *world) error {
			w.slow(6 * time.Second) // one write in each flush
			return w.st.FlushUsage(w.t.Context(), w.s, time.Now().Add(5*time.Second))
		}, false},
		"the caller has ended it": {func(w *world) error {
			ctx, cancel := context.WithCancel(w.t.Context())
			w.s.StepIn(func(string) error { cancel(); return context.Canceled }, nil)
			return w.st.FlushUsage(ctx, w.s, time.Now().Add(5*time.Second))
		}, false},
		"others write": {func(w *world) error {
			w.st.usage.busy <- struct{}{}
			defer func() { <-w.st.usage.busy }()
			return w.st.FlushUsage(w.t.Context(), w.s, time.Now().Add(5*time.Second))
		}, true},
		"others write, and the caller has ended it": {func(w *world) error {
			w.st.usage.busy <- struct{}{}
			defer func() { <-w.st.usage.busy }()
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
			defer cancel()
			return w.st.FlushUsage(ctx, w.s, time.Now().Add(5*time.Second))
		}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.begin()
			w.use(4500)
			for n := 1; n <= 2*maxStalled; n++ {
				if err := row.flush(w); (err != nil) != (row.told && n >= maxStalled) {
					t.Errorf("%s, flush %d: %v", name, n, err)
				}
			}
			if o := w.st.usage.of("uid-of-acme", "acme"); !o.dirty() && o.cells.Load() == 0 {
				t.Fatalf("%s: nothing waits", name)
			}
		})
	}
}

// Who was at a write when the time was over comes again, and begins with that write the next time.
func TestWriteThatIsCutOffByTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.create("billing", id(1))
		w.st.Used(k, id(1), "", minute(1))
		w.s.StepIn(func(op string) error {
			if strings.HasPrefix(op, "put ") {
				time.Sleep(6 * time.Second)
				return context.DeadlineExceeded
			}
			return nil
		}, nil)
		must(t, w.st.FlushUsage(t.Context(), w.s, time.Now().Add(5*time.Second)))
		o, at := w.st.usage.of(k.UID, k.Tenant), groupOf(k.UID, locate(k))
		if turns := w.st.usage.turns; len(turns) != 1 || turns[0] != k.UID || o.from != at {
			t.Errorf("turns %v, from %q; want %s from %q", turns, o.from, k.UID, at)
		}
	})
}
