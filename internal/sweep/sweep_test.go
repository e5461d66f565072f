package sweep

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// slow has each operation of storage take a while, for which the test does not wait. There
// is one worker then: the bubble's time stands still while another one waits for a lock.
func (w *world) slow(each time.Duration) {
	w.sweep.workers = 1
	w.s.fail(func(string) bool { time.Sleep(each); return false })
}

// next waits for the next minute and ticks; it returns how long that took.
func (w *world) next() time.Duration {
	w.t.Helper()
	time.Sleep(time.Minute)
	began := time.Now()
	w.now = began
	w.must(w.tick())
	return time.Since(began)
}

// More is due than fits into a tick: ticks stay short, say what is left, and every key has
// had its turn in the end, once.
func TestBusyTicksEndAndGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const keys = 120
		for n := range keys {
			w.create(apikey.Name(fmt.Sprintf("key-%03d", n)), 10*time.Hour, time.Hour)
		}
		time.Sleep(9 * time.Hour)
		w.slow(100 * time.Millisecond)
		ticks, before := 0, int64(0)
		for w.sweep.Status(time.Now()).Rotated < keys {
			if took := w.next(); took > patience {
				t.Fatalf("a tick of %s", took)
			}
			s := w.sweep.Status(time.Now())
			if s.Rotated == before || s.Rotated < keys && s.Due == 0 {
				t.Fatalf("%+v after %d", s, before)
			}
			before = s.Rotated
			if ticks++; ticks > 20 {
				t.Fatal("it takes for ever")
			}
		}
		w.s.fail(nil)
		w.next()
		for name, k := range w.keys() {
			if k.Newest().Number != 2 {
				t.Errorf("%s: version %d", name, k.Newest().Number)
			}
		}
		if s := w.sweep.Status(time.Now()); s.Due != 0 || s.Lag > time.Minute || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A tenant with many keys is erased in pages, and from the first one on nothing brings it
// back; one that is resumed has its keys looked at in pages too.
func TestTenantsInPages(t *testing.T) {
	for _, deleted := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			const keys = 120
			for n := range keys {
				w.create(apikey.Name(fmt.Sprintf("key-%03d", n)), 10*time.Hour, time.Hour)
			}
			change := func(how func(*tenant.Tenant)) {
				var err error
				w.acme, err = w.st.UpdateTenant(
					t.Context(),
					w.s,
					"acme",
					func(old *tenant.Tenant) (*tenant.Tenant, error) {
						c := *old
						how(&c)
						c.Revision++
						return &c, nil
					},
				)
				w.must(err)
			}
			change(func(c *tenant.Tenant) { c.SuspendedAt = time.Now() })
			time.Sleep(10 * time.Hour)
			w.next() // drops the entries of the rotations that are not to be
			if deleted {
				change(func(c *tenant.Tenant) { c.DeletedAt = time.Now() })
				time.Sleep(7 * day)
			} else {
				change(func(c *tenant.Tenant) { c.SuspendedAt, c.ResumedAt = time.Time{}, time.Now() })
			}
			w.slow(200 * time.Millisecond)
			pages := 0
			for range 15 {
				if took := w.next(); took > patience {
					t.Errorf("a tick of %s", took)
				}
				of, err := w.st.Tenant(t.Context(), w.s, "acme")
				w.must(err)
				if n := len(w.keys()); n > 0 && n < keys {
					if pages++; of.ErasedSince.IsZero() {
						t.Error("half of it is erased, and it could be restored")
					}
				}
			}
			if deleted != (pages > 0) {
				t.Errorf("%d pages", pages)
			}
			w.s.fail(nil)
			rotated := 0
			for _, k := range w.keys() {
				rotated += k.Newest().Number - 1
			}
			if deleted != (len(w.keys()) == 0) || deleted != (len(w.gone) == 1) || !deleted && rotated != keys {
				t.Errorf("%d keys, %d rotated, gone %v", len(w.keys()), rotated, w.gone)
			}
		})
	}
}

// One unreadable key keeps neither the others of a deleted tenant from being erased, nor
// those of a resumed one from being looked at.
func TestTenantWithAnUnreadableKey(t *testing.T) {
	for name, how := range map[string]func(c *tenant.Tenant, now time.Time){
		"deleted": func(c *tenant.Tenant, now time.Time) { c.DeletedAt = now.Add(-8 * day) },
		"resumed": func(c *tenant.Tenant, now time.Time) { c.ResumedAt, c.SuspendedAt = now, time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, name := range []apikey.Name{"a", "b", "c"} {
				w.create(name, 10*time.Hour, time.Hour)
			}
			change := func(how func(*tenant.Tenant)) {
				_, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
					c := *old
					how(&c)
					c.Revision++
					return &c, nil
				})
				w.must(err)
			}
			change(func(c *tenant.Tenant) { c.SuspendedAt = w.now })
			w.now = w.now.Add(10 * time.Hour)
			w.must(w.tick())
			change(func(c *tenant.Tenant) { how(c, w.now) })
			w.s.fail(contains("get keys/acme/external/b"))
			failed := 0
			for range 30 {
				if w.tick() != nil {
					failed++
				}
				w.now = w.now.Add(time.Minute)
			}
			if failed < 4 || failed > 12 {
				t.Errorf("told %d times in half an hour", failed)
			}
			keys := w.keys()
			for _, other := range []apikey.Name{"a", "c"} {
				if k := keys[other]; name == "deleted" && k != nil || name == "resumed" && k.Newest().Number != 2 {
					t.Errorf("%s is left as it was", other)
				}
			}
			if keys["b"] == nil || keys["b"].Newest().Number != 1 {
				t.Error("the unreadable key is not as it was")
			}
			w.s.fail(nil)
			for range 62 {
				w.must(w.tick())
				w.now = w.now.Add(time.Minute)
			}
			if k := w.keys()["b"]; name == "deleted" && k != nil || name == "resumed" && k.Newest().Number != 2 {
				t.Error("nor when it can be read")
			}
		})
	}
}

// A tick that Vault cuts off has done what it has done, notes no failure for it, and the
// next one goes on.
func TestTickThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for n := range 20 {
			w.create(apikey.Name(fmt.Sprintf("key-%02d", n)), 10*time.Hour, time.Hour)
		}
		time.Sleep(9 * time.Hour)
		w.now = time.Now()
		for range 40 {
			ctx, cancel := withOperations(t.Context(), w.s, 17)
			_ = w.sweep.Tick(ctx, w.s, w.now)
			cancel()
		}
		w.s.fail(nil)
		w.must(w.tick())
		for name, k := range w.keys() {
			if k.Newest().Number != 2 || k.Failed != nil {
				t.Errorf("%s: version %d, %+v", name, k.Newest().Number, k.Failed)
			}
		}
		if s := w.sweep.Status(w.now); s.Failed != 0 || s.Due != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A walk that was asked for keeps no tick waiting: the tick goes by.
func TestTickDuringATidy(t *testing.T) {
	w := newWorld(t)
	w.create("billing", 10*time.Hour, time.Hour)
	ticked := false
	w.s.fail(func(op string) bool {
		if strings.HasPrefix(op, "list ids/") {
			ticked = true
			w.must(w.tick())
		}
		return false
	})
	report, err := w.sweep.Tidy(t.Context(), w.s, w.now)
	if w.must(err); !ticked || report.Finished.IsZero() || w.sweep.Status(w.now).Lag < 0 {
		t.Errorf("%+v", report)
	}
	if w.st.DoneUntil() != (time.Time{}) {
		t.Error("the tick has swept")
	}
}
