package paths_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// info returns what a list tells of one entry.
func info(a answer, name string) fields {
	a.T.Helper()
	all, _ := a.Data["key_info"].(fields)
	info, ok := all[name].(fields)
	if !ok {
		a.T.Fatalf("%s: nothing is told about %s", a.Asked, name)
	}
	return info
}

// tells holds all that is told of an entry against what it should be.
func tells(a answer, name string, want fields) {
	a.T.Helper()
	if got := info(a, name); !reflect.DeepEqual(got, want) {
		a.T.Errorf("%s: of %s is told\n%v, want\n%v", a.Asked, name, got, want)
	}
}

// What a list tells of a key is what reading it tells.
func TestKeyInfo(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		const list, day = "my/external/keys/", 24 * time.Hour
		old := acme.Key(list+"a-rotating", fields{"auto_rotate": true, "owner": "finance", "description": "Orders"})
		acme.Write(list+"b-fresh", fields{"scheme": "hmac-sha256"})
		acme.Write(list+"c-revoked", nil)
		acme.Write(list+"c-revoked/revoke", nil)
		acme.Write(list+"d-disabled", nil)
		acme.Write(list+"d-disabled/disable", nil)
		acme.Write(list+"e-expired", fields{"ttl": "1h", "overlap": 0})
		old.Finds("valid")
		rotated := acme.Write(list+"a-rotating/rotate", nil)
		wait(2 * time.Hour)
		old.Finds("valid")
		usedAt := stamp(-time.Duration(time.Now().Second()) * time.Second)
		check := func() {
			t.Helper()
			a := acme.List(list, nil)
			tells(a, "a-rotating", fields{
				"state":          "active",
				"scheme":         "rfc9421",
				"owner":          "finance",
				"description":    "Orders",
				"current_key_id": rotated.Str("current_key_id"),
				"expires_at":     stamp(90*day - 2*time.Hour),
				"next_rotation":  rotated.Str("next_rotation"),
				"last_used_at":   usedAt,
				"unrevealed":     true,
				"rotation_error": "",
			})
			for name, row := range map[string]struct {
				state, scheme string
				current       bool
			}{
				"b-fresh":    {"active", "hmac-sha256", true},
				"c-revoked":  {"revoked", "rfc9421", false},
				"d-disabled": {"disabled", "rfc9421", true},
				"e-expired":  {"active", "rfc9421", false},
			} {
				read, expires := acme.Read(list+name), any(nil)
				if row.current {
					expires = read.Rows("versions")[0]["expires_at"]
				} else if read.Str("current_key_id") != "" {
					t.Errorf("%s has a current version", name)
				}
				if read.Str("state") != row.state {
					t.Errorf("%s is %s", name, read.Str("state"))
				}
				tells(a, name, fields{
					"state":          row.state,
					"scheme":         row.scheme,
					"owner":          "",
					"description":    "",
					"current_key_id": read.Str("current_key_id"),
					"expires_at":     expires,
					"next_rotation":  nil,
					"last_used_at":   nil,
					"unrevealed":     row.current,
					"rotation_error": "",
				})
			}
		}
		check() // uses in memory
		w.Must(w.Tick())
		w.Restart()
		check() // and in storage
	})
}

// A rotation that fails is told in the list as on the key.
func TestKeyInfoOfAFailingRotation(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, fields{"auto_rotate": true})
		wait(84 * 24 * time.Hour)
		w.Storage.Hooks(func(verb, path string) error {
			if verb == put && strings.HasPrefix(path, "ids/") {
				return errStorage
			}
			return nil
		}, nil)
		if err := w.Tick(); err == nil {
			t.Error("a failing rotation is not logged")
		}
		w.Storage.Hooks(nil, nil)
		told := acme.Read(billing).Str("rotation_error")
		if info := info(acme.List("my/external/keys", nil), "billing"); told == "" || info["rotation_error"] != told {
			t.Errorf("%q, and listed %v", told, info["rotation_error"])
		}
	})
}

// Of leased keys the same is told, and whose role they are and who asked for them.
func TestLeasedInfo(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		const list, issued = "my/external/leased/", "tenants/acme/external/creds/"
		acme.Write("my/external/roles/app", fields{"owner": "platform", "ttl": "2h"})
		acme.Write("my/external/roles/gone", fields{"scheme": "hmac-sha256"})
		used, asked := acme.Read(issued+"app").Holder(w), w.Someone("acme-app", "acme").Read(issued+"gone").Holder(w)
		revoked, ended := acme.Read(issued+"app").Holder(w), acme.Read(issued+"app")
		disabled := acme.Read(issued + "app").Holder(w)
		acme.Write(list+revoked.KeyID+"/revoke", nil)
		acme.Write(list+disabled.KeyID+"/disable", nil)
		ended.Lease(w).End().Expect(200, "")
		acme.Write("my/external/roles/gone/revoke-leased", nil)
		acme.Remove("my/external/roles/gone")
		used.Finds("valid")
		w.Must(w.Tick())
		for range 2 { // with records in memory, and read anew
			a := acme.List(list, nil)
			row := func(current, state string, lastUsed any) fields {
				return fields{
					"state":          state,
					"scheme":         "rfc9421",
					"owner":          "platform",
					"current_key_id": current,
					"expires_at":     stamp(2 * time.Hour),
					"next_rotation":  nil,
					"last_used_at":   lastUsed,
					"unrevealed":     false,
					"rotation_error": "",
					"role":           "app",
					"entity_id":      "acme-admin",
					"asked_by_name":  "",
				}
			}
			tells(a, used.KeyID, row(used.KeyID, "current", stamp(0)))
			tells(a, revoked.KeyID, row("", "revoked", nil))
			tells(a, ended.Str("key_id"), row("", "revoked", nil))
			tells(a, disabled.KeyID, row(disabled.KeyID, "disabled", nil))
			outlived := row("", "revoked", nil)
			outlived["role"], outlived["entity_id"] = "gone", "acme-app"
			outlived["owner"], outlived["scheme"] = "", "hmac-sha256"
			outlived["expires_at"] = stamp(time.Hour)
			tells(a, asked.KeyID, outlived)
			for _, keyID := range a.Keys() {
				acme.Read(list + keyID).Is(fields{
					"state":        info(a, keyID)["state"],
					"entity_id":    info(a, keyID)["entity_id"],
					"owner":        info(a, keyID)["owner"],
					"last_used_at": info(a, keyID)["last_used_at"],
				})
			}
			w.Restart()
		}
	})
}

// A key that is rotated often drops versions, and with them what tells when they were used; the list still does.
func TestLastUseOfADroppedVersion(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		lastUsed := func() any { return info(acme.List("my/external/keys/", nil), "billing")["last_used_at"] }
		wait(time.Hour)
		if h.Finds("valid"); lastUsed() != stamp(0) {
			t.Errorf("used: %v", lastUsed())
		}
		used := stamp(0)
		for range apikey.KeptEnded + 2 {
			wait(time.Minute)
			acme.Write(billing+"/rotate", fields{"overlap": 0})
		}
		for _, v := range acme.Read(billing).Rows("versions") {
			if v["key_id"] == h.KeyID || v["last_used_at"] != nil {
				t.Errorf("a use is still on record: %v", v)
			}
		}
		for range 2 {
			if lastUsed() != used {
				t.Errorf("dropped: %v, want %s", lastUsed(), used)
			}
			w.Reload()
		}
	})
}

// Uses that cannot be read keep nothing else from being listed. That a key was never used is not claimed.
func TestListsWithDamagedUses(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		for i := range 20 {
			acme.Key(fmt.Sprintf("my/external/keys/k%02d", i), nil).Finds("valid")
		}
		w.Must(w.Tick())
		for _, path := range w.Entries("usage/") {
			w.Put(path, "{")
		}
		reads := w.Cost(func() {
			a := acme.List("my/external/keys", nil)
			a.Warns("when some keys were used is not known")
			for _, name := range a.Keys() {
				if at, told := info(a, name)["last_used_at"]; told {
					t.Errorf("%s: last used at %v", name, at)
				}
			}
			if len(a.Keys()) != 20 || len(a.Warnings) != 1 {
				t.Errorf("%d keys, warnings %v", len(a.Keys()), a.Warnings)
			}
		})
		reads.AtMost(t, "list", cost{Gets: 1, Lists: 1}, 0)
		if got := acme.List("my/external/keys", fields{"state": "active", "limit": 3}).
			Keys(); !slices.Equal(
			got,
			[]string{"k00", "k01", "k02"},
		) {
			t.Error(got)
		}
	})
}
