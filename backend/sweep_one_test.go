package backend_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// failing has storage fail for whatever has the text in its path.
func (s *storage) failing(text string, verbs ...string) {
	s.hooks(func(verb, path string) error {
		for _, v := range verbs {
			if v == verb && strings.Contains(path, text) {
				return errStorage
			}
		}
		return nil
	}, nil)
}

// Three keys are due, and storage fails for the one between: the others get their turn,
// and this one says why it does not, tries later and later, and once it can all is well.
func TestSweepOfAKeyThatFails(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		for _, name := range []string{"a", "billing", "c"} {
			acme.key("my/external/keys/"+name, scheduled)
		}
		w.sweep()
		wait(keyLife - rotateLap)
		failures, of := 0, ""
		w.storage.hooks(func(verb, path string) error {
			if strings.HasPrefix(path, "keys/") {
				of = path
			}
			if verb == put && strings.HasPrefix(path, "ids/") && strings.HasSuffix(of, "billing") {
				failures++
				return errStorage
			}
			return nil
		}, nil)
		begun := time.Now()
		for range 6 * 60 {
			before := failures
			err := w.tick()
			if (failures > before) != (err != nil) {
				t.Fatalf("%d failures, and the tick says %v", failures-before, err)
			}
			if failures > before {
				a := acme.read(billing)
				a.is(fields{"rotation_failures": failures, "state": "active"})
				if !strings.Contains(a.str("rotation_error"), "storage has failed") {
					t.Errorf("rotation_error: %s", a.str("rotation_error"))
				}
				again := time.Until(instant(a.str("rotation_retry_at")))
				if want := min(time.Minute<<(failures-1), time.Hour); again != want {
					t.Errorf("after failure %d again in %s, want %s", failures, again, want)
				}
			}
			wait(time.Minute)
		}
		if failures != 11 { // at 0, 1, 3, 7, 15, 31, 63 minutes, and then every hour
			t.Errorf("%d failures in %s", failures, time.Since(begun))
		}
		acme.stands("my/external/keys/a", "overlapping current")
		acme.stands("my/external/keys/c", "overlapping current")
		acme.stands(billing, "current")
		w.root().read("status").is(fields{"rotated": 2, "failed": failures, "due": 0})
		items := acme.read("my/due").rows("items")
		if !hasItem(items, "billing", "rotation_failed") {
			t.Errorf("due: %v", items)
		}
		w.storage.hooks(nil, nil)
		w.ticking(time.Hour, time.Minute)
		acme.stands(billing, "overlapping current")
		acme.read(billing).is(fields{"rotation_failures": 0, "rotation_error": "", "rotation_retry_at": nil})
		w.root().write("tidy", nil)
		w.nothingStray()
	})
}

func hasItem(items []fields, name, event string) bool {
	for _, i := range items {
		if i["name"] == name && i["event"] == event {
			return true
		}
	}
	return false
}

// A key whose record cannot be read, written, or is not understood stands in nobody's way,
// is tried again within the hour, and is never written while it is not understood.
func TestSweepOfARecordThatFails(t *testing.T) {
	const path = "keys/acme/external/billing"
	for name, row := range map[string]struct {
		value string
		verb  string
	}{
		"read":   {verb: get},
		"write":  {verb: put},
		"broken": {value: `{"schema":1,"versions":[{"key_id":`},
		"newer":  {value: `{"schema":99,"everything":"else"}`},
	} {
		clocked(t, name, func(t *testing.T, w *world) {
			acme := w.tenant("acme")
			for _, name := range []string{"a", "billing", "c"} {
				acme.key("my/external/keys/"+name, scheduled)
			}
			w.sweep()
			good, err := w.storage.Get(t.Context(), path)
			w.must(err)
			wait(keyLife - rotateLap)
			if row.verb != "" {
				w.storage.failing(path, row.verb)
			} else {
				w.must(w.storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte(row.value)}))
				w.restart()
			}
			told := 0
			for range 24 * 60 {
				if w.tick() != nil {
					told++
				}
				wait(time.Minute)
			}
			if told < 24 || told > 40 {
				t.Errorf("%d attempts in a day", told)
			}
			for _, name := range []string{"a", "c"} {
				acme.stands("my/external/keys/"+name, "overlapping current")
			}
			s := w.root().read("status") // it is put off, and does not look like a sweep that does not keep up
			if s.is(fields{"due": 0}); s.num("sweep_lag_seconds") > 120 {
				t.Errorf("status: %v", s.data)
			}
			report := w.root().write("tidy", nil)
			about := map[string]string{get: "ids/", "": path}[row.verb] // the ID leads to the record
			if n := report.num("failures"); n > 0 != (row.verb != put) ||
				!strings.Contains(report.str("last_failure"), about) {
				t.Errorf("tidy: %v", report.data)
			}
			if s := report.str("last_failure"); strings.Contains(s, errStorage.Error()) {
				t.Errorf("tidy tells what is for the log: %s", s)
			}
			if row.verb != "" {
				w.storage.hooks(nil, nil)
			} else {
				entry, err := w.storage.Get(t.Context(), path)
				w.must(err)
				if string(entry.Value) != row.value {
					t.Fatalf("it was rewritten: %s", entry.Value)
				}
				w.must(w.storage.Put(t.Context(), good)) // somebody restores it, or installs the newer version
				w.restart()
			}
			w.ticking(61*time.Minute, time.Minute)
			acme.stands(billing, "overlapping current")
			w.root().write("tidy", nil)
			w.nothingStray()
		})
	}
}

// The same for the tenants' records and for what is kept of uses: what stands beside is
// done, also by the walk, and nothing is lost.
func TestSweepBesideWhatIsDamaged(t *testing.T) {
	for _, damaged := range []string{"tenants/acme", "keys/acme/external/a", "leased/acme/external/", "usage/"} {
		for _, value := range []string{"{", `{"schema":99}`} {
			clocked(t, damaged+" "+value, func(t *testing.T, w *world) {
				acme, bolt := w.tenant("acme"), w.tenant("bolt")
				acme.key("my/external/keys/a", scheduled)
				acme.key("my/external/keys/b", scheduled).finds("valid")
				bolt.key(billing, scheduled).finds("valid")
				app(acme, nil)
				w.sweep()
				path := w.entries(damaged)[0]
				before, err := w.storage.Get(t.Context(), path)
				w.must(err)
				w.must(w.storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte(value)}))
				for _, due := range w.entries("due/") { // and the whole index is lost
					w.must(w.storage.Delete(t.Context(), due))
				}
				w.restart()
				wait(keyLife - rotateLap)
				for range 15 {
					_ = w.tick()
					wait(time.Minute)
				}
				bolt.stands(billing, "overlapping current")
				if damaged != "tenants/acme" {
					acme.stands("my/external/keys/b", "overlapping current")
				}
				if entry, err := w.storage.Get(t.Context(), path); err != nil || string(entry.Value) != value {
					t.Errorf("%v, rewritten: %s", err, entry.Value)
				}
				w.must(w.storage.Put(t.Context(), before))
				w.restart()
				w.ticking(13*time.Hour, time.Minute)
				acme.stands("my/external/keys/a", "overlapping current")
				acme.stands("my/external/keys/b", "overlapping current")
			})
		}
	}
}

// Uses that cannot be read keep nobody from rotating, disabling or revoking a key. Whether
// it is still used is judged when they can be.
func TestSweepWithoutUses(t *testing.T) {
	for _, value := range []string{"{", `{"schema":99}`} {
		clocked(t, value, func(t *testing.T, w *world) {
			w.root().patch("config", fields{"idle_disable_after": "83d"})
			acme := w.tenant("acme")
			acme.key(billing, scheduled).finds("valid")
			w.sweep()
			path := w.entries("usage/")[0]
			good, err := w.storage.Get(t.Context(), path)
			w.must(err)
			w.must(w.storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte(value)}))
			until(acme.read(billing).str("next_rotation"))
			w.sweep()
			acme.stands(billing, "overlapping current")
			acme.read(billing).warns("used")
			acme.write(billing+"/disable", nil).warns("used")
			acme.write(billing+"/enable", nil)
			wait(83 * day)
			for range 120 {
				_ = w.tick()
				wait(time.Minute)
			}
			acme.read(billing).is(fields{"state": "active"})
			if n := w.root().read("status").num("failed"); n < 6 || n > 10 {
				t.Errorf("%d failures in two hours", n)
			}
			w.must(w.storage.Put(t.Context(), good))
			w.ticking(61*time.Minute, time.Minute)
			acme.read(billing).is(fields{"state": "disabled", "reason": "not used for 83d"})
			acme.write(billing+"/revoke", nil)
		})
	}
}
