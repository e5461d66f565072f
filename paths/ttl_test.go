package paths_test

import (
	"fmt"
	"testing"
	"time"
)

// A changed ttl counts for versions made afterwards; a cap lowered since cuts them.
func TestLifeOfNewVersions(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write(billing, fields{"ttl": "90d"})
		made := stamp(90 * 24 * time.Hour)
		a := acme.Write(billing, fields{"ttl": "30d", "overlap": "1d"})
		if got := a.Rows("versions")[0]["expires_at"]; got != made {
			w.T.Errorf("expires_at moved to %v", got)
		}
		a = acme.Write(billing+"/rotate", nil)
		if got := a.Rows("versions")[1]["expires_at"]; got != stamp(30*24*time.Hour) {
			w.T.Errorf("the new version expires at %v", got)
		}
		acme.Patch("my", fields{"max_ttl": "5d"})
		acme.Write(billing, fields{"description": "still changes"})
		a = acme.Write(billing+"/rotate", nil)
		a.Warns("max_ttl")
		if got := a.Rows("versions")[2]["expires_at"]; got != stamp(5*24*time.Hour) {
			w.T.Errorf("the cut version expires at %v", got)
		}
	})
}

// A key without expiry lives where config and tenant allow it, and is rotated by hand.
func TestNoExpiry(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Refused(400, "ttl").Write(billing, fields{"ttl": 0})
		w.Root().Write("config", fields{"allow_no_expiry": true, "internal_default_ttl": 0})
		acme.Refused(400, "auto_rotate").Write(billing, fields{"ttl": 0, "auto_rotate": true})
		h := acme.Key(billing, fields{"ttl": 0})
		acme.Write("my/internal/keys/desktop", nil).Is(fields{"ttl": 0, "next_rotation": nil})
		wait(20 * 365 * 24 * time.Hour)
		w.Root().Write("verify", h.Call()).Is(fields{"verdict": "valid", "expires_at": nil})
		acme.Read("my/external/static-creds/billing").Is(fields{"expires_at": nil, "ttl": 300, "rotation_period": 300})
		acme.Write(billing+"/rotate", fields{"overlap": "1h"})
		wait(time.Hour)
		h.Finds("expired")
		acme.Current(billing).Finds("valid")

		acme.Patch("my", fields{"max_ttl": "30d"})
		acme.Refused(400, "ttl").Write("my/external/keys/other", fields{"ttl": 0})
		a := acme.Write(billing+"/rotate", nil)
		a.Warns("max_ttl")
		if got := a.Rows("versions")[2]["expires_at"]; got != stamp(30*24*time.Hour) {
			w.T.Errorf("under a cap set since, a version expires at %v", got)
		}
	})
}

// Defaults bend to a tenant's cap, with a warning; what the caller gave is refused.
func TestDefaultsUnderACap(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.SPA().Patch("admin/tenants/acme", fields{"max_ttl": "10d"})
		a := acme.Write(billing, nil)
		a.Warns("max_ttl")
		a.Is(fields{"ttl": 10 * 24 * 3600, "overlap": 7 * 24 * 3600})
		overlaps(a, 60*3600)
		acme.Refused(400, "max_ttl").Write("my/external/keys/other", fields{"ttl": "11d"})
		acme.Refused(400, "ttl").Write(billing, fields{"ttl": "11d"})
		overlaps(acme.Write(billing, fields{"ttl": "2d", "overlap": nil}), 12*3600)
	})
}

// Kinds have defaults and caps of their own.
func TestDefaultsByKind(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		w.Root().Write("config", fields{
			"internal_default_ttl":         "2d",
			"internal_default_overlap":     "1h",
			"internal_default_auto_rotate": true,
			"internal_max_ttl":             "3d",
		})
		acme.Write("my/internal/keys/desktop", nil).
			Is(fields{"ttl": 2 * 24 * 3600, "overlap": 3600, "auto_rotate": true})
		acme.Refused(400, "internal_max_ttl").Write("my/internal/keys/other", fields{"ttl": "4d"})
		overlaps(acme.Write(billing, fields{"ttl": "4d"}), 24*3600)
	})
}

// A default stands in the way of no change: an overlap that nobody gave follows the ttl. One that
// was given has to fit; writing back a whole key, with what was shown of a default, is giving none.
func TestDefaultsStandInNoWay(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		overlaps(acme.Write(billing, fields{"ttl": "30m"}), 450)
		overlaps(acme.Patch(billing, fields{"ttl": "5m"}), 75)
		shown := acme.Patch(billing, fields{"ttl": "10d"})
		overlaps(shown, 60*3600)
		whole := object{path: billing}.writable(w, shown)
		whole["ttl"] = "8d"
		overlaps(acme.Write(billing, whole), 2*24*3600)
		overlaps(acme.Patch(billing, fields{"auto_rotate": true, "ttl": "30m"}), 600)
		acme.Refused(400, "ttl: with auto_rotate").Patch(billing, fields{"ttl": "19m"})

		acme.Patch(billing, fields{"auto_rotate": false, "overlap": "10m"}).Is(fields{"overlap": 600})
		acme.Refused(400, "overlap").Patch(billing, fields{"ttl": "19m"})
		overlaps(acme.Patch(billing, fields{"ttl": "19m", "overlap": nil}), 285)
		acme.Refused(400, "overlap").
			Write("my/external/keys/other", fields{"ttl": "10d", "overlap": "7d"})
			// as it was given
		w.Restart()
		overlaps(acme.Read(billing), 285)
		overlaps(acme.Patch(billing, fields{"ttl": "90d"}), 7*24*3600)
	})
}

// An overlap that somebody gives is kept, also one that is the default: a ttl that it does not fit is refused.
func TestAnOverlapGivenIsKept(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		write := map[string]func(string, fields) answer{
			"my/external/keys/patched": acme.Patch,
			"my/external/keys/written": acme.Write,
		}
		for key, change := range write {
			acme.Write(key, nil)
			overlaps(change(key, fields{"overlap": "7d"}), 7*24*3600)
			acme.Refused(400, "overlap").Patch(key, fields{"ttl": "1h"})
			acme.Refused(400, "overlap").Patch(key, fields{"ttl": "1h", "overlap": "7d"})
			change(key, fields{"overlap": nil})
			overlaps(acme.Patch(key, fields{"ttl": "1h"}), 900)
			acme.Refused(400, "overlap").Patch(key, fields{"overlap": "7d"})
		}
	})
}

// Where a cap has cut the life of a key that rotates by schedule, the overlap that holds is shown, and warned of.
func TestOverlapsOfLivesThatWereCut(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		overlaps(acme.Write(billing, fields{"auto_rotate": true, "reveal": "always", "overlap": "7d"}), 7*24*3600)
		w.SPA().Patch("admin/tenants/acme", fields{"max_ttl": "10m"})
		overlaps(acme.Read(billing), 7*24*3600) // of the version that still lives for long
		overlaps(acme.Write(billing+"/rotate", nil), 300)
		acme.Patch(billing, fields{"description": "brief"}).Warns("overlap: 5m is short of the 7m")
	})
}

// overlaps checks how many seconds a key's old versions verify after a rotation.
func overlaps(a answer, seconds int) {
	a.T.Helper()
	if got := fmt.Sprint(a.Data["effective"]); got != fmt.Sprintf("map[overlap:%d]", seconds) {
		a.T.Errorf("%s: effective is %s, want an overlap of %d", a.Asked, got, seconds)
	}
}
