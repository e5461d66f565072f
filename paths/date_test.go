package paths_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// A key may be made with the date at which its first version ends. The date stays, and so do the ways to move an end.
func TestDates(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Root().Write("config", fields{"external_default_auto_rotate": true})
		end := stamp(30 * day)
		a := acme.Write(billing, fields{"expires_at": end, "ttl": "60d", "reveal": "always"})
		a.Is(fields{"expires_at": end, "auto_rotate": false, "next_rotation": nil, "ttl": 60 * 24 * 3600})
		a.Warns("auto_rotate: is false because expires_at is given")
		if got := a.Rows("versions")[0]["expires_at"]; got != end {
			w.T.Errorf("the version ends %v", got)
		}
		h := acme.Current(billing)

		// The very same value, however it is spelled, changes nothing; any other is refused, and so is none.
		for _, same := range []string{end, "2000-01-31T01:00:00+01:00"} {
			again := func() { acme.Write(billing, fields{"expires_at": same}).Is(fields{"revision": 2}) }
			if c := w.Cost(again); c.Puts > 0 {
				w.T.Errorf("%d puts", c.Puts)
			}
		}
		for _, other := range []any{stamp(31 * day), stamp(29 * day), nil, ""} {
			acme.Refused(400, "expires_at: cannot change, it is 2000-01-31").Write(billing, fields{"expires_at": other})
			acme.Refused(400, "expire ends").Patch(billing, fields{"expires_at": other, "owner": "x"})
			acme.Refused(400, "extend lets").Patch(billing, fields{"expires_at": other})
		}
		acme.Refused(400, "expires_at").Write(billing, fields{"expires_at": "soon"})
		acme.Read(billing).Is(fields{"revision": 2, "owner": ""})

		// Null sets the default of a key with a date, which is no schedule.
		acme.Patch(billing, fields{"auto_rotate": true})
		acme.Patch(billing, fields{"auto_rotate": nil}).Is(fields{"auto_rotate": false})
		w.Restart()
		acme.Read(billing).Is(fields{"expires_at": end})

		// The date is the first version's: the next one lives for the ttl.
		a = acme.Write(billing+"/rotate", nil)
		a.Warns("goes on after 2000-01-31T00:00:00Z")
		if got := a.Rows("versions")[1]["expires_at"]; got != stamp(60*day) {
			w.T.Errorf("the next version ends %v", got)
		}
		wait(30*day - time.Second)
		h.Finds("expired") // by the overlap
	})
}

// A version with a date is good to the last second before it.
func TestADateIsExact(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, fields{"expires_at": stamp(day)})
		wait(day - time.Second)
		h.Finds("valid")
		wait(time.Second)
		h.Finds("expired")
	})
}

// A schedule that is asked for goes on after the date, and the answer says so.
func TestDatesWithASchedule(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		a := acme.Write(billing, fields{"expires_at": stamp(30 * day), "auto_rotate": true, "reveal": "always"})
		a.Is(fields{"auto_rotate": true})
		a.Warns("expires_at: ends the first version alone; by auto_rotate its successor is made at ")
		acme.Refused(400, "expires_at: with auto_rotate").
			Write("my/external/keys/other", fields{"expires_at": stamp(time.Minute), "auto_rotate": true})
		acme.Refused(400, "expires_at: has passed").Write("my/external/keys/other", fields{"expires_at": stamp(0)})
		acme.Refused(404, "key").Patch("my/external/keys/other", fields{"expires_at": stamp(day)})
		a = acme.Write("my/external/keys/cut", fields{
			"expires_at": stamp(30 * day), "expiry_window": "Mon 09:00-10:00 UTC",
		})
		a.Is(fields{"expires_at": stamp(30 * day)})
		a.Warns("was cut back from 2000-01-31T00:00:00Z to 2000-01-24T10:00:00Z by expiry_window")
	})
}

// A key without a date shows none, and takes back what it shows.
func TestKeysWithoutADate(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, fields{"expires_at": nil}).Is(fields{"expires_at": nil})
		acme.Write(billing, fields{"expires_at": nil, "owner": "x"}).Is(fields{"expires_at": nil, "owner": "x"})
		acme.Patch(billing, fields{"expires_at": ""}).Is(fields{"revision": 2})
		acme.Refused(400, "expires_at: is taken when a key is made; afterwards expire ends").
			Write(billing, fields{"expires_at": stamp(day)})
		acme.Refused(400, "extend").Patch(billing, fields{"expires_at": stamp(90 * day)})
		// An imported version has an end of its own, which is not the key's date.
		acme.Write("my/external/import", fields{"keys": []any{fields{
			"name": "old", "key_id": "imported-1", "key": "q7P3mVx9Zt0sLwYhE2kBn5uRcD8jAfGiO1vXyQeTzMw",
			"expires_at": stamp(9 * day),
		}}})
		if a := acme.Read("my/external/keys/old"); a.Data["expires_at"] != nil ||
			a.Rows("versions")[0]["expires_at"] != stamp(9*day) {
			w.T.Errorf("imported: %v", a.Data)
		}
	})
}

// Whoever changes the ttl learns when the version ends that it does not count for, and what moves that.
func TestAChangedTTLSaysWhatItLeaves(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Root().Write("config", fields{"allow_no_expiry": true})
		h := acme.Key(billing, nil)
		acme.Write(billing, fields{"ttl": "30d"}).Warns("the current one, " + h.KeyID +
			", ends at 2000-03-31T00:00:00Z; expire moves that earlier, and extend later")
		acme.Write(billing+"/revoke", fields{"key_id": h.KeyID})
		acme.Patch(billing, fields{"ttl": "31d"}).Warns("there is no current version, and rotate makes one")
		acme.Key("my/external/keys/other", fields{"ttl": 0})
		acme.Patch("my/external/keys/other", fields{"ttl": "31d"}).Warns("has no end; expire gives it one")
	})
}

// expire ends one version earlier, at once in the eyes of all who judge calls.
func TestExpire(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		old := acme.Key(billing, fields{"reveal": "always"})
		acme.Write(billing+"/rotate", nil)
		h := acme.Current(billing)
		old.Finds("valid") // and the caches are warm
		h.Finds("valid")

		a := acme.Write(billing+"/expire", fields{"in": "1h", "reason": "moved"})
		a.Is(fields{"current_key_id": h.KeyID})
		if v := a.Rows("versions"); v[1]["expires_at"] != stamp(time.Hour) || v[1]["shortened_at"] != stamp(0) ||
			v[0]["shortened_at"] != nil {
			w.T.Errorf("versions: %v", v)
		}
		acme.Write(billing+"/expire", fields{"key_id": old.KeyID, "in": 0})
		old.Finds("expired")
		h.Finds("valid")
		entries := acme.Read(billing + "/history").Rows("entries")
		if last := entries[len(entries)-2]; last["operation"] != "expire" || last["key_id"] != h.KeyID ||
			last["reason"] != "moved" {
			w.T.Errorf("history: %v", last)
		}
		wait(time.Hour - time.Second)
		h.Finds("valid")
		wait(time.Second)
		h.Finds("expired")
		w.Restart()
		h.Finds("expired")
		old.Finds("expired")

		// What has ended stays so, and a retry finds it done.
		c := w.Cost(func() {
			acme.Write(billing+"/expire", fields{"in": 0}).Warns("nothing has changed")
			acme.Write(billing+"/expire", fields{"in": 0, "reason": "again"}).Warns("reason: is not kept")
		})
		if c.Puts != 0 {
			w.T.Errorf("%d puts", c.Puts)
		}
		acme.Refused(400, "in: version").Write(billing+"/expire", fields{"in": "1h"})
		acme.Refused(404, "key_id").Write(billing+"/expire", fields{"key_id": "0123456789abcdef", "in": 0})
	})
}

// One end is asked for, and it is a time or a span.
func TestExpireTakesOneEnd(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, nil)
		for _, row := range []struct {
			given fields
			about string
		}{
			{nil, "expires_at: give either it or in"},
			{fields{"in": nil}, "expires_at: give either"},
			{fields{"in": 0, "expires_at": stamp(day)}, "expires_at: give either"},
			{fields{"in": "soon"}, "in: must be a duration"},
			{fields{"in": -1}, "in: must be a duration"},
			{fields{"in": 1.5}, "in: must be a duration"},
			{fields{"in": "91d"}, "in: is later than 2000-03-31T00:00:00Z"},
			{fields{"expires_at": "soon"}, "expires_at: must be a time"},
			{fields{"expires_at": stamp(91 * day)}, "and extend lets it live longer"},
			{fields{"expires_at": stamp(-time.Second)}, "expires_at: has passed; give in=0"},
			{fields{"in": 0, "key_id": ""}, "key_id"},
			{fields{"in": 0, "at": "now"}, "at"},
		} {
			acme.Refused(400, row.about).Write(billing+"/expire", row.given)
		}
		acme.Read(billing).Is(fields{"revision": 2})
		h.Finds("valid")
	})
}

// A key that rotates by schedule goes on with a successor, and the answer says so.
func TestExpireOnAScheduleWarnsOfTheSuccessor(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, fields{"auto_rotate": true, "reveal": "always"})
		w.Must(w.Tick())
		a := acme.Write(billing+"/expire", fields{"in": "40d"})
		a.Warns("auto_rotate: the schedule makes a successor of version " + h.KeyID + " at 2000-02-")
		acme.Write(billing+"/expire", fields{"in": 0}).Warns("within minutes, which lives on")
		h.Finds("expired")
		w.Must(w.Tick())
		a = acme.Read(billing)
		if len(a.Rows("versions")) != 2 {
			w.T.Fatal("there is no successor")
		}
		a.Is(fields{"rotation_late": false})
		acme.Current(billing).Finds("valid")

		acme.Write("my/internal/keys/off", fields{"auto_rotate": true, "reveal": "always"})
		acme.Patch("my/internal/keys/off", fields{"auto_rotate": false})
		if a := acme.Write("my/internal/keys/off/expire", fields{"in": 0}); len(a.Warnings) != 0 {
			w.T.Errorf("warned of %q", a.Warnings)
		}
	})
}

// A gateway that fetches the key sees the end as it sees a revocation.
func TestExpireReachesTheKeyring(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Root().Write("config", fields{"allow_local_verify": true})
		w.SPA().Patch("admin/tenants/acme", fields{"allow_local_verify": true})
		h := acme.Key(billing, fields{"reveal": "always"})
		w.Root().Read("keyring/" + h.KeyID).Is(fields{"expires_at": stamp(90 * day)})
		acme.Write(billing+"/expire", fields{"in": 60})
		w.Root().Read("keyring/" + h.KeyID).Is(fields{"expires_at": stamp(time.Minute)})
		acme.Read("my/external/static-creds/billing").Is(fields{"expires_at": stamp(time.Minute), "ttl": 60})
		w.Root().Ask(logical.UpdateOperation, "verify", h.Call()).Is(fields{"expires_at": stamp(time.Minute)})
	})
}
