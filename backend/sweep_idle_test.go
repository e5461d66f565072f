package backend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// idleAfter are the places where idle_disable_after may be set; the strictest holds.
var idleAfter = map[string]func(w *world, acme person, after any){
	"config": func(w *world, _ person, after any) { w.root().patch("config", fields{"idle_disable_after": after}) },
	"provider": func(w *world, _ person, after any) {
		w.spa().patch("admin/tenants/acme", fields{"idle_disable_after": after})
	},
	"tenant": func(_ *world, acme person, after any) { acme.patch("my", fields{"idle_disable_after": after}) },
	"key": func(_ *world, acme person, after any) {
		acme.patch(billing, fields{"idle_disable_after": after})
		acme.patch(other, fields{"idle_disable_after": after})
	},
}

const other = "my/external/keys/other"

// A key that is not used is disabled when its time is over, with the reason; one that is
// used is not, as long as it is.
func TestSweepOfUnusedKeys(t *testing.T) {
	for name, set := range idleAfter {
		for _, restarting := range []bool{false, true} {
			row := name
			if restarting {
				row += ", restarting"
			}
			clocked(t, row, func(_ *testing.T, w *world) {
				acme := w.tenant("acme")
				if name != "key" {
					set(w, acme, "20d")
				}
				h, unused := acme.key(billing, fields{"ttl": "360d"}), acme.key(other, fields{"ttl": "360d"})
				if name == "key" {
					set(w, acme, "20d")
				}
				for range 7 {
					if restarting {
						w.reload()
					}
					w.ticking(9*day, 3*day)
					h.finds("valid")
					w.sweep()
				}
				unused.finds("disabled")
				acme.read(other).is(fields{"state": "disabled", "reason": "not used for 20d"})
				rows := acme.read(other + "/history").rows("entries")
				if last := rows[len(rows)-1]; last["operation"] != "disable" || last["reason"] != "not used for 20d" ||
					last["entity_id"] != "" {
					w.t.Errorf("history: %v", last)
				}
				wait(20*day - time.Minute)
				w.sweep()
				h.finds("valid")
				w.sweep()
				wait(20 * day)
				w.sweep()
				h.finds("disabled")
			})
		}
	}
}

// The moment is exact to the sweep's minute, both after the making and after a use, and
// enabling begins it anew.
func TestWhenUnusedKeysAreDisabled(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, fields{"idle_disable_after": "10d", "ttl": "360d"})
		disabledAfter := func(d time.Duration) {
			t.Helper()
			wait(d - time.Minute)
			w.sweep()
			acme.read(billing).is(fields{"state": "active"})
			wait(time.Minute)
			w.sweep()
			acme.read(billing).is(fields{"state": "disabled"})
		}
		disabledAfter(10 * day)
		wait(3 * day)
		acme.write(billing+"/enable", nil)
		disabledAfter(10 * day)
		acme.write(billing+"/enable", nil)
		wait(4 * day)
		h.finds("valid")
		w.sweep()
		disabledAfter(10 * day)
		h.finds("disabled") // which is no use
		acme.write(billing+"/enable", nil)
		wait(5 * day)
		acme.write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: example.com\n"})
		disabledAfter(10 * day) // without a sweep between: what was collected counts
		if n := len(w.entries("due/")); n > 3 {
			t.Errorf("due: %v", w.entries("due/"))
		}
	})
}

// A time that is shortened later counts from the last use, and what is over at once is
// done soon; for the mount and for tenants as soon as the walk comes by.
func TestIdleTimeShortenedLater(t *testing.T) {
	for name, set := range idleAfter {
		clocked(t, name, func(_ *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key(billing, fields{"ttl": "360d"})
			used := acme.key(other, fields{"ttl": "360d"})
			set(w, acme, "90d")
			w.sweep()
			wait(30 * day)
			h.finds("valid")
			w.sweep()
			wait(63 * day)
			used.finds("valid")
			w.sweep() // looks, and is to look again in some weeks
			set(w, acme, "40d")
			w.ticking(2*time.Minute, time.Minute)
			if name != "key" {
				w.ticking(13*time.Hour, 10*time.Minute)
			}
			acme.read(billing).is(fields{"state": "disabled", "reason": "not used for 40d"})
			acme.read(other).is(fields{"state": "active"})
			acme.write(billing+"/enable", nil)
			set(w, acme, nil)
			w.ticking(100*day, day)
			acme.read(billing).is(fields{"state": "active"})
		})
	}
}

// A key that is not used is disabled and not rotated, though both are due.
func TestUnusedKeysAreNotRotated(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, fields{"auto_rotate": true, "idle_disable_after": "80d"})
		wait(keyLife)
		w.sweep()
		acme.stands(billing, "disabled")
		w.root().read("status").is(fields{"rotated": 0})
		acme.write(billing+"/enable", nil)
		w.sweep()
		acme.stands(billing, "expired current")
	})
}

// Uses are seen at once, survive a restart after a tick, and are those of the version.
func TestUsesAreKept(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		uses := func(version int, first, last, from any) {
			t.Helper()
			v := acme.read(billing).rows("versions")[version-1]
			if v["first_used_at"] != first || v["last_used_at"] != last || v["last_used_ip"] != from {
				t.Errorf(
					"version %d: used %v to %v from %v, want %v to %v from %v",
					version,
					v["first_used_at"],
					v["last_used_at"],
					v["last_used_ip"],
					first,
					last,
					from,
				)
			}
		}
		from := func(h holder, ip string) fields {
			call := h.call()
			call["client_ip"] = ip
			return call
		}
		uses(1, nil, nil, "")
		first := stamp(0)
		w.root().write("verify", from(h, "192.0.2.1"))
		uses(1, first, first, "192.0.2.1")
		w.root().write("verify", from(h, "2001:db8::1"))
		uses(1, first, first, "2001:db8::1")
		w.sweep()
		w.restart()
		uses(1, first, first, "2001:db8::1")
		wait(time.Hour)
		second := stamp(0)
		h.finds("valid") // nobody says from where
		uses(1, first, second, "")
		acme.write(billing+"/rotate", nil)
		next := acme.next(billing)
		w.sweep()
		w.restart()
		uses(1, first, second, "")
		uses(2, nil, nil, "")
		wait(time.Hour)
		next.finds("valid")
		w.restart() // before the next tick: this one is lost, as the manual says
		uses(2, nil, nil, "")
		for _, path := range w.entries("usage/") {
			entry, err := w.storage.Get(t.Context(), path)
			w.must(err)
			if strings.Contains(string(entry.Value), next.keyID) {
				t.Errorf("%s", entry.Value)
			}
		}
	})
}

// A key whose use is one of a version that is on record no more is not disabled before its time is over: neither where
// it is rotated by hand, nor by schedule, nor where what is known of uses is damaged.
func TestUsesOfVersionsThatAreOnRecordNoMore(t *testing.T) {
	for name, how := range map[string]struct{ hand, damaged bool }{
		"by hand": {true, false}, "by schedule": {false, false},
		"by hand, damaged": {true, true}, "by schedule, damaged": {false, true},
	} {
		clocked(t, name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			w.root().patch("config", fields{"min_overlap": "10m"})
			h := acme.key(
				billing,
				fields{"ttl": "2h", "overlap": "30m", "auto_rotate": !how.hand, "idle_disable_after": "10d"},
			)
			wait(time.Hour)
			h.finds("valid")
			used := time.Now()
			w.sweep()
			paths := w.entries("usage/")
			for _, path := range paths {
				if how.damaged {
					w.must(w.storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte("{")}))
				}
			}
			for range 25 {
				if how.hand {
					acme.write(billing+"/rotate", fields{"overlap": 0})
				} else {
					wait(2 * time.Hour)
					_ = w.tick()
				}
			}
			if r := w.record(); r.Versions[0].Number == 1 || r.Version(h.keyID) != nil {
				t.Fatalf("%d versions", len(r.Versions))
			}
			for _, path := range paths {
				if how.damaged { // somebody takes away what is
					w.must(w.storage.Delete(t.Context(), path))
				}
			}
			wait(time.Until(used.Add(10*day - 2*time.Minute)))
			w.sweep()
			acme.read(billing).is(fields{"state": "active"})
			wait(time.Until(used.Add(10*day + time.Minute)))
			w.sweep()
			if !how.damaged {
				acme.read(billing).is(fields{"state": "disabled"})
			}
		})
	}
}

// While a tenant is suspended none of its keys is disabled for not being used, nor when it comes back: their time
// begins anew then.
func TestIdleTimeOfSuspendedTenants(t *testing.T) {
	for name, how := range stopped {
		if !strings.Contains(name, "tenant") {
			continue
		}
		for _, walks := range []bool{false, true} {
			clocked(t, fmt.Sprintf("%s, walks %t", name, walks), func(_ *testing.T, w *world) {
				acme := w.tenant("acme")
				w.root().patch("config", fields{"retention": "300d"})
				h := acme.key(billing, fields{"idle_disable_after": "10d", "ttl": "360d"})
				w.ticking(8*day, day)
				how.stop(acme)
				if w.ticking(20*day, day); walks {
					w.root().write("tidy", nil)
					w.sweep()
				}
				how.start(acme)
				w.ticking(3*time.Minute, time.Minute)
				wait(10*day - 4*time.Minute)
				w.sweep()
				acme.read(billing).is(fields{"state": "active"})
				wait(time.Minute)
				w.sweep()
				acme.read(billing).is(fields{"state": "disabled", "reason": "not used for 10d"})
				h.finds("disabled")
			})
		}
	}
}
