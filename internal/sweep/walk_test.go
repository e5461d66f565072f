package sweep_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// wreck is a mount with all sorts of damage to its indexes.
func wreck(w *world) (acme person, keys []holder) {
	acme = w.Tenant("acme")
	w.Tenant("bolt").Key(billing, nil)
	for n := range 3 {
		h := acme.Key(fmt.Sprintf("my/external/keys/key-%d", n), scheduled)
		h.Finds("valid")
		keys = append(keys, h)
	}
	_, _, h := app(acme, fields{"ttl": "48h", "max_ttl": "48h"})
	keys = append(keys, h)
	app(acme, fields{"ttl": "1h", "max_ttl": "1h"})
	w.Sweep()
	wait(3 * time.Hour)
	w.SPA().Remove("admin/tenants/bolt")
	lose(w, "ids/"+keys[0].KeyID)
	lose(w, "ids/"+keys[3].KeyID)
	for _, path := range w.Entries("due/") {
		lose(w, path)
	}
	w.Put(
		"ids/AAAAAAAAAAAAAAAA",
		`{"schema":1,"family":"keys","tenant":"acme","kind":"external","name":"key-0","uid":"?"}`,
	)
	w.Put(
		"ids/BBBBBBBBBBBBBBBB",
		`{"schema":1,"family":"keys","tenant":"nobody","kind":"external","name":"nothing","uid":"?"}`,
	)
	w.Put("usage/007", `{"schema":1,"keys":{"CCCCCCCCCCCCCCCC":{"first":1,"last":2}}}`)
	orphan, err := w.Storage.InmemStorage.Get(context.Background(), "keys/acme/external/key-1")
	w.Must(err)
	w.Put("keys/zeno/external/orphan", string(orphan.Value))
	w.Restart()
	return acme, keys
}

func lose(w *world, path string) {
	w.T.Helper()
	w.Must(w.Storage.InmemStorage.Delete(context.Background(), path))
}

func mended(t *testing.T, w *world, acme person, keys []holder) {
	t.Helper()
	for _, h := range keys {
		h.Finds("valid")
	}
	w.NothingStray()
	if left := w.Entries("keys/zeno", "ids/AAAA", "ids/BBBB"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	wait(keyLife - rotateLap)
	w.Sweep()
	for n := range 3 {
		acme.Stands(fmt.Sprintf("my/external/keys/key-%d", n), "overlapping current")
	}
	w.SPA().Refused(404, "bolt").Read("admin/tenants/bolt")
}

// Tidy mends all that is wrong with the indexes, says what it was, and finds nothing more
// the second time.
func TestTidy(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, keys := wreck(w)
		w.Root().Read("tidy/status").Is(fields{"state": "never", "started_at": nil})
		keys[0].Finds("unknown_key")
		report := fields{
			"state":       "finished",
			"started_at":  stamp(0),
			"finished_at": stamp(0),
			"records":     7,
			"ids_mended":  2,
			"due_mended":  5,
			"strays":      2,
			"destroyed":   2,
			"failures":    0,
		}
		w.Root().Write("tidy", nil).Is(report)
		w.Root().Read("tidy/status").Is(report)
		w.Sweep() // forgets the uses of who is gone
		w.Root().
			Write("tidy", nil).
			Is(fields{"records": 5, "ids_mended": 0, "due_mended": 0, "strays": 0, "destroyed": 0, "failures": 0})
		mended(t, w, acme, keys)
	})
}

// The walk does the same by itself: soon after a start, and then twice a day.
func TestWalk(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, keys := wreck(w)
		w.Ticking(11*time.Minute, time.Minute)
		w.Root().
			Read("tidy/status").
			Is(fields{"state": "finished", "records": 7, "ids_mended": 2, "due_mended": 5, "strays": 2, "destroyed": 2})
		lose(w, "ids/"+keys[1].KeyID)
		w.Ticking(12*time.Hour+time.Minute, time.Minute)
		w.Root().
			Read("tidy/status").
			Is(fields{"records": 5, "ids_mended": 1, "due_mended": 0, "strays": 0, "destroyed": 0})
		mended(t, w, acme, keys)
	})
}

// Whichever operation of a walk fails, in a tick or asked for: what cannot be done is
// counted, and the next ones do it.
func TestWalkWithFailingStorage(t *testing.T) {
	for _, landed := range []bool{false, true} {
		for n, met := 1, true; met; n++ {
			clocked(t, fmt.Sprintf("operation %d, landed %v", n, landed), func(t *testing.T, w *world) {
				acme, keys := wreck(w)
				f := failure{N: n, Landed: landed}
				f.Into(w.Storage)
				a := w.Root().Trying().Write("tidy", nil)
				w.Storage.Hooks(nil, nil)
				if met = f.Met; met && a.Status == 200 && a.Num("failures") == 0 {
					t.Errorf("nobody is told: %v", a.Data)
				}
				w.Ticking(65*time.Minute, time.Minute) // what could not be listed is looked for an hour later
				if a := w.Root().Write("tidy", nil); a.Num("failures") != 0 {
					t.Errorf("then: %v", a.Data)
				}
				w.Sweep()
				mended(t, w, acme, keys)
			})
		}
	}
}

// A walk that takes longer than a tick has for it goes on with the next ones, and ticks
// stay short however slow storage is.
func TestWalkGoesOn(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, keys := wreck(w)
		w.Storage.Hooks(func(string, string) error { wait(300 * time.Millisecond); return nil }, nil)
		for n := 0; ; n++ {
			wait(time.Minute)
			begun := time.Now()
			w.Sweep()
			if took := time.Since(begun); took > 25*time.Second {
				t.Errorf("a tick of %s", took)
			}
			state := w.Root().Read("tidy/status").Str("state")
			if state == "finished" {
				break
			}
			if n > 30 {
				t.Fatalf("still %s", state)
			}
		}
		w.Storage.Hooks(nil, nil)
		w.Root().
			Read("tidy/status").
			Is(fields{"records": 7, "ids_mended": 2, "strays": 2, "destroyed": 2, "failures": 0})
		w.Sweep()
		mended(t, w, acme, keys)
		if names := strings.Join(acme.List("my/external/keys", nil).Keys(), " "); names != "key-0 key-1 key-2" {
			t.Errorf("keys: %s", names)
		}
	})
}
