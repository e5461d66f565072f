package sweep_test

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
				acme := w.Tenant("acme")
				first := acme.Key(billing, scheduled)
				w.Sweep()
				due := instant(acme.Read(billing).Str("next_rotation"))
				wait(time.Until(due) + late)
				if restarted {
					w.Restart()
				}
				w.Sweep()
				now := time.Now()
				w.Ticking(3*time.Hour, time.Minute)
				if n := len(acme.Read(billing).Rows("versions")); n != 2 {
					t.Fatalf("%d versions", n)
				}
				second := acme.Current(billing)
				second.Finds("valid")
				a := acme.Read(billing)
				a.Is(fields{"last_rotation": now.UTC().Format(time.RFC3339)})
				if left := instant(a.Str("next_rotation")).Sub(now); left > keyLife-rotateLap ||
					left < keyLife-rotateLead {
					t.Errorf("again in %s", left)
				}
				switch {
				case late < rotateLap-3*time.Hour: // within the life of the old one, and with all of its overlap
					first.Finds("valid")
				case late < rotateLead+retained-3*time.Hour:
					first.Finds("expired")
				default:
					first.Finds("unknown_key")
				}
			})
		}
	}
}

// stopped are the ways to keep a key from being rotated, and to let it again.
var stopped = map[string]struct{ stop, start func(acme person) }{
	"disabled key": {
		func(acme person) { acme.Write(billing+"/disable", nil) },
		func(acme person) { acme.Write(billing+"/enable", nil) },
	},
	"suspended tenant": {
		func(acme person) { acme.W.SPA().Write("admin/tenants/acme/suspend", nil) },
		func(acme person) { acme.W.SPA().Write("admin/tenants/acme/resume", nil) },
	},
	"deleted key": {
		func(acme person) {
			acme.W.Root().Patch("config", fields{"retention": "300d"})
			acme.Remove(billing)
		},
		func(acme person) { acme.Write(billing+"/restore", nil); acme.Write(billing+"/enable", nil) },
	},
	"deleted tenant": {
		func(acme person) {
			acme.W.Root().Patch("config", fields{"retention": "300d"})
			acme.W.SPA().Remove("admin/tenants/acme")
		},
		func(acme person) { acme.W.SPA().Write("admin/tenants/acme/restore", nil) },
	},
	"auto_rotate off": {
		func(acme person) { acme.Patch(billing, fields{"auto_rotate": false}) },
		func(acme person) { acme.Patch(billing, fields{"auto_rotate": true}) },
	},
}

// What is stopped is not rotated, however often its time comes by, and rotates once when
// it is let again: at once if its time has passed, and else when that comes.
func TestRotationOfWhatWasStopped(t *testing.T) {
	for name, how := range stopped {
		for what, stopping := range map[string]time.Duration{"over the rotation": 150 * day, "before it": 40 * day} {
			clocked(t, name+" "+what, func(t *testing.T, w *world) {
				acme := w.Tenant("acme")
				acme.Key(billing, scheduled)
				acme.Key("my/external/keys/other", nil)
				wait(30 * day)
				w.Sweep()
				how.stop(acme)
				w.Ticking(stopping/2, 12*time.Hour)
				w.Restart()
				w.Ticking(stopping/2, 12*time.Hour)
				if n := w.Record().Newest().Number; n != 1 {
					t.Fatalf("%d versions while stopped", n)
				}
				how.start(acme)
				wait(time.Minute)
				w.Sweep() // has the keys of a tenant looked for
				wait(time.Minute)
				w.Sweep()
				if stopping == 40*day {
					acme.Stands(billing, "current")
					until(acme.Read(billing).Str("next_rotation"))
					w.Sweep()
				}
				w.Ticking(rotateLap-time.Hour, time.Hour)
				if n := w.Record().Newest().Number; n != 2 {
					t.Errorf("%d versions: %s", n, acme.States(billing))
				}
				acme.Current(billing).Finds("valid")
			})
		}
	}
}

// A rotation by hand moves the schedule, which then counts from the new version.
func TestRotatingByHandMovesTheSchedule(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, scheduled)
		was := instant(acme.Read(billing).Str("next_rotation"))
		wait(60 * day)
		w.Sweep()
		by := time.Now()
		acme.Write(billing+"/rotate", nil)
		next := instant(acme.Read(billing).Str("next_rotation"))
		if lead := by.Add(keyLife).Sub(next); lead < rotateLap || lead > rotateLead {
			t.Errorf("rotates %s before the end", lead)
		}
		for _, at := range []time.Time{was, next.Add(-time.Minute)} {
			wait(time.Until(at))
			w.Sweep()
			if n := w.Record().Newest().Number; n != 2 {
				t.Errorf("%s: version %d", at, n)
			}
		}
		wait(time.Minute)
		w.Sweep()
		if n := w.Record().Newest().Number; n != 3 {
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
			w.Root().Patch("config", fields{"external_max_ttl": "10d", "external_default_ttl": "10d"})
		}, 10 * day},
		{
			"the provider's max_ttl",
			func(w *world, _ person) { w.SPA().Patch("admin/tenants/acme", fields{"max_ttl": "2d"}) }, 2 * day,
		},
		{"the tenant's max_ttl", func(_ *world, acme person) { acme.Patch("my", fields{"max_ttl": "1h"}) }, time.Hour},
		{
			"config's min_overlap", func(w *world, _ person) { w.Root().Patch("config", fields{"min_overlap": "30d"}) },
			keyLife,
		},
		{"max_versions", func(w *world, _ person) { w.Root().Patch("config", fields{"max_versions": 1}) }, keyLife},
		{"max_keys", func(w *world, _ person) { w.Root().Patch("config", fields{"max_keys": 1}) }, keyLife},
	} {
		clocked(t, row.name, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			acme.Key("my/external/keys/other", nil)
			acme.Key(billing, scheduled)
			row.lower(w, acme)
			until(acme.Read(billing).Str("next_rotation"))
			w.Sweep()
			acme.Stands(billing, "overlapping current")
			acme.Read(billing).Is(fields{"rotation_error": "", "rotation_failures": 0, "ttl": int(keyLife.Seconds())})
			v := w.Record().Newest()
			if life := v.ExpiresAt.Sub(v.IssuedAt); life != row.life {
				t.Errorf("the new version lives %s", life)
			}
			// With the short life the schedule goes on: at half of it, where the overlap does not fit.
			for range 3 {
				last := w.Record().Newest()
				until(acme.Read(billing).Str("next_rotation"))
				wait(time.Minute)
				w.Sweep()
				if v := w.Record().Newest(); v.Number != last.Number+1 || v.IssuedAt.After(last.ExpiresAt) {
					t.Errorf("version %d of %s after one that ended %s", v.Number, v.IssuedAt, last.ExpiresAt)
				}
			}
			w.Root().Read("status").Is(fields{"failed": 0})
		})
	}
}

// What is changed about a key of a suspended tenant comes into force in time, though a
// rotation that waits for the tenant comes first; but to be disabled waits for the tenant too.
func TestChangesWhileSuspended(t *testing.T) {
	clocked(t, "an end", func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		first := acme.Key(billing, scheduled)
		acme.Patch(billing, fields{"ttl": "10d", "overlap": "5d"})
		acme.Write(billing+"/rotate", fields{"overlap": "30d"})
		w.SPA().Write("admin/tenants/acme/suspend", nil)
		wait(6 * day)
		w.Sweep()
		acme.Write(billing+"/revoke", fields{"key_id": first.KeyID})
		wait(retained - time.Minute)
		w.Sweep()
		acme.Stands(billing, "revoked expired")
		wait(time.Minute)
		w.Sweep()
		acme.Stands(billing, "destroyed expired")
	})
	clocked(t, "an idle time", func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Key(billing, scheduled)
		w.SPA().Write("admin/tenants/acme/suspend", nil)
		wait(84 * day)
		w.Sweep()
		acme.Patch(billing, fields{"idle_disable_after": "2017h"}) // an hour more
		w.Ticking(2*time.Hour, time.Hour)
		acme.Stands(billing, "current")
		acme.Patch(billing, fields{"idle_disable_after": "1h"})
		w.Ticking(2*time.Hour, time.Minute)
		acme.Stands(billing, "current")
		w.SPA().Write("admin/tenants/acme/resume", nil)
		w.Ticking(59*time.Minute, time.Minute)
		acme.Stands(billing, "overlapping current")
		wait(time.Minute)
		w.Sweep()
		acme.Stands(billing, "disabled disabled")
	})
}
