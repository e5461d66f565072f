package sweep_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// failing has storage fail for whatever has the text in its path.
func failing(s *storage, text string, verbs ...string) {
	s.Hooks(func(verb, path string) error {
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
		acme := w.Tenant("acme")
		for _, name := range []string{"a", "billing", "c"} {
			acme.Key("my/external/keys/"+name, scheduled)
		}
		w.Sweep()
		wait(keyLife - rotateLap)
		failures, of := 0, ""
		w.Storage.Hooks(func(verb, path string) error {
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
			err := w.Tick()
			if (failures > before) != (err != nil) {
				t.Fatalf("%d failures, and the tick says %v", failures-before, err)
			}
			if failures > before {
				a := acme.Read(billing)
				a.Is(fields{"rotation_failures": failures, "state": "active"})
				if !strings.Contains(a.Str("rotation_error"), "storage has failed") {
					t.Errorf("rotation_error: %s", a.Str("rotation_error"))
				}
				again := time.Until(instant(a.Str("rotation_retry_at")))
				if want := min(time.Minute<<(failures-1), time.Hour); again != want {
					t.Errorf("after failure %d again in %s, want %s", failures, again, want)
				}
			}
			wait(time.Minute)
		}
		if failures != 11 { // at 0, 1, 3, 7, 15, 31, 63 minutes, and then every hour
			t.Errorf("%d failures in %s", failures, time.Since(begun))
		}
		acme.Stands("my/external/keys/a", "overlapping current")
		acme.Stands("my/external/keys/c", "overlapping current")
		acme.Stands(billing, "current")
		w.Root().Read("status").Is(fields{"rotated": 2, "failed": failures, "due": 0})
		items := acme.Read("my/due").Rows("items")
		if !hasItem(items, "billing", "rotation_failed") {
			t.Errorf("due: %v", items)
		}
		w.Storage.Hooks(nil, nil)
		w.Ticking(time.Hour, time.Minute)
		acme.Stands(billing, "overlapping current")
		acme.Read(billing).Is(fields{"rotation_failures": 0, "rotation_error": "", "rotation_retry_at": nil})
		w.Root().Write("tidy", nil)
		w.NothingStray()
	})
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
			acme := w.Tenant("acme")
			for _, name := range []string{"a", "billing", "c"} {
				acme.Key("my/external/keys/"+name, scheduled)
			}
			w.Sweep()
			good, err := w.Storage.Get(t.Context(), path)
			w.Must(err)
			wait(keyLife - rotateLap)
			if row.verb != "" {
				failing(w.Storage, path, row.verb)
			} else {
				w.Must(w.Storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte(row.value)}))
				w.Restart()
			}
			told := 0
			for range 24 * 60 {
				if w.Tick() != nil {
					told++
				}
				wait(time.Minute)
			}
			if told < 24 || told > 40 {
				t.Errorf("%d attempts in a day", told)
			}
			for _, name := range []string{"a", "c"} {
				acme.Stands("my/external/keys/"+name, "overlapping current")
			}
			s := w.Root().Read("status") // it is put off, and does not look like a sweep that does not keep up
			if s.Is(fields{"due": 0}); s.Num("sweep_lag_seconds") > 120 {
				t.Errorf("status: %v", s.Data)
			}
			report := w.Root().Write("tidy", nil)
			about := map[string]string{get: "ids/", "": path}[row.verb] // the ID leads to the record
			if n := report.Num("failures"); n > 0 != (row.verb != put) ||
				!strings.Contains(report.Str("last_failure"), about) {
				t.Errorf("tidy: %v", report.Data)
			}
			if s := report.Str("last_failure"); strings.Contains(s, errStorage.Error()) {
				t.Errorf("tidy tells what is for the log: %s", s)
			}
			if row.verb != "" {
				w.Storage.Hooks(nil, nil)
			} else {
				entry, err := w.Storage.Get(t.Context(), path)
				w.Must(err)
				if string(entry.Value) != row.value {
					t.Fatalf("it was rewritten: %s", entry.Value)
				}
				w.Must(w.Storage.Put(t.Context(), good)) // somebody restores it, or installs the newer version
				w.Restart()
			}
			w.Ticking(61*time.Minute, time.Minute)
			acme.Stands(billing, "overlapping current")
			w.Root().Write("tidy", nil)
			w.NothingStray()
		})
	}
}

// The same for the tenants' records and for what is kept of uses: what stands beside is
// done, also by the walk, and nothing is lost.
func TestSweepBesideWhatIsDamaged(t *testing.T) {
	for _, damaged := range []string{"tenants/acme", "keys/acme/external/a", "leased/acme/external/", "usage/"} {
		for _, value := range []string{"{", `{"schema":99}`} {
			clocked(t, damaged+" "+value, func(t *testing.T, w *world) {
				acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
				acme.Key("my/external/keys/a", scheduled)
				acme.Key("my/external/keys/b", scheduled).Finds("valid")
				bolt.Key(billing, scheduled).Finds("valid")
				app(acme, nil)
				w.Sweep()
				path := w.Entries(damaged)[0]
				before, err := w.Storage.Get(t.Context(), path)
				w.Must(err)
				w.Must(w.Storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte(value)}))
				for _, due := range w.Entries("due/") { // and the whole index is lost
					w.Must(w.Storage.Delete(t.Context(), due))
				}
				w.Restart()
				wait(keyLife - rotateLap)
				for range 15 {
					_ = w.Tick()
					wait(time.Minute)
				}
				bolt.Stands(billing, "overlapping current")
				if damaged != "tenants/acme" {
					acme.Stands("my/external/keys/b", "overlapping current")
				}
				if entry, err := w.Storage.Get(t.Context(), path); err != nil || string(entry.Value) != value {
					t.Errorf("%v, rewritten: %s", err, entry.Value)
				}
				w.Must(w.Storage.Put(t.Context(), before))
				w.Restart()
				w.Ticking(13*time.Hour, time.Minute)
				acme.Stands("my/external/keys/a", "overlapping current")
				acme.Stands("my/external/keys/b", "overlapping current")
			})
		}
	}
}

// Uses that cannot be read keep nobody from rotating, disabling or revoking a key. Whether
// it is still used is judged when they can be.
func TestSweepWithoutUses(t *testing.T) {
	for _, value := range []string{"{", `{"schema":99}`} {
		clocked(t, value, func(t *testing.T, w *world) {
			w.Root().Patch("config", fields{"idle_disable_after": "83d"})
			acme := w.Tenant("acme")
			acme.Key(billing, scheduled).Finds("valid")
			w.Sweep()
			path := w.Entries("usage/")[0]
			good, err := w.Storage.Get(t.Context(), path)
			w.Must(err)
			w.Must(w.Storage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte(value)}))
			until(acme.Read(billing).Str("next_rotation"))
			w.Sweep()
			acme.Stands(billing, "overlapping current")
			acme.Read(billing).Warns("used")
			acme.Write(billing+"/disable", nil).Warns("used")
			acme.Write(billing+"/enable", nil)
			wait(83 * day)
			for range 120 {
				_ = w.Tick()
				wait(time.Minute)
			}
			acme.Read(billing).Is(fields{"state": "active"})
			if n := w.Root().Read("status").Num("failed"); n < 6 || n > 10 {
				t.Errorf("%d failures in two hours", n)
			}
			w.Must(w.Storage.Put(t.Context(), good))
			w.Ticking(61*time.Minute, time.Minute)
			acme.Read(billing).Is(fields{"state": "disabled", "reason": "not used for 83d"})
			acme.Write(billing+"/revoke", nil)
		})
	}
}
