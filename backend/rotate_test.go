package backend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const billing = "my/external/keys/billing"

// current returns who holds the secret of the key's current version.
func (p person) current(path string) holder {
	p.w.t.Helper()
	return p.write(path+"/reveal", nil).holder(p.w)
}

func TestRotation(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		old := acme.key(billing, fields{"ttl": "30d", "overlap": "2d"})
		wait(24 * time.Hour)
		rotated := acme.write(billing+"/rotate", nil)
		next := acme.current(billing)
		rotated.is(fields{"current_key_id": next.keyID, "revision": 3, "last_rotation": stamp(0), "unrevealed": true})
		versions := rotated.rows("versions")
		for i, want := range []fields{
			{
				"key_id": old.keyID, "version": 1.0, "state": "overlapping", "expires_at": stamp(48 * time.Hour),
				"rotated_to": next.keyID, "rotated_from": "",
			},
			{
				"key_id": next.keyID, "version": 2.0, "state": "current", "expires_at": stamp(30 * 24 * time.Hour),
				"rotated_to": "", "rotated_from": old.keyID,
			},
		} {
			for name, v := range want {
				if versions[i][name] != v {
					t.Errorf("version %d: %s is %v, want %v", i+1, name, versions[i][name], v)
				}
			}
		}
		// Only the current one signs; the old one verifies, and leads to its successor.
		acme.write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"}).
			is(fields{"key_id": next.keyID})
		w.root().
			write("verify", old.call()).
			is(fields{"verdict": "valid", "state": "overlapping", "successor_key_id": next.keyID})
		w.root().
			write("verify", next.call()).
			is(fields{"verdict": "valid", "state": "current", "successor_key_id": nil})
		wait(48*time.Hour - time.Nanosecond)
		old.finds("valid")
		wait(time.Nanosecond)
		w.root().
			write("verify", old.call()).
			is(fields{"verdict": "expired", "state": "expired", "successor_key_id": next.keyID})
		next.finds("valid")
	})
}

func TestRotationByHandEndsOlderVersionsEarlier(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		first := acme.key(billing, fields{"ttl": "10d", "overlap": "5d"})
		wait(8 * 24 * time.Hour)
		acme.write(billing+"/rotate", fields{"overlap": "5d"}) // the first keeps its own end, in 2 days
		second := acme.current(billing)
		acme.write(billing+"/rotate", fields{"overlap": 3600})
		third := acme.current(billing)
		wait(time.Hour)
		first.finds("expired")
		second.finds("expired")
		third.finds("valid")
		acme.write(billing+"/rotate", fields{"overlap": 0})
		third.finds("expired")
		acme.refused(400, "overlap").write(billing+"/rotate", fields{"overlap": "721h"})
	})
}

// A retried rotate with current_key_id does no harm: the second one is told who won.
func TestRetriedRotate(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		retry := fields{"current_key_id": h.keyID}
		next := acme.write(billing+"/rotate", retry).str("current_key_id")
		for range 3 {
			acme.refused(409, next).write(billing+"/rotate", retry)
		}
		if n := len(acme.read(billing).rows("versions")); n != 2 {
			t.Errorf("%d versions", n)
		}
		acme.refused(400, "current_key_id").write(billing+"/rotate", fields{"current_key_id": "?"})
		acme.refused(409, next).write(billing+"/rotate", fields{"current_key_id": "0123456789abcdef"})
	})
}

func TestHistory(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		h := acme.key(billing, nil)
		acme.write(billing, fields{"owner": "x"})
		acme.write(billing+"/disable", fields{"reason": "holiday"})
		acme.write(billing+"/enable", nil)
		acme.write(billing+"/rotate", nil)
		acme.write(billing+"/revoke", fields{"key_id": h.keyID, "reason": "lost"})
		acme.remove(billing)
		acme.write(billing+"/restore", nil)
		entries := acme.read(billing + "/history").rows("entries")
		var operations []string
		for _, e := range entries {
			operations = append(operations, e["operation"].(string))
			if e["entity_id"] != "acme-admin" || e["accessor"] != "acme-admin-accessor" || e["time"] != stamp(0) ||
				e["request_id"] == "" {
				t.Errorf("%v", e)
			}
		}
		if got := strings.Join(
			operations,
			" ",
		); got != "create reveal change disable enable rotate revoke delete restore" {
			t.Errorf("history: %s", got)
		}
		if entries[3]["reason"] != "holiday" || entries[6]["reason"] != "lost" || entries[6]["key_id"] != h.keyID {
			t.Errorf("%v", entries)
		}
		for range 40 {
			acme.write(billing+"/disable", nil)
			acme.write(billing+"/enable", nil)
		}
		if n := len(acme.read(billing + "/history").rows("entries")); n != 32 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestProtectedKeyIsNotDeleted(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{"deletion_protected": true})
		acme.refused(400, "deletion_protected").remove(billing)
		acme.write(billing, fields{"deletion_protected": false})
		acme.remove(billing).is(fields{"state": "deleted", "restorable_to": stamp(7 * 24 * time.Hour)})
	})
}

// Where it cannot be told whether a version was used since, its reveal is not repeated; a storage that answers again
// lets it.
func TestRevealWithoutUses(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, nil)
		acme.write(billing+"/reveal", fields{"request_id": "one"})
		w.storage.hooks(func(_, path string) error {
			if strings.HasPrefix(path, "usage/") {
				return errStorage
			}
			return nil
		}, nil)
		acme.refused(409, "rotate").write(billing+"/reveal", fields{"request_id": "one"})
		w.storage.hooks(nil, nil)
		acme.write(billing+"/reveal", fields{"request_id": "one"})
	})
}

// How soon apps read again is the mount's, within what its shortest overlap bears.
func TestStaticTTL(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, root := w.tenant("acme"), w.root()
		effective := func(want int) {
			t.Helper()
			if got := fmt.Sprint(root.read("config").data["effective"]); got != fmt.Sprintf(
				"map[static_ttl:%d]",
				want,
			) {
				t.Errorf("effective: %s, want %d", got, want)
			}
		}
		effective(300)
		root.refused(400, "min_overlap").write("config", fields{"static_ttl": "5m1s"})
		root.refused(400, "static_ttl").write("config", fields{"static_ttl": "4s"})
		root.write("config", fields{"static_ttl": "1m"})
		effective(60)
		root.write("config", fields{"min_overlap": "30s"}) // which is no write of static_ttl
		effective(15)
		root.refused(400, "half of min_overlap, 15s").write("config", fields{"static_ttl": "1m"})
		root.write("config", fields{"min_overlap": "1s", "static_ttl": "5s"})
		effective(5)
		root.write("config", fields{"min_overlap": nil, "static_ttl": nil})
		effective(300)

		// Who hands out again and again is told of overlaps in which an app may miss a rotation.
		const short = "read static-creds again"
		acme.write(billing, fields{"reveal": "always", "overlap": "6m59s"}).warns(short)
		acme.write(billing, fields{"overlap": "7m"}).silent()
		acme.write(billing+"/rotate", nil).silent()
		acme.write(billing+"/rotate", fields{"overlap": "20s"}).warns(short)
		acme.write(billing+"/rotate", fields{"overlap": 0}).warns(short)
		acme.write(billing, fields{"reveal": "once", "overlap": "1m"}).silent()
		acme.write(billing+"/rotate", nil).silent()
	})
}

// The window cuts an overlap where half of it stays, and says so; it does not make an app miss a rotation.
func TestOverlapCutByTheWindow(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.tenant("acme")
		opens := func(long time.Duration) fields { // until then
			return fields{
				"expiry_window": fmt.Sprintf("Sun-Sat 00:00-%s UTC", time.Now().Add(long).UTC().Format("15:04")),
			}
		}
		acme.write(billing, fields{"reveal": "always", "overlap": "1h"})
		for _, row := range []struct{ open, ends time.Duration }{
			{40 * time.Minute, 40 * time.Minute}, {5 * time.Minute, time.Hour},
		} {
			made := acme.patch(billing, opens(row.open)).rows("versions")
			rotated := acme.write(billing+"/rotate", nil)
			if row.ends < time.Hour {
				rotated.warns("the end of the overlap, to " + stamp(row.ends) + " by expiry_window")
			}
			if warned := fmt.Sprint(rotated.warnings); strings.Contains(warned, "read static-creds again") {
				t.Errorf("warned of %s", warned)
			}
			if got := rotated.rows("versions")[len(made)-1]["expires_at"]; got != stamp(row.ends) {
				t.Errorf("the old version ends %v, want %s", got, stamp(row.ends))
			}
		}
	})
}
