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
			"key", "keys/acme/external/billing", func(_ *world, acme person) { acme.Write(billing+"/revoke", nil) },
			"revoked",
		},
		{
			"tenant", "tenants/acme", func(w *world, _ person) { w.SPA().Write("admin/tenants/acme/suspend", nil) },
			"tenant_suspended",
		},
		{
			"config", "config", func(w *world, _ person) { w.Root().Write("config", fields{"window_past": 5}) },
			"too_old",
		},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(billing, nil)
			wait(time.Minute)
			call := h.CallAt(time.Now().Add(-10 * time.Second))
			call["replay_check"] = false
			ours, theirs := w.Engine, w.Node()
			if got := w.Verdict(call); got != "valid" {
				t.Fatal(got)
			}
			w.Engine = theirs
			row.change(w, acme)
			w.Engine = ours
			if got := w.Verdict(call); got != "valid" {
				t.Fatalf("not cached: %s", got)
			}
			ours.InvalidateKey(context.Background(), row.path)
			if got := w.Verdict(call); got != row.verdict {
				t.Errorf("after Invalidate: %s", got)
			}
		})
	}
}

// The load reads the old record; then another node writes and Invalidate comes; then the
// load ends. What it has read holds no more, and must not stay.
func TestInvalidateDuringALoad(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		ours, theirs := w.Node(), w.Engine
		done := false
		w.Storage.Hooks(nil, func(verb, path string) error {
			if verb == get && strings.HasPrefix(path, "keys/") && !done {
				done = true
				w.Engine = theirs
				acme.Write(billing+"/revoke", nil)
				w.Engine = ours
				ours.InvalidateKey(context.Background(), path)
			}
			return nil
		})
		w.Engine = ours
		h.Finds("revoked")
		if h.Finds("revoked"); !done {
			t.Error("nothing was read")
		}
	})
}

// A key ID that nobody has is remembered for a while, and forgotten when one gets it.
func TestUnknownKeyThatComesToBe(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		ours, theirs := w.Node(), w.Engine
		h := acme.Key(billing, nil)
		path := "ids/" + h.KeyID
		entry, err := w.Storage.Get(context.Background(), path)
		w.Must(err)
		w.Must(w.Storage.Delete(context.Background(), path))
		w.Engine = ours
		h.Finds("unknown_key")
		w.Must(w.Storage.Put(context.Background(), entry))
		h.Finds("unknown_key")
		ours.InvalidateKey(context.Background(), path)
		h.Finds("valid")
		w.Engine = theirs
		h.Finds("valid")
	})
}

// More keys than the cache holds are judged just as well.
func TestSmallCache(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		var held []holder
		for i := range 150 {
			held = append(held, acme.Key(fmt.Sprintf("my/external/keys/k%03d", i), nil))
		}
		w.Root().Write("config", fields{"cache_entries": 100})
		for range 2 {
			cold := w.Cost(func() {
				for _, h := range held {
					h.Finds("valid")
				}
			}).Gets
			if cold == 0 || cold > 300 {
				t.Errorf("%d gets for 150 keys in a cache of 100", cold)
			}
		}
		w.Root().Write("config", fields{"cache_entries": 1000})
		for _, h := range held {
			h.Finds("valid")
		}
		w.Cost(func() {
			for _, h := range held {
				h.Finds("valid")
			}
		}).AtMost(t, "in a cache that is large enough", cost{}, 0)
	})
}
