package sweep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// change makes a change of acme.
func (w *world) change(how func(*tenant.Tenant)) {
	w.t.Helper()
	_, err := w.st.UpdateTenant(w.t.Context(), w.s, "acme", func(old *tenant.Tenant) (*tenant.Tenant, error) {
		c := *old
		how(&c)
		c.Revision++
		return &c, nil
	})
	w.must(err)
}

func (w *world) suspend() { w.change(func(c *tenant.Tenant) { c.SuspendedAt = w.now }) }

func (w *world) resume() {
	w.change(func(c *tenant.Tenant) { c.SuspendedAt, c.ResumedAt = time.Time{}, w.now })
}

// pass lets a minute pass, and sweeps.
func (w *world) pass() {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	w.must(w.tick())
}

// cut sweeps until a key has been looked at, while storage fails in some operations.
func (w *world) cut(name string, fails func(op string) bool) error {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	reached := false
	w.s.fail(func(op string) bool {
		if reached {
			cancel()
		}
		reached = reached || strings.HasPrefix(op, "put due/") && strings.Contains(op, name)
		return fails(op)
	})
	w.now = w.now.Add(time.Minute)
	err := w.sweep.Tick(ctx, w.s, w.now)
	w.idle()
	w.s.fail(nil)
	if !reached || ctx.Err() == nil {
		w.t.Fatal("it was not cut off")
	}
	return err
}

// suspended is a tenant whose 20 keys have missed their rotations.
func suspended(t *testing.T) *world {
	w := newWorld(t)
	w.sweep.workers = 1
	for n := range 20 {
		w.create(apikey.Name(fmt.Sprintf("key-%02d", n)), 10*time.Hour, time.Hour)
	}
	w.suspend()
	w.now = w.now.Add(9 * time.Hour)
	w.pass() // drops the entries of the rotations that are not to be
	return w
}

// missing is such a tenant that was resumed, and the sweep that looks for them was cut off after eleven.
func missing(t *testing.T) *world {
	w := suspended(t)
	w.resume()
	_ = w.cut("key-10", func(string) bool { return false })
	return w
}

// Whatever becomes of a tenant between two parts of the look for missed rotations, none is
// left out.
func TestResumptionsLeaveNoRotationOut(t *testing.T) {
	for name, between := range map[string]func(w *world){
		"nothing": func(*world) {},
		"suspended, and swept": func(w *world) {
			w.suspend()
			w.pass()
			w.now = w.now.Add(time.Minute)
			w.resume()
		},
		"suspended, and not swept": func(w *world) { w.suspend(); w.now = w.now.Add(time.Minute); w.resume() },
		"keys vanish": func(w *world) {
			for n := range 11 {
				w.erase(fmt.Sprintf("key-%02d", n))
			}
		},
		"keys vanish, the last looked at among them": func(w *world) { w.erase("key-10"); w.erase("key-09") },
		"all other keys vanish": func(w *world) {
			for n := range 19 {
				w.erase(fmt.Sprintf("key-%02d", n))
			}
		},
		"keys come": func(w *world) {
			w.create("key-00a", 10*time.Hour, time.Hour)
			w.create("key-99", 10*time.Hour, time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := missing(t)
			between(w)
			for range 3 {
				w.pass()
			}
			w.settled("then")
			if s := w.sweep.Status(w.now); s.Due != 0 || s.Failed != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// erase takes a key out of storage.
func (w *world) erase(name string) {
	w.t.Helper()
	places, err := w.st.KeyPlaces(w.t.Context(), w.s, "acme")
	w.must(err)
	for _, place := range places {
		if strings.HasSuffix(place.String(), "/"+name) {
			w.must(w.st.Destroy(w.t.Context(), w.s, place))
			return
		}
	}
	w.t.Fatalf("no %s", name)
}

// Keys that have been looked at since the tenant was resumed are not looked at again; a
// tenant about which nothing more is to be looked at takes no memory.
func TestResumptionGoesOn(t *testing.T) {
	w := missing(t)
	places, err := w.st.KeyPlaces(t.Context(), w.s, "acme")
	w.must(err)
	of, err := w.st.Tenant(t.Context(), w.s, "acme")
	w.must(err)
	g := &group{places: places}
	if w.sweep.resumeLook(g, of); len(g.places) < 8 || len(g.places) > 10 {
		t.Errorf("%d keys are left", len(g.places))
	}
	w.suspend()
	w.pass()
	if n := len(w.sweep.resumed); n != 0 {
		t.Errorf("the places of %d tenants are kept", n)
	}
	w.resume()
	w.pass()
	if n := len(w.sweep.resumed); n != 0 {
		t.Errorf("then the places of %d tenants are kept", n)
	}
}

// A tenant that was made anew under the name of another has none of its keys left out.
func TestResumptionOfANamesake(t *testing.T) {
	w := missing(t)
	places, err := w.st.KeyPlaces(t.Context(), w.s, "acme")
	w.must(err)
	of, err := w.st.Tenant(t.Context(), w.s, "acme")
	w.must(err)
	other := *of
	other.UID = "another"
	g := &group{places: places}
	if w.sweep.resumeLook(g, &other); len(g.places) != 20 {
		t.Errorf("%d keys are left", len(g.places))
	}
}

// A key that cannot be read does not restart the check for missed rotations, so that the check reaches all other
// keys, however many there are. The failure is reported, and the key is checked again: soon if storage failed, by the
// walk if the record is damaged.
func TestResumptionBesideAnUnreadableKey(t *testing.T) {
	for name, damaged := range map[string]bool{"damaged": true, "storage fails": false} {
		t.Run(name, func(t *testing.T) {
			w := suspended(t)
			const path = "keys/acme/external/key-02"
			was, err := w.s.InmemStorage.Get(t.Context(), path)
			w.must(err)
			fails := contains("get " + path)
			if damaged {
				fails = func(string) bool { return false }
				w.must(w.s.InmemStorage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte("{")}))
			}
			w.resume()
			w.sweep.started, w.sweep.walked = w.now, time.Time{} // so that the walk comes later
			told := []error{w.cut("key-10", fails)}
			places, err := w.st.KeyPlaces(t.Context(), w.s, "acme")
			w.must(err)
			of, err := w.st.Tenant(t.Context(), w.s, "acme")
			w.must(err)
			g := &group{places: places}
			if w.sweep.resumeLook(g, of); len(g.places) < 8 || len(g.places) > 10 {
				t.Errorf("%d keys are left", len(g.places))
			}
			w.s.fail(fails)
			for range 4 {
				w.now = w.now.Add(time.Minute)
				told = append(told, w.tick())
			}
			if err := errors.Join(told...); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("it is not told of: %v", err)
			}
			if s := w.sweep.Status(w.now); damaged && (s.Due != 0 || s.Failed != 1) {
				t.Errorf("it is not passed over: %+v", s)
			}
			w.s.fail(nil)
			w.must(w.s.InmemStorage.Put(t.Context(), was))
			for name, k := range w.keys() {
				if late := k.RotationDue(w.now); late != (name == "key-02") {
					t.Errorf("%s: version %d", name, k.Newest().Number)
				}
			}
			for range 9 {
				w.pass()
			}
			w.settled("then")
			if s := w.sweep.Status(w.now); s.Due != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A key that could not be read is looked at again also where all that were left to be looked at are gone.
func TestResumptionOfWhatVanishesBesideAFailure(t *testing.T) {
	w := suspended(t)
	w.resume()
	w.sweep.started, w.sweep.walked = w.now, time.Time{} // so that the walk comes later
	_ = w.cut("key-10", contains("get keys/acme/external/key-02"))
	for n := 9; n < 20; n++ {
		w.erase(fmt.Sprintf("key-%02d", n))
	}
	for range 6 {
		w.now = w.now.Add(time.Minute)
		_ = w.tick()
	}
	w.settled("then")
}
