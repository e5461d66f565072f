package backend_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// wreck is a mount with all sorts of damage to its indexes.
func wreck(w *world) (acme person, keys []holder) {
	acme = w.tenant("acme")
	w.tenant("bolt").key(billing, nil)
	for n := range 3 {
		h := acme.key(fmt.Sprintf("my/external/keys/key-%d", n), scheduled)
		h.finds("valid")
		keys = append(keys, h)
	}
	_, _, h := app(acme, fields{"ttl": "48h", "max_ttl": "48h"})
	keys = append(keys, h)
	app(acme, fields{"ttl": "1h", "max_ttl": "1h"})
	w.sweep()
	wait(3 * time.Hour)
	w.spa().remove("admin/tenants/bolt")
	w.lose("ids/" + keys[0].keyID)
	w.lose("ids/" + keys[3].keyID)
	for _, path := range w.entries("due/") {
		w.lose(path)
	}
	w.put(
		"ids/AAAAAAAAAAAAAAAA",
		`{"schema":1,"family":"keys","tenant":"acme","kind":"external","name":"key-0","uid":"?"}`,
	)
	w.put(
		"ids/BBBBBBBBBBBBBBBB",
		`{"schema":1,"family":"keys","tenant":"nobody","kind":"external","name":"nothing","uid":"?"}`,
	)
	w.put("usage/007", `{"schema":1,"keys":{"CCCCCCCCCCCCCCCC":{"first":1,"last":2}}}`)
	orphan, err := w.storage.InmemStorage.Get(context.Background(), "keys/acme/external/key-1")
	w.must(err)
	w.put("keys/zeno/external/orphan", string(orphan.Value))
	w.restart()
	return acme, keys
}

func (w *world) lose(path string) {
	w.t.Helper()
	w.must(w.storage.InmemStorage.Delete(context.Background(), path))
}

func (w *world) put(path, value string) {
	w.t.Helper()
	w.must(w.storage.InmemStorage.Put(context.Background(), &logical.StorageEntry{Key: path, Value: []byte(value)}))
}

func mended(t *testing.T, w *world, acme person, keys []holder) {
	t.Helper()
	for _, h := range keys {
		h.finds("valid")
	}
	w.nothingStray()
	if left := w.entries("keys/zeno", "ids/AAAA", "ids/BBBB"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	wait(keyLife - rotateLap)
	w.sweep()
	for n := range 3 {
		acme.stands(fmt.Sprintf("my/external/keys/key-%d", n), "overlapping current")
	}
	w.spa().refused(404, "bolt").read("admin/tenants/bolt")
}

// Tidy mends all that is wrong with the indexes, says what it was, and finds nothing more
// the second time.
func TestTidy(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, keys := wreck(w)
		w.root().read("tidy/status").is(fields{"state": "never", "started_at": nil})
		keys[0].finds("unknown_key")
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
		w.root().write("tidy", nil).is(report)
		w.root().read("tidy/status").is(report)
		w.sweep() // forgets the uses of who is gone
		w.root().
			write("tidy", nil).
			is(fields{"records": 5, "ids_mended": 0, "due_mended": 0, "strays": 0, "destroyed": 0, "failures": 0})
		mended(t, w, acme, keys)
	})
}

// The walk does the same by itself: soon after a start, and then twice a day.
func TestWalk(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, keys := wreck(w)
		w.ticking(11*time.Minute, time.Minute)
		w.root().
			read("tidy/status").
			is(fields{"state": "finished", "records": 7, "ids_mended": 2, "due_mended": 5, "strays": 2, "destroyed": 2})
		w.lose("ids/" + keys[1].keyID)
		w.ticking(12*time.Hour+time.Minute, time.Minute)
		w.root().
			read("tidy/status").
			is(fields{"records": 5, "ids_mended": 1, "due_mended": 0, "strays": 0, "destroyed": 0})
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
				f := failure{n: n, landed: landed}
				f.into(w.storage)
				a := w.root().trying().write("tidy", nil)
				w.storage.hooks(nil, nil)
				if met = f.met; met && a.status == 200 && a.num("failures") == 0 {
					t.Errorf("nobody is told: %v", a.data)
				}
				w.ticking(65*time.Minute, time.Minute) // what could not be listed is looked for an hour later
				if a := w.root().write("tidy", nil); a.num("failures") != 0 {
					t.Errorf("then: %v", a.data)
				}
				w.sweep()
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
		w.storage.hooks(func(string, string) error { wait(300 * time.Millisecond); return nil }, nil)
		for n := 0; ; n++ {
			wait(time.Minute)
			begun := time.Now()
			w.sweep()
			if took := time.Since(begun); took > 25*time.Second {
				t.Errorf("a tick of %s", took)
			}
			state := w.root().read("tidy/status").str("state")
			if state == "finished" {
				break
			}
			if n > 30 {
				t.Fatalf("still %s", state)
			}
		}
		w.storage.hooks(nil, nil)
		w.root().
			read("tidy/status").
			is(fields{"records": 7, "ids_mended": 2, "strays": 2, "destroyed": 2, "failures": 0})
		w.sweep()
		mended(t, w, acme, keys)
		if names := strings.Join(acme.list("my/external/keys", nil).keys(), " "); names != "key-0 key-1 key-2" {
			t.Errorf("keys: %s", names)
		}
	})
}
