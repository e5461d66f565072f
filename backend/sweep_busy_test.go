package backend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// busy is a mount on a morning with something of everything to do: rotations, erasures, a
// deleted key, a deleted tenant, one that was suspended and has missed a rotation, an ended
// lease, unused keys, uses to be written.
type busy struct {
	entries []*logical.StorageEntry
	holders map[string]holder
}

// morning is when all that is due.
const morning = 84 * day

// newBusy brings the mount to that morning, with a single tick on the way.
func newBusy(t *testing.T) *busy {
	b := &busy{holders: make(map[string]holder)}
	alone(t, func(_ *testing.T, w *world) {
		w.root().patch("config", fields{"external_max_ttl": "400d"})
		acme, bolt := w.tenant("acme"), w.tenant("bolt")
		key := func(p person, who, name string, f fields) { b.holders[who] = p.key("my/external/keys/"+name, f) }
		key(acme, "rotates", "billing", scheduled)
		key(acme, "rotates too", "other", scheduled)
		key(acme, "erased", "erased", fields{"ttl": "360d"})
		key(acme, "deleted", "deleted", nil)
		key(acme, "unused", "unused", fields{"ttl": "360d", "idle_disable_after": "80d"})
		key(acme, "used", "used", fields{"ttl": "360d", "idle_disable_after": "80d"})
		key(bolt, "bolt's", "billing", scheduled)
		carl := w.tenant("carl")
		key(carl, "carl's", "billing", fields{"auto_rotate": true, "ttl": "40d"})
		w.spa().write("admin/tenants/carl/suspend", nil)
		wait(45 * day)
		w.sweep()
		wait(morning - retained - 45*day)
		w.spa().write("admin/tenants/carl/resume", nil)
		bolt.write("my/external/roles/app", fields{"ttl": "700h", "max_ttl": "700h"})
		b.holders["bolt's app"] = bolt.read("tenants/bolt/external/creds/app").holder(w)
		acme.write("my/external/keys/erased/rotate", fields{"overlap": 0})
		b.holders["current"] = acme.next("my/external/keys/erased")
		acme.remove("my/external/keys/deleted")
		w.spa().remove("admin/tenants/bolt")
		wait(retained - time.Hour)
		_, l, h := app(acme, nil)
		b.holders["app"] = h
		_, _, b.holders["live app"] = app(acme, fields{"ttl": "48h", "max_ttl": "48h"})
		wait(10 * time.Minute)
		l.end().expect(200, "")
		wait(50 * time.Minute)
		w.engine.Cleanup(context.Background()) // in good order: no use is lost
		for _, path := range w.all() {
			entry, err := w.storage.Get(context.Background(), path)
			w.must(err)
			b.entries = append(b.entries, entry)
		}
	})
	return b
}

// world is a node that starts on that morning, and the people of acme.
func (b *busy) world(t *testing.T) (*world, person) {
	t.Helper()
	wait(morning)
	w := newWorld(t)
	for _, entry := range b.entries {
		w.must(w.storage.InmemStorage.Put(t.Context(), entry))
	}
	w.restart() // over what is there now
	w.someone("carl-admin", "carl")
	return w, w.someone("acme-admin", "acme")
}

// of returns a holder in this world.
func (b *busy) of(w *world, who string) holder {
	h := b.holders[who]
	h.w = w
	return h
}

// right checks that everything was done, and once. After a crash any key counts as used
// until then.
func (b *busy) right(t *testing.T, w *world, acme person, crashed bool) {
	t.Helper()
	unused, disabled := "disabled", "disabled"
	if crashed && w.verdict(b.of(w, "unused").call()) == "valid" {
		unused, disabled = "valid", "current"
	}
	w.root().write("tidy", nil).is(fields{"state": "finished", "failures": 0, "last_failure": ""})
	w.sweep() // forgets the uses of who is gone
	for who, want := range map[string]string{
		"rotates": "valid", "rotates too": "valid", "erased": "unknown_key", "current": "valid", "deleted": "unknown_key", "unused": unused,
		"used": "valid", "bolt's": "unknown_key", "bolt's app": "unknown_key", "app": "unknown_key", "live app": "valid", "carl's": "unknown_key",
	} {
		if got := w.verdict(b.of(w, who).call()); got != want {
			t.Errorf("%s: %s, want %s", who, got, want)
		}
	}
	for name, want := range map[string]string{
		"billing": "overlapping current", "other": "overlapping current", "erased": "destroyed current", "unused": disabled, "used": "current",
	} {
		acme.stands("my/external/keys/"+name, want)
		acme.read("my/external/keys/" + name).
			is(fields{"rotation_error": "", "rotation_failures": 0, "rotation_retry_at": nil})
	}
	for _, path := range []string{billing, other} {
		acme.next(path).finds("valid")
	}
	carl := w.someone("carl-admin", "carl")
	carl.stands(billing, "destroyed current")
	carl.next(billing).finds("valid")
	acme.read("my").is(fields{"keys": 5, "leased_keys": 1})
	w.spa().refused(404, "bolt").read("admin/tenants/bolt")
	w.root().read("status").is(fields{"due": 0})
	w.root().write("tidy", nil).is(fields{"failures": 0, "ids_mended": 0, "due_mended": 0, "strays": 0, "destroyed": 0})
	w.sweep()
	w.nothingStray()
}

// nothingStray compares all that is in storage with what the records say: each key ID
// leads to its version and each version has its ID, nothing belongs to nobody, and uses
// are those of versions. Entries of the due index that lead nowhere go in their time.
func (w *world) nothingStray() {
	w.t.Helper()
	versions, tenants := map[string]string{}, map[string]string{}
	read := func(path string, v any) {
		entry, err := w.storage.InmemStorage.Get(context.Background(), path)
		w.must(err)
		w.must(json.Unmarshal(entry.Value, v))
	}
	type record struct {
		UID      string
		Versions []struct {
			KeyID string `json:"key_id"`
		}
	}
	for _, path := range w.entries("tenants/") {
		var r record
		read(path, &r)
		tenants[strings.TrimPrefix(path, "tenants/")] = r.UID
	}
	for _, path := range w.entries("keys/", "leased/") {
		var r record
		read(path, &r)
		if of := strings.Split(path, "/")[1]; tenants[of] != r.UID {
			w.t.Errorf("%s belongs to nobody", path)
		}
		for _, v := range r.Versions {
			versions[v.KeyID] = path
		}
	}
	for _, path := range w.entries("ids/") {
		var id struct{ Family, Tenant, Kind, Name string }
		read(path, &id)
		keyID := strings.TrimPrefix(path, "ids/")
		if at := strings.Join([]string{id.Family, id.Tenant, id.Kind, id.Name}, "/"); versions[keyID] != at {
			w.t.Errorf("%s leads to %s", path, at)
		}
		delete(versions, keyID)
	}
	for keyID, path := range versions {
		w.t.Errorf("nothing leads to %s of %s", keyID, path)
	}
	ids := w.entries("ids/")
	for _, path := range w.entries("usage/") {
		var u struct{ Uses map[string]map[string]any }
		read(path, &u)
		if !slices.Contains(slices.Collect(maps.Values(tenants)), strings.Split(path, "/")[1]) {
			w.t.Errorf("%s belongs to nobody", path)
		}
		for _, of := range u.Uses {
			for keyID := range of {
				if !slices.Contains(ids, "ids/"+keyID) {
					w.t.Errorf("%s holds the uses of %s, which is gone", path, keyID)
				}
			}
		}
	}
	for _, path := range w.entries("roles/") {
		if of := strings.Split(path, "/")[1]; tenants[of] == "" {
			w.t.Errorf("%s belongs to nobody", path)
		}
	}
}

// onlyTrueEntries checks that the due index holds one rotation and one other entry for each
// record at the most.
func (w *world) onlyTrueEntries() {
	w.t.Helper()
	seen := map[string]bool{}
	for _, path := range w.entries("due/") {
		name, rotation, _ := strings.Cut(strings.Split(path, "/")[3], ":r20")
		name = strings.TrimSuffix(name, ":c")
		about := fmt.Sprint(name, rotation != "")
		if !slices.Contains(w.all(), strings.ReplaceAll(name, ":", "/")) || seen[about] {
			w.t.Errorf("%s leads nowhere, or where another one does", path)
		}
		seen[about] = true
	}
}
