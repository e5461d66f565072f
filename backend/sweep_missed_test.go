package backend_test

import (
	"testing"
	"time"
)

// However long nobody has ticked, and with or without a restart, there is exactly one
// rotation at the first tick after.
func TestMissedRotations(t *testing.T) {
	for _, late := range []time.Duration{
		time.Minute, 90 * time.Minute, 3 * time.Hour, 2 * day, rotateLap + day, 200 * day, 3 * 365 * day,
	} {
		for _, restarted := range []bool{false, true} {
			name := late.String()
			if restarted {
				name += ", restarted"
			}
			clocked(t, name, func(t *testing.T, w *world) {
				acme := w.tenant("acme")
				first := acme.key(billing, scheduled)
				w.sweep()
				due := instant(acme.read(billing).str("next_rotation"))
				wait(time.Until(due) + late)
				if restarted {
					w.restart()
				}
				w.sweep()
				now := time.Now()
				w.ticking(3*time.Hour, time.Minute)
				if n := len(acme.read(billing).rows("versions")); n != 2 {
					t.Fatalf("%d versions", n)
				}
				second := acme.next(billing)
				second.finds("valid")
				a := acme.read(billing)
				a.is(fields{"last_rotation": now.UTC().Format(time.RFC3339)})
				if left := instant(a.str("next_rotation")).Sub(now); left > keyLife-rotateLap ||
					left < keyLife-rotateLead {
					t.Errorf("again in %s", left)
				}
				switch {
				case late < rotateLap-3*time.Hour: // within the life of the old one, and with all of its overlap
					first.finds("valid")
				case late < rotateLead+retained-3*time.Hour:
					first.finds("expired")
				default:
					first.finds("unknown_key")
				}
			})
		}
	}
}

// stopped are the ways to keep a key from being rotated, and to let it again.
var stopped = map[string]struct{ stop, start func(acme person) }{
	"disabled key": {
		func(acme person) { acme.write(billing+"/disable", nil) },
		func(acme person) { acme.write(billing+"/enable", nil) },
	},
	"suspended tenant": {
		func(acme person) { acme.w.spa().write("admin/tenants/acme/suspend", nil) },
		func(acme person) { acme.w.spa().write("admin/tenants/acme/resume", nil) },
	},
	"deleted key": {
		func(acme person) {
			acme.w.root().patch("config", fields{"retention": "300d"})
			acme.remove(billing)
		},
		func(acme person) { acme.write(billing+"/restore", nil); acme.write(billing+"/enable", nil) },
	},
	"deleted tenant": {
		func(acme person) {
			acme.w.root().patch("config", fields{"retention": "300d"})
			acme.w.spa().remove("admin/tenants/acme")
		},
		func(acme person) { acme.w.spa().write("admin/tenants/acme/restore", nil) },
	},
	"auto_rotate off": {
		func(acme person) { acme.patch(billing, fields{"auto_rotate": false}) },
		func(acme person) { acme.patch(billing, fields{"auto_rotate": true}) },
	},
}

// What is stopped is not rotated, however often its time comes by, and rotates once when
// it is let again: at once if its time has passed, and else when that comes.
func TestRotationOfWhatWasStopped(t *testing.T) {
	for name, how := range stopped {
		for what, stopping := range map[string]time.Duration{"over the rotation": 150 * day, "before it": 40 * day} {
			clocked(t, name+" "+what, func(t *testing.T, w *world) {
				acme := w.tenant("acme")
				acme.key(billing, scheduled)
				acme.key("my/external/keys/other", nil)
				wait(30 * day)
				w.sweep()
				how.stop(acme)
				w.ticking(stopping/2, 12*time.Hour)
				w.restart()
				w.ticking(stopping/2, 12*time.Hour)
				if n := w.record().Newest().Number; n != 1 {
					t.Fatalf("%d versions while stopped", n)
				}
				how.start(acme)
				wait(time.Minute)
				w.sweep() // has the keys of a tenant looked for
				wait(time.Minute)
				w.sweep()
				if stopping == 40*day {
					acme.stands(billing, "current")
					until(acme.read(billing).str("next_rotation"))
					w.sweep()
				}
				w.ticking(rotateLap-time.Hour, time.Hour)
				if n := w.record().Newest().Number; n != 2 {
					t.Errorf("%d versions: %s", n, acme.states(billing))
				}
				acme.next(billing).finds("valid")
			})
		}
	}
}

// A rotation by hand moves the schedule, which then counts from the new version.
func TestRotatingByHandMovesTheSchedule(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, scheduled)
		was := instant(acme.read(billing).str("next_rotation"))
		wait(60 * day)
		w.sweep()
		by := time.Now()
		acme.write(billing+"/rotate", nil)
		next := instant(acme.read(billing).str("next_rotation"))
		if lead := by.Add(keyLife).Sub(next); lead < rotateLap || lead > rotateLead {
			t.Errorf("rotates %s before the end", lead)
		}
		for _, at := range []time.Time{was, next.Add(-time.Minute)} {
			wait(time.Until(at))
			w.sweep()
			if n := w.record().Newest().Number; n != 2 {
				t.Errorf("%s: version %d", at, n)
			}
		}
		wait(time.Minute)
		w.sweep()
		if n := w.record().Newest().Number; n != 3 {
			t.Errorf("version %d", n)
		}
	})
}

// No limit stops a rotation that is due; a cap lowered meanwhile cuts the new life.
func TestLimitsNeverStopTheSchedule(t *testing.T) {
	for _, row := range []struct {
		name  string
		lower func(w *world, acme person)
		life  time.Duration
	}{
		{"config's max_ttl", func(w *world, _ person) {
			w.root().patch("config", fields{"external_max_ttl": "10d", "external_default_ttl": "10d"})
		}, 10 * day},
		{
			"the provider's max_ttl",
			func(w *world, _ person) { w.spa().patch("admin/tenants/acme", fields{"max_ttl": "2d"}) }, 2 * day,
		},
		{"the tenant's max_ttl", func(_ *world, acme person) { acme.patch("my", fields{"max_ttl": "1h"}) }, time.Hour},
		{
			"config's min_overlap", func(w *world, _ person) { w.root().patch("config", fields{"min_overlap": "30d"}) },
			keyLife,
		},
		{"max_versions", func(w *world, _ person) { w.root().patch("config", fields{"max_versions": 1}) }, keyLife},
		{"max_keys", func(w *world, _ person) { w.root().patch("config", fields{"max_keys": 1}) }, keyLife},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			acme.key("my/external/keys/other", nil)
			acme.key(billing, scheduled)
			row.lower(w, acme)
			until(acme.read(billing).str("next_rotation"))
			w.sweep()
			acme.stands(billing, "overlapping current")
			acme.read(billing).is(fields{"rotation_error": "", "rotation_failures": 0, "ttl": int(keyLife.Seconds())})
			v := w.record().Newest()
			if life := v.ExpiresAt.Sub(v.IssuedAt); life != row.life {
				t.Errorf("the new version lives %s", life)
			}
			// With the short life the schedule goes on: at half of it, where the overlap does not fit.
			for range 3 {
				last := w.record().Newest()
				until(acme.read(billing).str("next_rotation"))
				wait(time.Minute)
				w.sweep()
				if v := w.record().Newest(); v.Number != last.Number+1 || v.IssuedAt.After(last.ExpiresAt) {
					t.Errorf("version %d of %s after one that ended %s", v.Number, v.IssuedAt, last.ExpiresAt)
				}
			}
			w.root().read("status").is(fields{"failed": 0})
		})
	}
}

// What is changed about a key of a suspended tenant comes into force in time, though a
// rotation that waits for the tenant comes first; but to be disabled waits for the tenant too.
func TestChangesWhileSuspended(t *testing.T) {
	clocked(t, "an end", func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		first := acme.key(billing, scheduled)
		acme.patch(billing, fields{"ttl": "10d", "overlap": "5d"})
		acme.write(billing+"/rotate", fields{"overlap": "30d"})
		w.spa().write("admin/tenants/acme/suspend", nil)
		wait(6 * day)
		w.sweep()
		acme.write(billing+"/revoke", fields{"key_id": first.keyID})
		wait(retained - time.Minute)
		w.sweep()
		acme.stands(billing, "revoked expired")
		wait(time.Minute)
		w.sweep()
		acme.stands(billing, "destroyed expired")
	})
	clocked(t, "an idle time", func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.key(billing, scheduled)
		w.spa().write("admin/tenants/acme/suspend", nil)
		wait(84 * day)
		w.sweep()
		acme.patch(billing, fields{"idle_disable_after": "2017h"}) // an hour more
		w.ticking(2*time.Hour, time.Hour)
		acme.stands(billing, "current")
		acme.patch(billing, fields{"idle_disable_after": "1h"})
		w.ticking(2*time.Hour, time.Minute)
		acme.stands(billing, "current")
		w.spa().write("admin/tenants/acme/resume", nil)
		w.ticking(59*time.Minute, time.Minute)
		acme.stands(billing, "overlapping current")
		wait(time.Minute)
		w.sweep()
		acme.stands(billing, "disabled disabled")
	})
}
