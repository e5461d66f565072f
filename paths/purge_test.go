package paths_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/test/enginetest"
)

const purge = billing + "/purge"

// A purged key is unknown at once and its name is free. Whoever asks for its IDs is told for as long as retention, the
// provider less than the tenant, and then nothing is left.
func TestPurge(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, enginetest.Scheduled)
		acme.Write(billing+"/rotate", nil)
		second := acme.Current(billing)
		h.Finds("valid")
		acme.Remove(billing)
		second.Finds("disabled")

		a := called(acme, "ldap-joe", logical.UpdateOperation, purge, fields{"reason": "made by mistake"})
		a.Silent()
		if a.Is(fields{"name": "billing", "kind": "external", "purged_at": stamp(0)}); !reflect.DeepEqual(
			a.Data["key_ids"], []any{h.KeyID, second.KeyID}) {
			t.Errorf("key_ids: %v", a.Data["key_ids"])
		}
		for version, gone := range []holder{h, second} {
			gone.Finds("unknown_key")
			acme.Write("my/verify", gone.Call()).Is(fields{"verdict": "unknown_key"})
			acme.Read("my/ids/" + gone.KeyID).Is(fields{
				"kind": "external", "name": "billing", "version": version + 1, "state": "destroyed",
				"key_state": "purged", "leased": false, "purged_at": stamp(0), "reason": "made by mistake",
				"purged_by": acme.Entity, "purged_by_name": "ldap-joe",
			})
			admin := w.SPA().Read("admin/ids/" + gone.KeyID)
			admin.Is(fields{"tenant": "acme", "kind": "external", "purged_at": stamp(0), "reason": "made by mistake"})
			if len(admin.Data) != 4 {
				t.Errorf("the provider is told %v", admin.Data)
			}
		}
		acme.Refused(404, "billing").Read(billing)
		acme.Refused(404, "billing").Write(purge, nil)
		acme.Read("my").Is(fields{"keys": 0})
		if left := w.Entries("keys/", "ids/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}

		before := w.Entries("due/") // that of the version that was rotated leads nowhere until its time comes
		acme.Write(billing, altered(enginetest.Scheduled, "cas", 0)).Is(fields{"revision": 1})
		acme.Remove(billing)
		acme.Write(purge, nil)
		if left := w.Entries("due/"); len(before) > 1 || !slices.Equal(left, before) {
			t.Errorf("due: %v, before %v", left, before)
		}
		wait(retained - time.Second)
		w.Root().Write("tidy", nil)
		acme.Read("my/ids/" + h.KeyID).Is(fields{"key_state": "purged"})
		wait(time.Second)
		acme.Refused(404, h.KeyID).Read("my/ids/" + h.KeyID)
		w.SPA().Refused(404, h.KeyID).Read("admin/ids/" + h.KeyID)
		w.Root().Write("tidy", nil)
		if left := w.Entries("purged/ids/", "usage/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// The walk that the engine makes by itself drops what purges have left, too.
func TestPurgedIDsGoByThemselves(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, nil)
		acme.Remove(billing)
		acme.Write(purge, nil)
		w.Ticking(retained, 12*time.Hour)
		w.Ticking(24*time.Hour, time.Hour)
		if left := w.Entries("purged/ids/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestPurgeIsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		first  func(w *world, acme person)
		sent   fields
		status int
		about  string
	}{
		"not deleted": {
			func(_ *world, acme person) { acme.Write(billing+"/restore", nil) }, nil, 400, "purge: the key is",
		},
		"no key": {func(w *world, _ person) { erase(w, "keys/acme/external/billing") }, nil, 404, "billing"},
		"suspended": {
			func(w *world, _ person) { w.SPA().Write("admin/tenants/acme/suspend", nil) }, nil, 400,
			"tenant_suspended",
		},
		"switched off": {
			func(w *world, _ person) { w.Root().Patch("config", fields{"allow_purge": false}) }, nil, 403,
			"allow_purge off; the key is erased by itself at ",
		},
		"reason too long": {nil, fields{"reason": strings.Repeat("x", 2000)}, 400, "reason"},
		"reason no text":  {nil, fields{"reason": []any{}}, 400, "reason"},
		"strange field":   {nil, fields{"force": true}, 400, "force"},
		"not the provider": {func(w *world, _ person) {
			w.SPA().Refused(403, "").Write("tenants/acme/external/keys/billing/purge", nil)
		}, fields{"cas": 1}, 400, "cas"},
	} {
		clocked(t, name, func(_ *testing.T, w *world) {
			acme := w.Tenant("acme")
			acme.Write(billing, nil)
			acme.Remove(billing)
			if row.first != nil {
				row.first(w, acme)
			}
			acme.Refused(row.status, row.about).Write(purge, row.sent)
			if left := w.Entries("purged/"); len(left) != 0 {
				w.T.Errorf("a purge that was refused has left %v", left)
			}
		})
	}
}

// A tenant purges max_keys keys a day, whatever node it asks and whether its purges succeed.
func TestPurgesOfADayAreLimited(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		w.Root().Patch("config", fields{"max_keys": 3})
		acme.Patch("my", fields{"max_keys": 2})
		gone := func(p person) {
			p.Write(billing, nil)
			p.Remove(billing)
		}
		for range 2 {
			gone(acme)
			acme.Write(purge, nil)
			w.Restart()
		}
		gone(acme)
		acme.Refused(400, "max_keys: the tenant has purged the 2 keys").Write(purge, nil)
		acme.Write(billing+"/restore", nil)
		acme.Remove(billing)
		gone(bolt)
		bolt.Write(purge, nil)
		w.Root().Patch("config", fields{"max_keys": nil})
		acme.Refused(400, "max_keys").Write(purge, nil)
		acme.Patch("my", fields{"max_keys": nil})
		acme.Write(purge, nil)
		acme.Patch("my", fields{"max_keys": 2})
		gone(acme)
		acme.Refused(400, "max_keys").Write(purge, nil)
		wait(24 * time.Hour)
		acme.Write(purge, nil)
	})
}

// Of a purged key other tenants learn nothing, and a later tenant of the name is another.
func TestPurgedIDsOfOthers(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h := acme.Key(billing, nil)
		live := acme.Key("my/external/keys/live", nil)
		bolt.Write(billing, nil)
		acme.Remove(billing)
		acme.Write(purge, nil)
		for _, theirs := range []holder{h, live} {
			nobodys := bolt.Refused(404, "").Read("my/ids/0123456789abcdef")
			got := bolt.Refused(404, "").Read("my/ids/" + theirs.KeyID)
			if strings.ReplaceAll(got.Text, theirs.KeyID, "0123456789abcdef") != nobodys.Text {
				t.Errorf("%s, of nobody's %s", got.Text, nobodys.Text)
			}
			bolt.Write("my/verify", theirs.Call()).Is(fields{"verdict": "unknown_key"})
		}
		bolt.Read(billing).Is(fields{"state": "active"})
	})
}

func TestPurgedKeysOfAFormerTenant(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		w.Root().Patch("config", fields{"retention": "3d"})
		acme.Remove(billing)
		w.SPA().Remove("admin/tenants/acme")
		w.SPA().Write("admin/tenants/acme/restore", nil)
		wait(2 * 24 * time.Hour)
		acme.Write(purge, nil)
		w.SPA().Remove("admin/tenants/acme")
		w.SPA().Read("admin/ids/" + h.KeyID).Is(fields{"tenant": "acme", "purged_at": stamp(0)})
		kept, err := w.Storage.Get(t.Context(), "purged/ids/"+h.KeyID)
		w.Must(err)
		w.Root().Patch("config", fields{"retention": "1m"})
		wait(time.Minute)
		w.Sweep()
		w.Root().Patch("config", fields{"retention": "3d"}) // what was kept would be told
		w.SPA().Refused(404, "").Read("admin/ids/" + h.KeyID)
		again := w.Tenant("acme")
		w.Put(kept.Key, string(kept.Value)) // the sweep may come to it later than to the tenant
		again.Refused(404, "").Read("my/ids/" + h.KeyID)
		w.SPA().Refused(404, "").Read("admin/ids/" + h.KeyID)
		w.Root().Write("tidy", nil)
		if left := w.Entries("purged/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// The key of a former tenant of the name is no key of this one, and cannot be purged.
func TestWhatCarriesAnotherUIDIsNotPurged(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, nil)
		acme.Remove(billing)
		record, err := w.Storage.Get(t.Context(), "keys/acme/external/billing")
		w.Must(err)
		erase(w, "keys/acme/external/billing")
		w.SPA().Remove("admin/tenants/acme")
		wait(retained)
		w.Sweep()
		again := w.Tenant("acme")
		w.Must(w.Storage.Put(t.Context(), record))
		again.Refused(404, "billing").Write(purge, nil)
	})
}

// An imported key ID stays spent when its key is purged.
func TestPurgedImportedIDsStaySpent(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h, item := foreign(w, "SpentForGood")
		acme.Write("my/external/import", fields{"keys": []any{item}})
		h.Finds("valid")
		path := "my/external/keys/" + item["name"].(string)
		acme.Remove(path)
		acme.Write(path+"/purge", nil)
		h.Finds("unknown_key")
		again := acme.Write("my/external/import", fields{"keys": []any{item}})
		if got := fmt.Sprint(result(again, 0)); !strings.Contains(got, "key_id") {
			w.T.Errorf("imported again: %s", got)
		}
		wait(2 * retained)
		w.Root().Write("tidy", nil)
		again = acme.Write("my/external/import", fields{"keys": []any{item}})
		if got := fmt.Sprint(result(again, 0)); !strings.Contains(got, "key_id") {
			w.T.Errorf("imported after retention: %s", got)
		}
		h.Finds("unknown_key")
	})
}
