package sweep_test

import (
	"strings"
	"testing"
	"time"
)

// Each step of a version's life, at its moment and not before.
func TestSweepOfAVersionsLife(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		first := acme.Key(billing, scheduled)
		born := time.Now()
		w.Sweep()
		due := instant(acme.Read(billing).Str("next_rotation"))
		if lead := born.Add(keyLife).Sub(due); lead < rotateLap || lead > rotateLead {
			t.Errorf("rotates %s before the end", lead)
		}

		wait(time.Until(due) - time.Second)
		w.Sweep()
		acme.Stands(billing, "current")
		wait(time.Second)
		w.Sweep()
		acme.Stands(billing, "overlapping current")
		acme.Read(billing).
			Is(fields{"last_rotation": due.Format(time.RFC3339), "rotation_error": "", "unrevealed": true})
		second := acme.Current(billing)
		first.Finds("valid")
		second.Finds("valid")
		w.Root().Write("verify", first.Call()).Is(fields{"state": "overlapping", "successor_key_id": second.KeyID})
		w.Root().Read("status").Is(fields{"rotated": 1, "failed": 0, "erased": 0, "due": 0})

		w.Ticking(rotateLap-time.Second, 6*time.Hour)
		first.Finds("valid")
		wait(time.Second)
		first.Finds("expired")
		w.Sweep()
		first.Finds("expired")
		acme.Stands(billing, "expired current")

		wait(retained - time.Second)
		w.Sweep()
		first.Finds("expired")
		wait(time.Second)
		w.Sweep()
		first.Finds("unknown_key")
		acme.Stands(billing, "destroyed current")
		second.Finds("valid")
		w.Root().Read("status").Is(fields{"rotated": 1, "erased": 1})
		if k := w.Record(); !k.Versions[0].Secret.Erased() || k.Versions[1].Secret.Erased() {
			t.Error("the secret in storage is not what the answers say")
		}
	})
}

// A key that looks after itself for some years: at any moment a client that fetches the
// secret now and then is served, a secret lives no longer than its ttl, and the record
// keeps twenty ended versions.
func TestSweepOverYears(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		const life, step = 30 * day, day
		all := []holder{acme.Key(billing, fields{"auto_rotate": true, "ttl": "30d", "overlap": "7d"})}
		born := []time.Time{time.Now()}
		for range 2 * 365 * day / step {
			wait(step)
			w.Sweep()
			if a := acme.Read(billing); a.Str("current_key_id") != all[len(all)-1].KeyID {
				all, born = append(all, acme.Current(billing)), append(born, time.Now())
				apart := born[len(born)-1].Sub(born[len(born)-2])
				if apart < life-rotateLead-step || apart > life-rotateLap+step {
					t.Fatalf("rotations %s apart", apart)
				}
				all[len(all)-1].Finds("valid")
				all[len(all)-2].Finds("valid")
			}
		}
		if n := len(all); n < 30 || n > 33 {
			t.Fatalf("%d versions in two years", n)
		}
		for i, h := range all {
			switch age := time.Since(born[i]); {
			case age > life+retained+step:
				h.Finds("unknown_key")
			case age < life-rotateLead+rotateLap-step:
				h.Finds("valid")
			}
		}
		ended := strings.Count(acme.States(billing), "destroyed") + strings.Count(acme.States(billing), "expired")
		if ended < 20 || ended > 21 { // twenty when it was rotated last, and one has ended since
			t.Errorf("%d ended versions are kept: %s", ended, acme.States(billing))
		}
		w.Root().Write("tidy", nil).Is(fields{"failures": 0, "ids_mended": 0})
		if ids, kept := len(w.Entries("ids/")), len(acme.Read(billing).Rows("versions")); ids != kept {
			t.Errorf("%d key IDs lead to %d versions", ids, kept)
		}
		if n := len(w.Entries("due/")); n != 1 {
			t.Errorf("due: %v", w.Entries("due/"))
		}
	})
}

// A key made by hand is never rotated, and its secret goes as well.
func TestSweepLeavesKeysThatRotateByHand(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		for _, step := range []struct {
			after         time.Duration
			state, verify string
		}{
			{keyLife - time.Minute, "current", "valid"},
			{time.Minute, "expired", "expired"},
			{retained - time.Second, "expired", "expired"},
			{time.Second, "destroyed", "unknown_key"},
			{365 * day, "destroyed", "unknown_key"},
		} {
			wait(step.after)
			w.Sweep()
			acme.Stands(billing, step.state)
			h.Finds(step.verify)
		}
		if n := len(w.Entries("due/")); n != 0 {
			t.Errorf("still to do: %v", w.Entries("due/"))
		}
		acme.Write(billing+"/rotate", nil)
		acme.Stands(billing, "destroyed current")
	})
}

// What is revoked keeps its secret for the retention too, and the schedule ends with it.
func TestSweepOfWhatIsRevoked(t *testing.T) {
	for name, version := range map[string]bool{"the current version": true, "the key": false} {
		clocked(t, name, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			h := acme.Key(billing, scheduled)
			acme.Write(billing+"/rotate", nil)
			second := acme.Current(billing)
			what := fields{}
			if version {
				what["key_id"] = second.KeyID
			}
			acme.Write(billing+"/revoke", what)
			wait(retained - time.Second)
			w.Sweep()
			second.Finds("revoked")
			wait(time.Second)
			w.Sweep()
			second.Finds("unknown_key")
			w.Ticking(200*day, 5*day)
			h.Finds("unknown_key")
			acme.Stands(billing, "destroyed destroyed")
			w.Root().Read("status").Is(fields{"rotated": 0, "erased": 2, "failed": 0})
			if version { // somebody rotates by hand, and the schedule goes on
				acme.Write(billing+"/rotate", nil)
				w.Ticking(keyLife, day)
				acme.Stands(billing, "destroyed destroyed expired current")
			}
		})
	}
}
