package backend_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	day        = 24 * time.Hour
	rotateLap  = 7 * day // the overlap of the default settings
	rotateLead = rotateLap + rotateLap/10
)

// scheduled are the settings of a key that the schedule rotates.
var scheduled = fields{"auto_rotate": true}

// sweep ticks, and nothing may fail.
func (w *world) sweep() {
	w.t.Helper()
	w.must(w.tick())
}

// ticking lets a while pass with a tick every so often.
func (w *world) ticking(while, every time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(while); time.Now().Before(end); {
		wait(min(every, time.Until(end)))
		w.sweep()
	}
}

// until waits for a time that an answer tells.
func until(stamp string) { wait(time.Until(instant(stamp))) }

func instant(stamp string) time.Time {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		panic(err)
	}
	return at
}

// states returns the states of a key's versions, oldest first.
func (p person) states(path string) string {
	p.w.t.Helper()
	var all []string
	for _, v := range p.read(path).rows("versions") {
		all = append(all, v["state"].(string))
	}
	return strings.Join(all, " ")
}

// stands checks the states of a key's versions, oldest first.
func (p person) stands(path, want string) {
	p.w.t.Helper()
	if got := p.states(path); got != want {
		p.w.t.Errorf("%s: %s, want %s", path, got, want)
	}
}

// next reveals the current secret of a key.
func (p person) next(path string) holder {
	p.w.t.Helper()
	return p.write(path+"/reveal", nil).holder(p.w)
}

// entries returns the storage paths under a prefix.
func (w *world) entries(prefixes ...string) []string {
	w.t.Helper()
	return slices.DeleteFunc(w.all(), func(path string) bool {
		return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
	})
}

// Each step of a version's life, at its moment and not before.
func TestSweepOfAVersionsLife(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		first := acme.key(billing, scheduled)
		born := time.Now()
		w.sweep()
		due := instant(acme.read(billing).str("next_rotation"))
		if lead := born.Add(keyLife).Sub(due); lead < rotateLap || lead > rotateLead {
			t.Errorf("rotates %s before the end", lead)
		}

		wait(time.Until(due) - time.Second)
		w.sweep()
		acme.stands(billing, "current")
		wait(time.Second)
		w.sweep()
		acme.stands(billing, "overlapping current")
		acme.read(billing).
			is(fields{"last_rotation": due.Format(time.RFC3339), "rotation_error": "", "unrevealed": true})
		second := acme.next(billing)
		first.finds("valid")
		second.finds("valid")
		w.root().write("verify", first.call()).is(fields{"state": "overlapping", "successor_key_id": second.keyID})
		w.root().read("status").is(fields{"rotated": 1, "failed": 0, "erased": 0, "due": 0})

		w.ticking(rotateLap-time.Second, 6*time.Hour)
		first.finds("valid")
		wait(time.Second)
		first.finds("expired")
		w.sweep()
		first.finds("expired")
		acme.stands(billing, "expired current")

		wait(retained - time.Second)
		w.sweep()
		first.finds("expired")
		wait(time.Second)
		w.sweep()
		first.finds("unknown_key")
		acme.stands(billing, "destroyed current")
		second.finds("valid")
		w.root().read("status").is(fields{"rotated": 1, "erased": 1})
		if k := w.record(); !k.Versions[0].Secret.Erased() || k.Versions[1].Secret.Erased() {
			t.Error("the secret in storage is not what the answers say")
		}
	})
}

// A key that looks after itself for some years: at any moment a client that fetches the
// secret now and then is served, a secret lives no longer than its ttl, and the record
// keeps twenty ended versions.
func TestSweepOverYears(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		const life, step = 30 * day, day
		all := []holder{acme.key(billing, fields{"auto_rotate": true, "ttl": "30d", "overlap": "7d"})}
		born := []time.Time{time.Now()}
		for range 2 * 365 * day / step {
			wait(step)
			w.sweep()
			if a := acme.read(billing); a.str("current_key_id") != all[len(all)-1].keyID {
				all, born = append(all, acme.next(billing)), append(born, time.Now())
				apart := born[len(born)-1].Sub(born[len(born)-2])
				if apart < life-rotateLead-step || apart > life-rotateLap+step {
					t.Fatalf("rotations %s apart", apart)
				}
				all[len(all)-1].finds("valid")
				all[len(all)-2].finds("valid")
			}
		}
		if n := len(all); n < 30 || n > 33 {
			t.Fatalf("%d versions in two years", n)
		}
		for i, h := range all {
			switch age := time.Since(born[i]); {
			case age > life+retained+step:
				h.finds("unknown_key")
			case age < life-rotateLead+rotateLap-step:
				h.finds("valid")
			}
		}
		ended := strings.Count(acme.states(billing), "destroyed") + strings.Count(acme.states(billing), "expired")
		if ended < 20 || ended > 21 { // twenty when it was rotated last, and one has ended since
			t.Errorf("%d ended versions are kept: %s", ended, acme.states(billing))
		}
		w.root().write("tidy", nil).is(fields{"failures": 0, "ids_mended": 0})
		if ids, kept := len(w.entries("ids/")), len(acme.read(billing).rows("versions")); ids != kept {
			t.Errorf("%d key IDs lead to %d versions", ids, kept)
		}
		if n := len(w.entries("due/")); n != 1 {
			t.Errorf("due: %v", w.entries("due/"))
		}
	})
}

// A key made by hand is never rotated, and its secret goes as well.
func TestSweepLeavesKeysThatRotateByHand(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
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
			w.sweep()
			acme.stands(billing, step.state)
			h.finds(step.verify)
		}
		if n := len(w.entries("due/")); n != 0 {
			t.Errorf("still to do: %v", w.entries("due/"))
		}
		acme.write(billing+"/rotate", nil)
		acme.stands(billing, "destroyed current")
	})
}

// What is revoked keeps its secret for the retention too, and the schedule ends with it.
func TestSweepOfWhatIsRevoked(t *testing.T) {
	for name, version := range map[string]bool{"the current version": true, "the key": false} {
		clocked(t, name, func(_ *testing.T, w *world) {
			acme := w.tenant("acme")
			h := acme.key(billing, scheduled)
			acme.write(billing+"/rotate", nil)
			second := acme.next(billing)
			what := fields{}
			if version {
				what["key_id"] = second.keyID
			}
			acme.write(billing+"/revoke", what)
			wait(retained - time.Second)
			w.sweep()
			second.finds("revoked")
			wait(time.Second)
			w.sweep()
			second.finds("unknown_key")
			w.ticking(200*day, 5*day)
			h.finds("unknown_key")
			acme.stands(billing, "destroyed destroyed")
			w.root().read("status").is(fields{"rotated": 0, "erased": 2, "failed": 0})
			if version { // somebody rotates by hand, and the schedule goes on
				acme.write(billing+"/rotate", nil)
				w.ticking(keyLife, day)
				acme.stands(billing, "destroyed destroyed expired current")
			}
		})
	}
}
