package backend_test

import (
	"fmt"
	"testing"
	"time"
)

// A changed ttl counts for versions made afterwards; a cap lowered since cuts them.
func TestLifeOfNewVersions(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{"ttl": "90d"})
		made := stamp(90 * 24 * time.Hour)
		a := acme.write(billing, fields{"ttl": "30d", "overlap": "1d"})
		if got := a.rows("versions")[0]["expires_at"]; got != made {
			w.t.Errorf("expires_at moved to %v", got)
		}
		a = acme.write(billing+"/rotate", nil)
		if got := a.rows("versions")[1]["expires_at"]; got != stamp(30*24*time.Hour) {
			w.t.Errorf("the new version expires at %v", got)
		}
		acme.patch("my", fields{"max_ttl": "5d"})
		acme.write(billing, fields{"description": "still changes"})
		a = acme.write(billing+"/rotate", nil)
		a.warns("max_ttl")
		if got := a.rows("versions")[2]["expires_at"]; got != stamp(5*24*time.Hour) {
			w.t.Errorf("the cut version expires at %v", got)
		}
	})
}

// A key without expiry lives where config and tenant allow it, and is rotated by hand.
func TestNoExpiry(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.refused(400, "ttl").write(billing, fields{"ttl": 0})
		w.root().write("config", fields{"allow_no_expiry": true, "internal_default_ttl": 0})
		acme.refused(400, "auto_rotate").write(billing, fields{"ttl": 0, "auto_rotate": true})
		h := acme.key(billing, fields{"ttl": 0})
		acme.write("my/internal/keys/desktop", nil).is(fields{"ttl": 0, "next_rotation": nil})
		wait(20 * 365 * 24 * time.Hour)
		w.root().write("verify", h.call()).is(fields{"verdict": "valid", "expires_at": nil})
		acme.read("my/external/static-creds/billing").is(fields{"expires_at": nil, "ttl": 300, "rotation_period": 300})
		acme.write(billing+"/rotate", fields{"overlap": "1h"})
		wait(time.Hour)
		h.finds("expired")
		acme.current(billing).finds("valid")

		acme.patch("my", fields{"max_ttl": "30d"})
		acme.refused(400, "ttl").write("my/external/keys/other", fields{"ttl": 0})
		a := acme.write(billing+"/rotate", nil)
		a.warns("max_ttl")
		if got := a.rows("versions")[2]["expires_at"]; got != stamp(30*24*time.Hour) {
			w.t.Errorf("under a cap set since, a version expires at %v", got)
		}
	})
}

// Defaults bend to a tenant's cap, with a warning; what the caller gave is refused.
func TestDefaultsUnderACap(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		w.spa().patch("admin/tenants/acme", fields{"max_ttl": "10d"})
		a := acme.write(billing, nil)
		a.warns("max_ttl")
		a.is(fields{"ttl": 10 * 24 * 3600, "overlap": 7 * 24 * 3600})
		a.overlaps(60 * 3600)
		acme.refused(400, "max_ttl").write("my/external/keys/other", fields{"ttl": "11d"})
		acme.refused(400, "ttl").write(billing, fields{"ttl": "11d"})
		acme.write(billing, fields{"ttl": "2d", "overlap": nil}).overlaps(12 * 3600)
	})
}

// Kinds have defaults and caps of their own.
func TestDefaultsByKind(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		w.root().write("config", fields{
			"internal_default_ttl":         "2d",
			"internal_default_overlap":     "1h",
			"internal_default_auto_rotate": true,
			"internal_max_ttl":             "3d",
		})
		acme.write("my/internal/keys/desktop", nil).
			is(fields{"ttl": 2 * 24 * 3600, "overlap": 3600, "auto_rotate": true})
		acme.refused(400, "internal_max_ttl").write("my/internal/keys/other", fields{"ttl": "4d"})
		acme.write(billing, fields{"ttl": "4d"}).overlaps(24 * 3600)
	})
}

// A default stands in the way of no change: an overlap that nobody gave follows the ttl. One that
// was given has to fit; writing back a whole key, with what was shown of a default, is giving none.
func TestDefaultsStandInNoWay(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{"ttl": "30m"}).overlaps(450)
		acme.patch(billing, fields{"ttl": "5m"}).overlaps(75)
		shown := acme.patch(billing, fields{"ttl": "10d"})
		shown.overlaps(60 * 3600)
		whole := object{path: billing}.writable(w, shown)
		whole["ttl"] = "8d"
		acme.write(billing, whole).overlaps(2 * 24 * 3600)
		acme.patch(billing, fields{"auto_rotate": true, "ttl": "30m"}).overlaps(600)
		acme.refused(400, "ttl: with auto_rotate").patch(billing, fields{"ttl": "19m"})

		acme.patch(billing, fields{"auto_rotate": false, "overlap": "10m"}).is(fields{"overlap": 600})
		acme.refused(400, "overlap").patch(billing, fields{"ttl": "19m"})
		acme.patch(billing, fields{"ttl": "19m", "overlap": nil}).overlaps(285)
		acme.refused(400, "overlap").
			write("my/external/keys/other", fields{"ttl": "10d", "overlap": "7d"})
			// as it was given
		w.restart()
		acme.read(billing).overlaps(285)
		acme.patch(billing, fields{"ttl": "90d"}).overlaps(7 * 24 * 3600)
	})
}

// An overlap that somebody gives is kept, also one that is the default: a ttl that it does not fit is refused.
func TestAnOverlapGivenIsKept(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		write := map[string]func(string, fields) answer{
			"my/external/keys/patched": acme.patch,
			"my/external/keys/written": acme.write,
		}
		for key, change := range write {
			acme.write(key, nil)
			change(key, fields{"overlap": "7d"}).overlaps(7 * 24 * 3600)
			acme.refused(400, "overlap").patch(key, fields{"ttl": "1h"})
			acme.refused(400, "overlap").patch(key, fields{"ttl": "1h", "overlap": "7d"})
			change(key, fields{"overlap": nil})
			acme.patch(key, fields{"ttl": "1h"}).overlaps(900)
			acme.refused(400, "overlap").patch(key, fields{"overlap": "7d"})
		}
	})
}

// Where a cap has cut the life of a key that rotates by schedule, the overlap that holds is shown, and warned of.
func TestOverlapsOfLivesThatWereCut(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.tenant("acme")
		acme.write(billing, fields{"auto_rotate": true, "reveal": "always", "overlap": "7d"}).overlaps(7 * 24 * 3600)
		w.spa().patch("admin/tenants/acme", fields{"max_ttl": "10m"})
		acme.read(billing).overlaps(7 * 24 * 3600) // of the version that still lives for long
		acme.write(billing+"/rotate", nil).overlaps(300)
		acme.patch(billing, fields{"description": "brief"}).warns("overlap: 5m is short of the 7m")
	})
}

// overlaps checks how many seconds a key's old versions verify after a rotation.
func (a answer) overlaps(seconds int) {
	a.t.Helper()
	if got := fmt.Sprint(a.data["effective"]); got != fmt.Sprintf("map[overlap:%d]", seconds) {
		a.t.Errorf("%s: effective is %s, want an overlap of %d", a.asked, got, seconds)
	}
}
