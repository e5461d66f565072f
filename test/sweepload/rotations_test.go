//go:build sweepload

package sweepload

import (
	"testing"
	"time"
)

// overlap is that of all keys that rotate: shorter than five ticks.
const overlap = 250 * time.Second

// TestManyRotations has KEYS keys of five tenants due together.
func TestManyRotations(t *testing.T) {
	n := number(t, "KEYS", 10_000) / 5
	w := newWorld(t, 1)
	due := w.moment(time.Now().Add(time.Duration(5*n/importRate)*time.Second + overlap/10))
	tenants := []string{"acme", "bolt", "cogs", "dyne", "eaton"}
	for _, tenant := range tenants {
		w.open(t, tenant)
		w.fill(t, tenant, n, scheduled(due, overlap))
	}
	t.Logf("all are due in %s", seconds(time.Until(due)))
	until := due.Add(overlap + 2*time.Second)
	ticks := w.watch(t.Context(), func(s sample) bool { return s.rotated == 5*n || s.at.After(until) })
	tell(t, ticks, due)
	if wait(t.Context(), time.Until(until)); len(ticks) == 0 {
		t.Fatal("nothing was rotated")
	}
	var all []fate
	for _, tenant := range tenants {
		all = append(all, w.fates(t, tenant, n)...)
	}
	late := 0
	for _, f := range all {
		if f.late {
			late++
		}
	}
	t.Logf("of %d keys due together with an overlap of %s, %d say rotation_late", len(all), seconds(overlap), late)
	if err := allReplaced(all, until); err != nil {
		t.Error(err)
	}
}

// TestUnevenTenants has a thousand keys of one tenant due together with one of another, which is the last in every
// list.
func TestUnevenTenants(t *testing.T) {
	const many = 1000
	w := newWorld(t, 1)
	due := w.moment(time.Now().Add(many/importRate*time.Second + overlap/10))
	for tenant, n := range map[string]int{"acme": many, "zulu": 1} {
		w.open(t, tenant)
		w.fill(t, tenant, n, scheduled(due, overlap))
	}
	wait(t.Context(), time.Until(due))
	var first, one time.Time
	var before int
	w.watch(t.Context(), func(s sample) bool {
		if s.rotated > 0 && first.IsZero() {
			first = s.at
		}
		if one.IsZero() {
			if f, err := w.fate(t.Context(), "zulu", 0); err == nil && !f.rotated.IsZero() {
				one, before = time.Now(), s.rotated
			}
		}
		return s.rotated == many+1 || s.at.After(due.Add(overlap))
	})
	if one.IsZero() {
		t.Fatal("the one was not rotated")
	}
	if err := allReplaced(append(w.fates(t, "zulu", 1), w.fates(t, "acme", many)...), time.Now()); err != nil {
		t.Error(err)
	}
	t.Logf("the one key is seen rotated %s after the first was, when about %d were; all %d within %s",
		seconds(max(0, one.Sub(first))), before, many+1, seconds(time.Since(first)))
}

// TestErasureBeside has ERASED keys of a deleted tenant erased, and five keys of another due a minute later.
func TestErasureBeside(t *testing.T) {
	const five = 5
	n := number(t, "ERASED", 20_000)
	w := newWorld(t, 1)
	w.open(t, "acme")
	w.open(t, "bolt")
	w.fill(t, "bolt", n, nil)
	gone := w.moment(time.Now().Add(2 * time.Second)) // it is erased a minute later
	due := gone.Add(2 * time.Minute)
	w.fill(t, "acme", five, scheduled(due, overlap))
	wait(t.Context(), time.Until(gone))
	w.must(t, "DELETE", "apikeys/admin/tenants/bolt", nil)
	ended := due.Add(overlap)
	ticks := w.watch(
		t.Context(),
		func(s sample) bool { return s.rotated == five && s.at.After(due.Add(time.Minute)) || s.at.After(ended) },
	)
	tell(t, ticks, due)
	if len(ticks) == 0 {
		t.Fatal("nothing was erased")
	}
	fates := w.fates(t, "acme", five)
	for i, f := range fates {
		if !f.rotated.IsZero() {
			t.Logf("key %d was rotated %s after it was due at the latest", i, seconds(f.rotated.Sub(due)))
		}
	}
	if err := allReplaced(fates, time.Now()); err != nil {
		t.Errorf("acme, beside the erasure: %v", err)
	}
}
