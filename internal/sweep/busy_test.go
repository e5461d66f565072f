package sweep_test

import (
	"context"
	"fmt"
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
		w.Root().Patch("config", fields{"external_max_ttl": "400d"})
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		key := func(p person, who, name string, f fields) { b.holders[who] = p.Key("my/external/keys/"+name, f) }
		key(acme, "rotates", "billing", scheduled)
		key(acme, "rotates too", "other", scheduled)
		key(acme, "erased", "erased", fields{"ttl": "360d"})
		key(acme, "deleted", "deleted", nil)
		key(acme, "unused", "unused", fields{"ttl": "360d", "idle_disable_after": "80d"})
		key(acme, "used", "used", fields{"ttl": "360d", "idle_disable_after": "80d"})
		key(bolt, "bolt's", "billing", scheduled)
		carl := w.Tenant("carl")
		key(carl, "carl's", "billing", fields{"auto_rotate": true, "ttl": "40d"})
		w.SPA().Write("admin/tenants/carl/suspend", nil)
		wait(45 * day)
		w.Sweep()
		wait(morning - retained - 45*day)
		w.SPA().Write("admin/tenants/carl/resume", nil)
		bolt.Write("my/external/roles/app", fields{"ttl": "700h", "max_ttl": "700h"})
		b.holders["bolt's app"] = bolt.Read("tenants/bolt/external/creds/app").Holder(w)
		acme.Write("my/external/keys/erased/rotate", fields{"overlap": 0})
		b.holders["current"] = acme.Current("my/external/keys/erased")
		acme.Remove("my/external/keys/deleted")
		w.SPA().Remove("admin/tenants/bolt")
		wait(retained - time.Hour)
		_, l, h := app(acme, nil)
		b.holders["app"] = h
		_, _, b.holders["live app"] = app(acme, fields{"ttl": "48h", "max_ttl": "48h"})
		wait(10 * time.Minute)
		l.End().Expect(200, "")
		wait(50 * time.Minute)
		w.Engine.Cleanup(context.Background()) // in good order: no use is lost
		for _, path := range w.All() {
			entry, err := w.Storage.Get(context.Background(), path)
			w.Must(err)
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
		w.Must(w.Storage.InmemStorage.Put(t.Context(), entry))
	}
	w.Restart() // over what is there now
	w.Someone("carl-admin", "carl")
	return w, w.Someone("acme-admin", "acme")
}

// of returns a holder in this world.
func (b *busy) of(w *world, who string) holder {
	h := b.holders[who]
	h.W = w
	return h
}

// right checks that everything was done, and once. After a crash any key counts as used
// until then.
func (b *busy) right(t *testing.T, w *world, acme person, crashed bool) {
	t.Helper()
	unused, disabled := "disabled", "disabled"
	if crashed && w.Verdict(b.of(w, "unused").Call()) == "valid" {
		unused, disabled = "valid", "current"
	}
	w.Root().Write("tidy", nil).Is(fields{"state": "finished", "failures": 0, "last_failure": ""})
	w.Sweep() // forgets the uses of who is gone
	for who, want := range map[string]string{
		"rotates": "valid", "rotates too": "valid", "erased": "unknown_key", "current": "valid",
		"deleted": "unknown_key", "unused": unused, "used": "valid", "bolt's": "unknown_key",
		"bolt's app": "unknown_key", "app": "unknown_key", "live app": "valid", "carl's": "unknown_key",
	} {
		if got := w.Verdict(b.of(w, who).Call()); got != want {
			t.Errorf("%s: %s, want %s", who, got, want)
		}
	}
	for name, want := range map[string]string{
		"billing": "overlapping current", "other": "overlapping current", "erased": "destroyed current",
		"unused": disabled, "used": "current",
	} {
		acme.Stands("my/external/keys/"+name, want)
		acme.Read("my/external/keys/" + name).
			Is(fields{"rotation_error": "", "rotation_failures": 0, "rotation_retry_at": nil})
	}
	for _, path := range []string{billing, other} {
		acme.Current(path).Finds("valid")
	}
	carl := w.Someone("carl-admin", "carl")
	carl.Stands(billing, "destroyed current")
	carl.Current(billing).Finds("valid")
	acme.Read("my").Is(fields{"keys": 5, "leased_keys": 1})
	w.SPA().Refused(404, "bolt").Read("admin/tenants/bolt")
	w.Root().Read("status").Is(fields{"due": 0})
	w.Root().Write("tidy", nil).Is(fields{"failures": 0, "ids_mended": 0, "due_mended": 0, "strays": 0, "destroyed": 0})
	w.Sweep()
	w.NothingStray()
}

// onlyTrueEntries checks that the due index holds one rotation and one other entry for each
// record at the most.
func onlyTrueEntries(w *world) {
	w.T.Helper()
	seen := map[string]bool{}
	for _, path := range w.Entries("due/") {
		name, rotation, _ := strings.Cut(strings.Split(path, "/")[3], ":r20")
		name = strings.TrimSuffix(name, ":c")
		about := fmt.Sprint(name, rotation != "")
		if !slices.Contains(w.All(), strings.ReplaceAll(name, ":", "/")) || seen[about] {
			w.T.Errorf("%s leads nowhere, or where another one does", path)
		}
		seen[about] = true
	}
}
