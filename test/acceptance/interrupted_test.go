//go:build acceptance

package acceptance

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"
)

// halfway waits until a sweep has rotated some keys since the plugin began.
func (c *caller) halfway(some int) {
	c.t.Helper()
	withinEvery(
		c.t,
		tickWithin,
		time.Millisecond,
		"sweep",
		func() error { // A sweep rotates hundreds in the time of one ordinary look.
			a, err := c.tried("GET", "apikeys/status", nil)
			if err != nil {
				return err
			}
			rotated, err := strconv.Atoi(a.field("rotated"))
			if err == nil && rotated < some {
				err = fmt.Errorf("%d are rotated", rotated)
			}
			return err
		},
	)
}

// TestInterrupted has hundreds of keys due at once, and the sweep that rotates them cut off: the plugin is killed in
// the middle of it, the whole server in the middle of the next, and the one after that has the server sealed. In the
// end each key was rotated, and none twice.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, true)
	tenant := w.tenant(t, "interrupted")
	admin, app, gateway := w.caller(t, tenant+"-admin"), w.caller(t, tenant+"-app"), w.caller(t, "gateway")
	operator := w.caller(t, "operator")
	const many, some = 600, 40
	operator.must("PATCH", "apikeys/config", fields{"min_overlap": "10s", "max_keys": many})
	firsts := make([]string, many)
	name := func(i int) string { return fmt.Sprintf("key-%03d", i) }
	path := func(i int) string { return "apikeys/my/external/keys/" + name(i) }
	var makers sync.WaitGroup
	for maker := range 4 {
		makers.Go(func() {
			for i := maker; i < many; i += 4 {
				firsts[i] = admin.rotatesOnce(path(i), 60*time.Second, 30*time.Second)
			}
		})
	}
	makers.Wait()

	// Each mishap comes when some more are rotated: a plugin that has begun anew counts anew. How many were rotated by
	// then is read from the keys at the end, because the sweeps go on while somebody counts.
	crashed := mishap{"server killed", func() error { return errors.Join(w.Kill(), w.Restart(t.Context())) }}
	mishaps := []mishap{killed(t, w), crashed}
	happened := make([]time.Time, len(mishaps))
	for i, happens := range mishaps {
		operator.halfway(some)
		happened[i] = time.Now()
		if err := happens.happen(); err != nil {
			t.Fatalf("%s: %v", happens.name, err)
		}
	}
	operator.halfway(some)
	began := time.Now()
	if err := errors.Join(w.Seal(t.Context()), w.Unseal(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Logf("sealed and unsealed in %s", time.Since(began)) // Vault lets a sweep end, for which that has 15 s.
	for i := range many {
		within(t, tickWithin, name(i), func() error { return admin.versions(path(i), 2) })
	}
	operator.ticked()

	rotated := make([]time.Time, many)
	for i := range many {
		key := admin.must("GET", path(i), nil)
		at, err := time.Parse(time.RFC3339, key.version(1, "issued_at"))
		if err != nil {
			t.Fatalf("%s: %v", name(i), err)
		}
		rotated[i] = at
		if n := len(key.Data["versions"].([]any)); n != 2 || key.version(0, "key_id") != firsts[i] ||
			key.field("rotation_error") != "" {
			t.Errorf(
				"%s has %d versions, the first is %s and was %s: %s",
				name(i),
				n,
				key.version(0, "key_id"),
				firsts[i],
				key.field("rotation_error"),
			)
		}
		has := app.must("GET", "apikeys/my/external/static-creds/"+name(i), nil).holder(t)
		if has.keyID == firsts[i] || has.keyID != key.field("current_key_id") {
			t.Errorf("%s is current of %s", has.keyID, name(i))
		}
		gateway.judged(
			name(i),
			has.call("GET", "/a"),
			map[string]string{"verdict": "valid", "key_id": has.keyID, "name": name(i)},
		)
	}
	done := 0
	for i, at := range happened {
		now := 0
		for _, each := range rotated {
			if !each.After(at) { // Each sweep begins a minute after the one before, so whole seconds tell them apart.
				now++
			}
		}
		t.Logf("%s: %d of %d are rotated", mishaps[i].name, now, many)
		if now <= done || now == many {
			t.Errorf("that is not in the middle of a sweep")
		}
		done = now
	}
	if status := operator.must("GET", "apikeys/status", nil); status.field("failed") != "0" ||
		status.field("due") != "0" {
		t.Errorf("status: %s", status.body)
	}

	// Each of the sweep's workers that a mishap stopped may leave an entry that leads nowhere; the repair finds them,
	// and then nothing more.
	const workers = 16
	for _, most := range []int{(len(mishaps) + 1) * workers, 0} {
		report := operator.must("POST", "apikeys/tidy", nil)
		strays, err := strconv.Atoi(report.field("strays"))
		if err != nil || strays > most || report.field("state") != "finished" ||
			report.field("records") != strconv.Itoa(many) ||
			report.field("failures") != "0" || report.field("ids_mended") != "0" ||
			report.field("due_mended") != "0" {
			t.Errorf("tidy: %s", report.body)
		}
	}
}
