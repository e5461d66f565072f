package paths_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// foreign is a key that was made elsewhere.
func foreign(w *world, keyID string) (holder, fields) {
	raw := []byte(strings.Repeat(keyID[:1], 20) + "-twenty-and-more")
	h := holder{W: w, KeyID: keyID, Secret: raw, Scheme: signing.Vrnt1}
	return h, fields{
		"name":   "old-" + strings.ToLower(keyID),
		"key_id": keyID,
		"key":    base64.RawURLEncoding.EncodeToString(raw),
		"scheme": "vrnt-1",
	}
}

func altered(f fields, name string, value any) fields {
	c := fields{name: value}
	for n, v := range f {
		if n != name {
			c[n] = v
		}
	}
	return c
}

func result(a answer, i int) fields { return a.Rows("results")[i] }

func TestImport(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h, item := foreign(w, "Kx7Qw2Ab")
		item = altered(
			altered(altered(item, "expires_at", stamp(24*time.Hour)), "issued_at", stamp(-24*time.Hour)),
			"owner",
			"orders",
		)
		if c := w.Cost(func() {
			r := result(acme.Write("my/external/import", fields{"keys": []any{item}, "dry_run": true}), 0)
			if r["ok"] != true || r["key_id"] != "Kx7Qw2Ab" {
				t.Errorf("%v", r)
			}
		}); c.Puts != 0 {
			t.Errorf("a dry run writes: %+v", c)
		}
		h.Finds("unknown_key")
		if r := result(acme.Write("my/external/import", fields{"keys": []any{item}}), 0); r["ok"] != true ||
			r["error"] != "" {
			t.Fatalf("%v", r)
		}
		h.Finds("valid")
		k := acme.Read("my/external/keys/old-kx7qw2ab")
		k.Is(fields{"owner": "orders", "unrevealed": false, "provider_knows": false, "current_key_id": "Kx7Qw2Ab"})
		if v := k.Rows("versions")[0]; v["imported"] != true || v["expires_at"] != stamp(24*time.Hour) ||
			v["issued_at"] != stamp(-24*time.Hour) {
			t.Errorf("%v", v)
		}
		acme.Refused(409, "reveal").Write("my/external/keys/old-kx7qw2ab/reveal", nil)
		acme.Write("my/external/keys/old-kx7qw2ab/rotate", nil).Is(fields{"provider_knows": false})
		wait(24 * time.Hour)
		h.Finds("expired")
	})
}

// Each item is judged for itself, with a refusal that says what is wrong with it.
func TestImportItems(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, globex := w.Tenant("acme"), w.Tenant("globex")
		theirs := globex.Key("my/external/keys/billing", nil)
		_, taken := foreign(w, "TakenId1")
		globex.Write("my/external/import", fields{"keys": []any{taken}})
		_, good := foreign(w, "GoodId_1")
		_, twin := foreign(w, "TwinId-1")
		short := base64.RawURLEncoding.EncodeToString(make([]byte, 31))
		long := base64.RawURLEncoding.EncodeToString(make([]byte, 65))
		rows := []struct {
			item  any
			about string // "" is done
		}{
			{good, ""},
			{altered(good, "name", "another"), "key_id: this ID cannot be used"},
			{altered(twin, "name", good["name"]), "name: "},
			{twin, ""},
			{altered(taken, "name", "mine"), "key_id: this ID cannot be used"},
			{altered(twin, "key_id", theirs.KeyID), "key_id: this ID cannot be used"},
			{altered(twin, "key_id", "short"), "key_id: has 8"},
			{altered(twin, "key_id", strings.Repeat("x", 65)), "key_id: has 8"},
			{altered(twin, "key_id", "has space"), "key_id: has 8"},
			{altered(twin, "key_id", 7), "key_id: has 8"},
			{altered(altered(twin, "key_id", "Other--1"), "key", short), "key: must be 32 to 64"},
			{altered(altered(twin, "key_id", "Other--1"), "key", long), "key: must be 32 to 64"},
			{altered(altered(twin, "key_id", "Other--1"), "key", "a="), "key: must be unpadded"},
			{altered(altered(twin, "key_id", "Other--1"), "key", short+"A"), "key: all of its bytes are equal"},
			{altered(altered(twin, "key_id", "Other--1"), "expires_at", stamp(0)), "expires_at: has passed"},
			{
				altered(altered(twin, "key_id", "Other--1"), "expires_at", stamp(366*24*time.Hour)),
				"expires_at: is more than 365d",
			},
			{altered(altered(twin, "key_id", "Other--1"), "expires_at", nil), "ttl: 0 (no expiry)"},
			{altered(altered(twin, "key_id", "Other--1"), "expires_at", "tomorrow"), "expires_at: must be a time"},
			{
				altered(altered(twin, "key_id", "Other--1"), "issued_at", stamp(time.Hour)),
				"issued_at: lies in the future",
			},
			{altered(altered(twin, "key_id", "Other--1"), "compat", []any{"no_nonce"}), "compat: no_nonce is"},
			{altered(altered(twin, "key_id", "Other--1"), "tenant", "globex"), "tenant: is no field"},
			{altered(altered(twin, "key_id", "Other--1"), "scheme", "rfc9999"), "scheme: "},
			{altered(altered(twin, "key_id", "Other--1"), "name", "No Name"), "name: "},
			{"text", "keys: each is an object"},
		}
		var items []any
		for _, row := range rows {
			items = append(items, row.item)
		}
		for _, dry := range []bool{true, false} {
			a := acme.Write("my/external/import", fields{"keys": items, "dry_run": dry})
			for i, row := range rows {
				r := result(a, i)
				text, _ := r["error"].(string)
				if r["ok"] != (row.about == "") || !strings.HasPrefix(text, row.about) ||
					row.about == "" && text != "" {
					t.Errorf("dry %v, item %d: %v, want %q", dry, i, r, row.about)
				}
			}
		}
		theirs.Finds("valid")
		globex.Read("my/ids/TakenId1").Is(fields{"name": "old-takenid1"})
		acme.Read("my").Is(fields{"keys": 2})
		for _, f := range []fields{{"keys": []any{}}, {"keys": "x"}, nil, {"keys": []any{good}, "dry_run": "maybe"}} {
			acme.Refused(400, "").Write("my/external/import", f)
		}
		acme.Refused(400, "keys").Write("my/external/import", fields{"keys": make([]any, 1001)})
	})
}

// An imported ID is spent for ever, also when nothing else is left of its key.
func TestImportedIDsAreNeverReused(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, globex := w.Tenant("acme"), w.Tenant("globex")
		h, item := foreign(w, "SpentId1")
		acme.Write("my/external/import", fields{"keys": []any{item}})
		acme.Remove("my/external/keys/old-spentid1")
		wait(8 * 24 * time.Hour)
		w.Must(w.Tick())
		acme.Refused(404, "old-spentid1").Read("my/external/keys/old-spentid1")
		h.Finds("unknown_key")
		for _, who := range []person{acme, globex} {
			r := result(who.Write("my/external/import", fields{"keys": []any{item}}), 0)
			if r["error"] != "key_id: this ID cannot be used" {
				t.Errorf("%v", r)
			}
		}
		// Nor when it has only fallen out of a long list of ended versions.
		_, item = foreign(w, "FallenId")
		acme.Write("my/external/import", fields{"keys": []any{item}})
		for range 25 {
			acme.Write("my/external/keys/old-fallenid/rotate", fields{"overlap": 0})
			wait(time.Second)
		}
		if n := len(acme.Read("my/external/keys/old-fallenid").Rows("versions")); n > 22 {
			t.Fatalf("%d versions", n)
		}
		w.Root().Write("tidy", nil)
		r := result(globex.Write("my/external/import", fields{"keys": []any{item}}), 0)
		if r["error"] != "key_id: this ID cannot be used" {
			t.Errorf("%v", r)
		}
	})
}

func TestAdminImport(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Tenant("globex")
		h, item := foreign(w, "Provider1")
		item = altered(altered(item, "tenant", "acme"), "kind", "internal")
		w.Root().Refused(403, "allow_import_until").Write("admin/import", fields{"keys": []any{item}})
		w.Root().
			Write("config", fields{"allow_import_until": stamp(time.Hour)}).
			Is(fields{"allow_import_until": stamp(time.Hour)})
		w.SPA().Write("admin/tenants/globex/suspend", nil)
		a := w.Root().Write("admin/import", fields{"keys": []any{
			item,
			altered(item, "tenant", "nobody"),
			altered(item, "tenant", "globex"),
			altered(item, "kind", "other"),
			altered(item, "tenant", ""),
		}})
		for i, about := range []string{"", "tenant: ", "tenant_suspended: ", "kind: ", "tenant: "} {
			if text, _ := result(a, i)["error"].(string); !strings.HasPrefix(text, about) ||
				(text == "") != (about == "") {
				t.Errorf("item %d: %q, want %q", i, text, about)
			}
		}
		h.Finds("valid")
		acme.Read("my/internal/keys/old-provider1").Is(fields{"provider_knows": true})
		acme.Write("my/internal/keys/old-provider1/rotate", nil).Is(fields{"provider_knows": false})
		acme.Refused(403, "provider").Write("admin/import", fields{"keys": []any{item}})
		wait(time.Hour)
		w.Root().Refused(403, "allow_import_until").Write("admin/import", fields{"keys": []any{item}})
	})
}

// A panic costs the item alone, and not the plugin.
func TestImportPanics(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		_, one := foreign(w, "PanicsId")
		h, two := foreign(w, "OtherId1")
		w.Storage.Hooks(func(verb, path string) error {
			if verb == put && path == "ids/PanicsId" {
				panic("hunter2")
			}
			return nil
		}, nil)
		a := acme.Write("my/external/import", fields{"keys": []any{one, two}})
		w.Storage.Hooks(nil, nil)
		if r := result(a, 0); r["ok"] != false || r["error"] != failed {
			t.Errorf("%v", r)
		}
		if r := result(a, 1); r["ok"] != true {
			t.Errorf("%v", r)
		}
		h.Finds("valid")
		acme.Read("my").Is(fields{"keys": 1})
	})
}

// failed is what the result of an item says when storage has failed.
const failed = "storage or Vault itself has failed; the server's log says how: try again"

// Limits hold for imports, and storage that fails costs the item alone.
func TestImportUnderLimitsAndFailures(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Patch("my", fields{"max_keys": 2})
		var items []any
		for i := range 4 {
			_, item := foreign(w, fmt.Sprintf("%dImported", i))
			items = append(items, item)
		}
		w.Storage.Hooks(func(verb, path string) error {
			if verb == put && path == "keys/acme/external/old-0imported" {
				return errStorage
			}
			return nil
		}, nil)
		a := acme.Write("my/external/import", fields{"keys": items})
		w.Storage.Hooks(nil, nil)
		made := 0
		for i := range 4 { // written at the same time, so which one is too many is open
			text, _ := result(a, i)["error"].(string)
			if text == "" {
				made++
			}
			if text != "" && !strings.HasPrefix(text, "max_keys: ") && (i != 0 || text != failed) ||
				i == 0 && text == "" {
				t.Errorf("item %d: %q", i, text)
			}
		}
		if made == 0 || made > 2 {
			t.Errorf("%d keys were made", made)
		}
		acme.Read("my").Is(fields{"keys": made})
	})
}
