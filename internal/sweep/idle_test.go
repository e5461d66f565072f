package sweep_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// idleAfter are the places where idle_disable_after may be set; the strictest holds.
var idleAfter = map[string]func(w *world, acme person, after any){
	"config": func(w *world, _ person, after any) { w.Root().Patch("config", fields{"idle_disable_after": after}) },
	"provider": func(w *world, _ person, after any) {
		w.SPA().Patch("admin/tenants/acme", fields{"idle_disable_after": after})
	},
	"tenant": func(_ *world, acme person, after any) { acme.Patch("my", fields{"idle_disable_after": after}) },
	"key": func(_ *world, acme person, after any) {
		acme.Patch(billing, fields{"idle_disable_after": after})
		acme.Patch(other, fields{"idle_disable_after": after})
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
				acme := w.Tenant("acme")
				if name != "key" {
					set(w, acme, "20d")
				}
				h, unused := acme.Key(billing, fields{"ttl": "360d"}), acme.Key(other, fields{"ttl": "360d"})
				if name == "key" {
					set(w, acme, "20d")
				}
				for range 7 {
					if restarting {
						w.Reload()
					}
					w.Ticking(9*day, 3*day)
					h.Finds("valid")
					w.Sweep()
				}
				unused.Finds("disabled")
				acme.Read(other).Is(fields{"state": "disabled", "reason": "not used for 20d"})
				rows := acme.Read(other + "/history").Rows("entries")
				if last := rows[len(rows)-1]; last["operation"] != "disable" || last["reason"] != "not used for 20d" ||
					last["entity_id"] != "" {
					w.T.Errorf("history: %v", last)
				}
				wait(20*day - time.Minute)
				w.Sweep()
				h.Finds("valid")
				w.Sweep()
				wait(20 * day)
				w.Sweep()
				h.Finds("disabled")
			})
		}
	}
}

// The moment is exact to the sweep's minute, both after the making and after a use, and
// enabling begins it anew.
func TestWhenUnusedKeysAreDisabled(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, fields{"idle_disable_after": "10d", "ttl": "360d"})
		disabledAfter := func(d time.Duration) {
			t.Helper()
			wait(d - time.Minute)
			w.Sweep()
			acme.Read(billing).Is(fields{"state": "active"})
			wait(time.Minute)
			w.Sweep()
			acme.Read(billing).Is(fields{"state": "disabled"})
		}
		disabledAfter(10 * day)
		wait(3 * day)
		acme.Write(billing+"/enable", nil)
		disabledAfter(10 * day)
		acme.Write(billing+"/enable", nil)
		wait(4 * day)
		h.Finds("valid")
		w.Sweep()
		disabledAfter(10 * day)
		h.Finds("disabled") // which is no use
		acme.Write(billing+"/enable", nil)
		wait(5 * day)
		acme.Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: example.com\n"})
		disabledAfter(10 * day) // without a sweep between: what was collected counts
		if n := len(w.Entries("due/")); n > 3 {
			t.Errorf("due: %v", w.Entries("due/"))
		}
	})
}

// A time that is shortened later counts from the last use, and what is over at once is
// done soon; for the mount and for tenants as soon as the walk comes by.
func TestIdleTimeShortenedLater(t *testing.T) {
	for name, set := range idleAfter {
		clocked(t, name, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(billing, fields{"ttl": "360d"})
			used := acme.Key(other, fields{"ttl": "360d"})
			set(w, acme, "90d")
			w.Sweep()
			wait(30 * day)
			h.Finds("valid")
			w.Sweep()
			wait(63 * day)
			used.Finds("valid")
			w.Sweep() // looks, and is to look again in some weeks
			set(w, acme, "40d")
			w.Ticking(2*time.Minute, time.Minute)
			if name != "key" {
				w.Ticking(13*time.Hour, 10*time.Minute)
			}
			acme.Read(billing).Is(fields{"state": "disabled", "reason": "not used for 40d"})
			acme.Read(other).Is(fields{"state": "active"})
			acme.Write(billing+"/enable", nil)
			set(w, acme, nil)
			w.Ticking(100*day, day)
			acme.Read(billing).Is(fields{"state": "active"})
		})
	}
}

// A key that is not used is disabled and not rotated, though both are due.
func TestUnusedKeysAreNotRotated(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, fields{"auto_rotate": true, "idle_disable_after": "80d"})
		wait(keyLife)
		w.Sweep()
		acme.Stands(billing, "disabled")
		w.Root().Read("status").Is(fields{"rotated": 0})
		acme.Write(billing+"/enable", nil)
		w.Sweep()
		acme.Stands(billing, "expired current")
	})
}

// Uses are seen at once, survive a restart after a tick, and are those of the version.
func TestUsesAreKept(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		uses := func(version int, first, last, from any) {
			t.Helper()
			v := acme.Read(billing).Rows("versions")[version-1]
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
			call := h.Call()
			call["client_ip"] = ip
			return call
		}
		uses(1, nil, nil, "")
		first := stamp(0)
		w.Root().Write("verify", from(h, "192.0.2.1"))
		uses(1, first, first, "192.0.2.1")
		w.Root().Write("verify", from(h, "2001:db8::1"))
		uses(1, first, first, "2001:db8::1")
		w.Sweep()
		w.Restart()
		uses(1, first, first, "2001:db8::1")
		wait(time.Hour)
		second := stamp(0)
		h.Finds("valid") // nobody says from where
		uses(1, first, second, "")
		acme.Write(billing+"/rotate", nil)
		next := acme.Current(billing)
		w.Sweep()
		w.Restart()
		uses(1, first, second, "")
		uses(2, nil, nil, "")
		wait(time.Hour)
		next.Finds("valid")
		w.Restart() // before the next tick: this one is lost, as the manual says
		uses(2, nil, nil, "")
		for _, path := range w.Entries("usage/") {
			entry, err := w.Storage.Get(t.Context(), path)
			w.Must(err)
			if strings.Contains(string(entry.Value), next.KeyID) {
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
			acme := w.Tenant("acme")
			w.Root().Patch("config", fields{"min_overlap": "10m"})
			h := acme.Key(
				billing,
				fields{"ttl": "2h", "overlap": "30m", "auto_rotate": !how.hand, "idle_disable_after": "10d"},
			)
			wait(time.Hour)
			h.Finds("valid")
			used := time.Now()
			w.Sweep()
			paths := w.Entries("usage/")
			for _, path := range paths {
				if how.damaged {
					w.Must(w.Storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte("{")}))
				}
			}
			for range 25 {
				if how.hand {
					acme.Write(billing+"/rotate", fields{"overlap": 0})
				} else {
					wait(2 * time.Hour)
					_ = w.Tick()
				}
			}
			if r := w.Record(); r.Versions[0].Number == 1 || r.Version(h.KeyID) != nil {
				t.Fatalf("%d versions", len(r.Versions))
			}
			for _, path := range paths {
				if how.damaged { // somebody takes away what is
					w.Must(w.Storage.Delete(t.Context(), path))
				}
			}
			wait(time.Until(used.Add(10*day - 2*time.Minute)))
			w.Sweep()
			acme.Read(billing).Is(fields{"state": "active"})
			wait(time.Until(used.Add(10*day + time.Minute)))
			w.Sweep()
			if !how.damaged {
				acme.Read(billing).Is(fields{"state": "disabled"})
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
				acme := w.Tenant("acme")
				w.Root().Patch("config", fields{"retention": "300d"})
				h := acme.Key(billing, fields{"idle_disable_after": "10d", "ttl": "360d"})
				w.Ticking(8*day, day)
				how.stop(acme)
				if w.Ticking(20*day, day); walks {
					w.Root().Write("tidy", nil)
					w.Sweep()
				}
				how.start(acme)
				w.Ticking(3*time.Minute, time.Minute)
				wait(10*day - 4*time.Minute)
				w.Sweep()
				acme.Read(billing).Is(fields{"state": "active"})
				wait(time.Minute)
				w.Sweep()
				acme.Read(billing).Is(fields{"state": "disabled", "reason": "not used for 10d"})
				h.Finds("disabled")
			})
		}
	}
}
