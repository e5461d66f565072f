package backend_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// What another node has written is seen after its Invalidate, and never lost to a read
// that was under way.
func TestInvalidate(t *testing.T) {
	for _, row := range []struct {
		name    string
		path    string // in storage
		change  func(w *world, acme person)
		verdict string
	}{
		{
			"key", "keys/acme/external/billing", func(_ *world, acme person) { acme.write(billing+"/revoke", nil) },
			"revoked",
		},
		{
			"tenant", "tenants/acme", func(w *world, _ person) { w.spa().write("admin/tenants/acme/suspend", nil) },
			"tenant_suspended",
		},
		{
			"config", "config", func(w *world, _ person) { w.root().write("config", fields{"window_past": 5}) },
			"too_old",
		},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key(billing, nil)
			wait(time.Minute)
			call := h.callAt(time.Now().Add(-10 * time.Second))
			call["replay_check"] = false
			ours, theirs := w.engine, w.node()
			if got := w.verdict(call); got != "valid" {
				t.Fatal(got)
			}
			w.engine = theirs
			row.change(w, acme)
			w.engine = ours
			if got := w.verdict(call); got != "valid" {
				t.Fatalf("not cached: %s", got)
			}
			ours.InvalidateKey(context.Background(), row.path)
			if got := w.verdict(call); got != row.verdict {
				t.Errorf("after Invalidate: %s", got)
			}
		})
	}
}

// The load reads the old record; then another node writes and Invalidate comes; then the
// load ends. What it has read holds no more, and must not stay.
func TestInvalidateDuringALoad(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		ours, theirs := w.node(), w.engine
		done := false
		w.storage.hooks(nil, func(verb, path string) error {
			if verb == get && strings.HasPrefix(path, "keys/") && !done {
				done = true
				w.engine = theirs
				acme.write(billing+"/revoke", nil)
				w.engine = ours
				ours.InvalidateKey(context.Background(), path)
			}
			return nil
		})
		w.engine = ours
		h.finds("revoked")
		if h.finds("revoked"); !done {
			t.Error("nothing was read")
		}
	})
}

// A key ID that nobody has is remembered for a while, and forgotten when one gets it.
func TestUnknownKeyThatComesToBe(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		ours, theirs := w.node(), w.engine
		h := acme.key(billing, nil)
		path := "ids/" + h.keyID
		entry, err := w.storage.Get(context.Background(), path)
		w.must(err)
		w.must(w.storage.Delete(context.Background(), path))
		w.engine = ours
		h.finds("unknown_key")
		w.must(w.storage.Put(context.Background(), entry))
		h.finds("unknown_key")
		ours.InvalidateKey(context.Background(), path)
		h.finds("valid")
		w.engine = theirs
		h.finds("valid")
	})
}

// More keys than the cache holds are judged just as well.
func TestSmallCache(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		var held []holder
		for i := range 150 {
			held = append(held, acme.key(fmt.Sprintf("my/external/keys/k%03d", i), nil))
		}
		w.root().write("config", fields{"cache_entries": 100})
		for range 2 {
			cold := w.cost(func() {
				for _, h := range held {
					h.finds("valid")
				}
			}).Gets
			if cold == 0 || cold > 300 {
				t.Errorf("%d gets for 150 keys in a cache of 100", cold)
			}
		}
		w.root().write("config", fields{"cache_entries": 1000})
		for _, h := range held {
			h.finds("valid")
		}
		w.cost(func() {
			for _, h := range held {
				h.finds("valid")
			}
		}).atMost(t, "in a cache that is large enough", cost{}, 0)
	})
}
