package paths_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRotation(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		old := acme.Key(billing, fields{"ttl": "30d", "overlap": "2d"})
		wait(24 * time.Hour)
		rotated := acme.Write(billing+"/rotate", nil)
		next := acme.Current(billing)
		rotated.Is(fields{"current_key_id": next.KeyID, "revision": 3, "last_rotation": stamp(0), "unrevealed": true})
		versions := rotated.Rows("versions")
		for i, want := range []fields{
			{
				"key_id": old.KeyID, "version": 1.0, "state": "overlapping", "expires_at": stamp(48 * time.Hour),
				"rotated_to": next.KeyID, "rotated_from": "",
			},
			{
				"key_id": next.KeyID, "version": 2.0, "state": "current", "expires_at": stamp(30 * 24 * time.Hour),
				"rotated_to": "", "rotated_from": old.KeyID,
			},
		} {
			for name, v := range want {
				if versions[i][name] != v {
					t.Errorf("version %d: %s is %v, want %v", i+1, name, versions[i][name], v)
				}
			}
		}
		// Only the current one signs; the old one verifies, and leads to its successor.
		acme.Write("my/external/sign/billing", fields{"request": "GET / HTTP/1.1\nHost: api.example.com"}).
			Is(fields{"key_id": next.KeyID})
		w.Root().
			Write("verify", old.Call()).
			Is(fields{"verdict": "valid", "state": "overlapping", "successor_key_id": next.KeyID})
		w.Root().
			Write("verify", next.Call()).
			Is(fields{"verdict": "valid", "state": "current", "successor_key_id": nil})
		wait(48*time.Hour - time.Nanosecond)
		old.Finds("valid")
		wait(time.Nanosecond)
		w.Root().
			Write("verify", old.Call()).
			Is(fields{"verdict": "expired", "state": "expired", "successor_key_id": next.KeyID})
		next.Finds("valid")
	})
}

func TestRotationByHandEndsOlderVersionsEarlier(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		first := acme.Key(billing, fields{"ttl": "10d", "overlap": "5d"})
		wait(8 * 24 * time.Hour)
		acme.Write(billing+"/rotate", fields{"overlap": "5d"}) // the first keeps its own end, in 2 days
		second := acme.Current(billing)
		acme.Write(billing+"/rotate", fields{"overlap": 3600})
		third := acme.Current(billing)
		wait(time.Hour)
		first.Finds("expired")
		second.Finds("expired")
		third.Finds("valid")
		acme.Write(billing+"/rotate", fields{"overlap": 0})
		third.Finds("expired")
		acme.Refused(400, "overlap").Write(billing+"/rotate", fields{"overlap": "721h"})
	})
}

// A retried rotate with current_key_id does no harm: the second one is told who won.
func TestRetriedRotate(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		retry := fields{"current_key_id": h.KeyID}
		next := acme.Write(billing+"/rotate", retry).Str("current_key_id")
		for range 3 {
			acme.Refused(409, next).Write(billing+"/rotate", retry)
		}
		if n := len(acme.Read(billing).Rows("versions")); n != 2 {
			t.Errorf("%d versions", n)
		}
		acme.Refused(400, "current_key_id").Write(billing+"/rotate", fields{"current_key_id": "?"})
		acme.Refused(409, next).Write(billing+"/rotate", fields{"current_key_id": "0123456789abcdef"})
	})
}

func TestHistory(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		acme.Write(billing, fields{"owner": "x"})
		acme.Write(billing+"/disable", fields{"reason": "holiday"})
		acme.Write(billing+"/enable", nil)
		acme.Write(billing+"/rotate", nil)
		acme.Write(billing+"/revoke", fields{"key_id": h.KeyID, "reason": "lost"})
		acme.Remove(billing)
		acme.Write(billing+"/restore", nil)
		entries := acme.Read(billing + "/history").Rows("entries")
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
		if entries[3]["reason"] != "holiday" || entries[6]["reason"] != "lost" || entries[6]["key_id"] != h.KeyID {
			t.Errorf("%v", entries)
		}
		for range 40 {
			acme.Write(billing+"/disable", nil)
			acme.Write(billing+"/enable", nil)
		}
		if n := len(acme.Read(billing + "/history").Rows("entries")); n != 32 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestProtectedKeyIsNotDeleted(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, fields{"deletion_protected": true})
		acme.Refused(400, "deletion_protected").Remove(billing)
		acme.Write(billing, fields{"deletion_protected": false})
		acme.Remove(billing).Is(fields{"state": "deleted", "restorable_to": stamp(7 * 24 * time.Hour)})
	})
}

// Where it cannot be told whether a version was used since, its reveal is not repeated; a storage that answers again
// lets it.
func TestRevealWithoutUses(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, nil)
		acme.Write(billing+"/reveal", fields{"request_id": "one"})
		w.Storage.Hooks(func(_, path string) error {
			if strings.HasPrefix(path, "usage/") {
				return errStorage
			}
			return nil
		}, nil)
		acme.Refused(409, "rotate").Write(billing+"/reveal", fields{"request_id": "one"})
		w.Storage.Hooks(nil, nil)
		acme.Write(billing+"/reveal", fields{"request_id": "one"})
	})
}

// How soon apps read again is the mount's, within what its shortest overlap bears.
func TestStaticTTL(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, root := w.Tenant("acme"), w.Root()
		effective := func(want int) {
			t.Helper()
			if got := fmt.Sprint(root.Read("config").Data["effective"]); got != fmt.Sprintf(
				"map[static_ttl:%d]",
				want,
			) {
				t.Errorf("effective: %s, want %d", got, want)
			}
		}
		effective(300)
		root.Refused(400, "min_overlap").Write("config", fields{"static_ttl": "5m1s"})
		root.Refused(400, "static_ttl").Write("config", fields{"static_ttl": "4s"})
		root.Write("config", fields{"static_ttl": "1m"})
		effective(60)
		root.Write("config", fields{"min_overlap": "30s"}) // which is no write of static_ttl
		effective(15)
		root.Refused(400, "half of min_overlap, 15s").Write("config", fields{"static_ttl": "1m"})
		root.Write("config", fields{"min_overlap": "1s", "static_ttl": "5s"})
		effective(5)
		root.Write("config", fields{"min_overlap": nil, "static_ttl": nil})
		effective(300)

		// Who hands out again and again is told of overlaps in which an app may miss a rotation.
		const short = "read static-creds again"
		acme.Write(billing, fields{"reveal": "always", "overlap": "6m59s"}).Warns(short)
		acme.Write(billing, fields{"overlap": "7m"}).Silent()
		acme.Write(billing+"/rotate", nil).Silent()
		acme.Write(billing+"/rotate", fields{"overlap": "20s"}).Warns(short)
		acme.Write(billing+"/rotate", fields{"overlap": 0}).Warns(short)
		acme.Write(billing, fields{"reveal": "once", "overlap": "1m"}).Silent()
		acme.Write(billing+"/rotate", nil).Silent()
	})
}

// The window cuts an overlap where half of it stays, and says so; it does not make an app miss a rotation.
func TestOverlapCutByTheWindow(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		opens := func(long time.Duration) fields { // until then
			return fields{
				"expiry_window": fmt.Sprintf("Sun-Sat 00:00-%s UTC", time.Now().Add(long).UTC().Format("15:04")),
			}
		}
		acme.Write(billing, fields{"reveal": "always", "overlap": "1h"})
		for _, row := range []struct{ open, ends time.Duration }{
			{40 * time.Minute, 40 * time.Minute}, {5 * time.Minute, time.Hour},
		} {
			made := acme.Patch(billing, opens(row.open)).Rows("versions")
			rotated := acme.Write(billing+"/rotate", nil)
			if row.ends < time.Hour {
				rotated.Warns("the end of the overlap, to " + stamp(row.ends) + " by expiry_window")
			}
			if warned := fmt.Sprint(rotated.Warnings); strings.Contains(warned, "read static-creds again") {
				t.Errorf("warned of %s", warned)
			}
			if got := rotated.Rows("versions")[len(made)-1]["expires_at"]; got != stamp(row.ends) {
				t.Errorf("the old version ends %v, want %s", got, stamp(row.ends))
			}
		}
	})
}
