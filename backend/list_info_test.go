package backend_test

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
func (a answer) info(name string) fields {
	a.t.Helper()
	all, _ := a.data["key_info"].(fields)
	info, ok := all[name].(fields)
	if !ok {
		a.t.Fatalf("%s: nothing is told about %s", a.asked, name)
	}
	return info
}

// tells holds all that is told of an entry against what it should be.
func (a answer) tells(name string, want fields) {
	a.t.Helper()
	if got := a.info(name); !reflect.DeepEqual(got, want) {
		a.t.Errorf("%s: of %s is told\n%v, want\n%v", a.asked, name, got, want)
	}
}

// What a list tells of a key is what reading it tells.
func TestKeyInfo(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		const list, day = "my/external/keys/", 24 * time.Hour
		old := acme.key(list+"a-rotating", fields{"auto_rotate": true, "owner": "finance", "description": "Orders"})
		acme.write(list+"b-fresh", fields{"scheme": "hmac-sha256"})
		acme.write(list+"c-revoked", nil)
		acme.write(list+"c-revoked/revoke", nil)
		acme.write(list+"d-disabled", nil)
		acme.write(list+"d-disabled/disable", nil)
		acme.write(list+"e-expired", fields{"ttl": "1h", "overlap": 0})
		old.finds("valid")
		rotated := acme.write(list+"a-rotating/rotate", nil)
		wait(2 * time.Hour)
		old.finds("valid")
		usedAt := stamp(-time.Duration(time.Now().Second()) * time.Second)
		check := func() {
			t.Helper()
			a := acme.list(list, nil)
			a.tells("a-rotating", fields{
				"state":          "active",
				"scheme":         "rfc9421",
				"owner":          "finance",
				"description":    "Orders",
				"current_key_id": rotated.str("current_key_id"),
				"expires_at":     stamp(90*day - 2*time.Hour),
				"next_rotation":  rotated.str("next_rotation"),
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
				read, expires := acme.read(list+name), any(nil)
				if row.current {
					expires = read.rows("versions")[0]["expires_at"]
				} else if read.str("current_key_id") != "" {
					t.Errorf("%s has a current version", name)
				}
				if read.str("state") != row.state {
					t.Errorf("%s is %s", name, read.str("state"))
				}
				a.tells(name, fields{
					"state":          row.state,
					"scheme":         row.scheme,
					"owner":          "",
					"description":    "",
					"current_key_id": read.str("current_key_id"),
					"expires_at":     expires,
					"next_rotation":  nil,
					"last_used_at":   nil,
					"unrevealed":     row.current,
					"rotation_error": "",
				})
			}
		}
		check() // uses in memory
		w.must(w.tick())
		w.restart()
		check() // and in storage
	})
}

// A rotation that fails is told in the list as on the key.
func TestKeyInfoOfAFailingRotation(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{"auto_rotate": true})
		wait(84 * 24 * time.Hour)
		w.storage.hooks(func(verb, path string) error {
			if verb == put && strings.HasPrefix(path, "ids/") {
				return errStorage
			}
			return nil
		}, nil)
		if err := w.tick(); err == nil {
			t.Error("a failing rotation is not logged")
		}
		w.storage.hooks(nil, nil)
		told := acme.read(billing).str("rotation_error")
		if info := acme.list("my/external/keys", nil).info("billing"); told == "" || info["rotation_error"] != told {
			t.Errorf("%q, and listed %v", told, info["rotation_error"])
		}
	})
}

// Of leased keys the same is told, and whose role they are and who asked for them.
func TestLeasedInfo(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		const list, issued = "my/external/leased/", "tenants/acme/external/creds/"
		acme.write("my/external/roles/app", fields{"owner": "platform", "ttl": "2h"})
		acme.write("my/external/roles/gone", fields{"scheme": "hmac-sha256"})
		used, asked := acme.read(issued+"app").holder(w), w.someone("acme-app", "acme").read(issued+"gone").holder(w)
		revoked, ended := acme.read(issued+"app").holder(w), acme.read(issued+"app")
		disabled := acme.read(issued + "app").holder(w)
		acme.write(list+revoked.keyID+"/revoke", nil)
		acme.write(list+disabled.keyID+"/disable", nil)
		ended.lease(w).end().expect(200, "")
		acme.write("my/external/roles/gone/revoke-leased", nil)
		acme.remove("my/external/roles/gone")
		used.finds("valid")
		w.must(w.tick())
		for range 2 { // with records in memory, and read anew
			a := acme.list(list, nil)
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
			a.tells(used.keyID, row(used.keyID, "current", stamp(0)))
			a.tells(revoked.keyID, row("", "revoked", nil))
			a.tells(ended.str("key_id"), row("", "revoked", nil))
			a.tells(disabled.keyID, row(disabled.keyID, "disabled", nil))
			outlived := row("", "revoked", nil)
			outlived["role"], outlived["entity_id"], outlived["owner"], outlived["scheme"] = "gone", "acme-app", "", "hmac-sha256"
			outlived["expires_at"] = stamp(time.Hour)
			a.tells(asked.keyID, outlived)
			for _, keyID := range a.keys() {
				acme.read(list + keyID).is(fields{
					"state":        a.info(keyID)["state"],
					"entity_id":    a.info(keyID)["entity_id"],
					"owner":        a.info(keyID)["owner"],
					"last_used_at": a.info(keyID)["last_used_at"],
				})
			}
			w.restart()
		}
	})
}

// A key that is rotated often drops versions, and with them what tells when they were used; the list still does.
func TestLastUseOfADroppedVersion(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		lastUsed := func() any { return acme.list("my/external/keys/", nil).info("billing")["last_used_at"] }
		wait(time.Hour)
		if h.finds("valid"); lastUsed() != stamp(0) {
			t.Errorf("used: %v", lastUsed())
		}
		used := stamp(0)
		for range apikey.KeptEnded + 2 {
			wait(time.Minute)
			acme.write(billing+"/rotate", fields{"overlap": 0})
		}
		for _, v := range acme.read(billing).rows("versions") {
			if v["key_id"] == h.keyID || v["last_used_at"] != nil {
				t.Errorf("a use is still on record: %v", v)
			}
		}
		for range 2 {
			if lastUsed() != used {
				t.Errorf("dropped: %v, want %s", lastUsed(), used)
			}
			w.reload()
		}
	})
}

// Uses that cannot be read keep nothing else from being listed. That a key was never used is not claimed.
func TestListsWithDamagedUses(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		for i := range 20 {
			acme.key(fmt.Sprintf("my/external/keys/k%02d", i), nil).finds("valid")
		}
		w.must(w.tick())
		for _, path := range w.entries("usage/") {
			w.put(path, "{")
		}
		reads := w.cost(func() {
			a := acme.list("my/external/keys", nil)
			a.warns("when some keys were used is not known")
			for _, name := range a.keys() {
				if at, told := a.info(name)["last_used_at"]; told {
					t.Errorf("%s: last used at %v", name, at)
				}
			}
			if len(a.keys()) != 20 || len(a.warnings) != 1 {
				t.Errorf("%d keys, warnings %v", len(a.keys()), a.warnings)
			}
		})
		reads.atMost(t, "list", cost{Gets: 1, Lists: 1}, 0)
		if got := acme.list("my/external/keys", fields{"state": "active", "limit": 3}).
			keys(); !slices.Equal(
			got,
			[]string{"k00", "k01", "k02"},
		) {
			t.Error(got)
		}
	})
}
