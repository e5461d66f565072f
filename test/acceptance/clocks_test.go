//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rfc3339 is a time as the engine spells it.
func rfc3339(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// at returns a field of an answer that is a time.
func (a *answered) at(t *testing.T, field string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, a.field(field))
	if err != nil {
		t.Fatalf("%s is no time: %v", field, err)
	}
	return at
}

// TestExtend checks that one version can be made to live longer once, within the cap, for a reason, and while it lives.
func TestExtend(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "extend")
	admin, gateway := shared.caller(t, tenant+"-admin"), shared.caller(t, "gateway")
	issuer := shared.caller(t, tenant+"-external-issuer")
	const key = "apikeys/my/external/keys/billing"
	const invalid, day = http.StatusBadRequest, 24 * time.Hour
	made := admin.must("POST", key, fields{"ttl": "30d", "overlap": "2d"})
	first, ends := made.version(0, "key_id"), made.at(t, "versions.0.expires_at")
	longer := func(by time.Duration) fields {
		return fields{"key_id": first, "expires_at": rfc3339(ends.Add(by)), "reason": "the customer is on holiday"}
	}
	without := func(field string) fields {
		sent := longer(day)
		delete(sent, field)
		return sent
	}
	admin.refused(invalid, "reason: missing", "POST", key+"/extend", without("reason"))
	admin.refused(invalid, "expires_at: must be a time such as ", "POST", key+"/extend", without("expires_at"))
	admin.refused(invalid, "expires_at: must be later than it is", "POST", key+"/extend", longer(-day))
	admin.refused(
		invalid,
		"expires_at: may be "+rfc3339(ends.Add(7*day))+" at the latest",
		"POST",
		key+"/extend",
		longer(7*day+time.Second),
	)

	// A version that overlaps is extended too: that is what it is for.
	second := admin.must("POST", key+"/rotate", nil).field("current_key_id")
	ends = admin.must("GET", key, nil).at(t, "versions.0.expires_at")
	got := issuer.must("POST", key+"/extend", longer(7*day))
	if at := got.at(t, "versions.0.expires_at"); !at.Equal(ends.Add(7*day)) || got.version(0, "extended_at") == "" ||
		got.version(1, "extended_at") != "" {
		t.Errorf("%s ends at %s, and was to end at %s", first, at, ends.Add(7*day))
	}
	ends = ends.Add(7 * day)
	admin.refused(invalid, "extended once", "POST", key+"/extend", longer(day))
	history := admin.must("GET", key+"/history", nil)
	if entry := history.field("entries.2.operation") + " " + history.field(
		"entries.2.key_id",
	) + " " + history.field("entries.2.reason"); entry != "extend "+first+" the customer is on holiday" {
		t.Errorf("history has %q", entry)
	}

	// Left out, key_id is the current version. What has ended stays so.
	admin.must("POST", key+"/extend", fields{"expires_at": rfc3339(time.Now().Add(31 * day)), "reason": "too"})
	admin.must("POST", key+"/revoke", fields{"key_id": first})
	admin.refused(invalid, "revoked for good", "POST", key+"/extend", longer(8*day))
	admin.must("POST", key+"/rotate", fields{"overlap": 0})
	admin.refused(invalid, "cannot be extended", "POST", key+"/extend",
		fields{"key_id": second, "expires_at": rfc3339(time.Now().Add(day)), "reason": "late"})
	admin.refused(http.StatusNotFound, "", "POST", key+"/extend",
		fields{"key_id": "0123456789abcdef", "expires_at": rfc3339(time.Now().Add(day)), "reason": "whose"})

	// To the second: extended before its end, a version verifies after it.
	const brief = "apikeys/my/external/keys/brief"
	until(t, "extended in time", func() error {
		was := admin.must("POST", brief+"s", fields{"ttl": 2, "reveal": "always"})
		if was.field("revision") != "1" {
			admin.must("POST", brief+"s/rotate", nil)
			was = admin.must("GET", brief+"s", nil)
		}
		holder := admin.must("POST", brief+"s/reveal", nil).holder(t)
		end := was.at(t, fmt.Sprintf("versions.%d.expires_at", len(was.Data["versions"].([]any))-1))
		a := admin.ask("POST", brief+"s/extend", fields{"expires_at": rfc3339(end.Add(time.Hour)), "reason": "in time"})
		if a.status != http.StatusOK {
			return fmt.Errorf("%d %s", a.status, a.says())
		}
		until(t, "the former end", func() error {
			if time.Now().Before(end.Add(time.Second)) {
				return fmt.Errorf("it is at %s", end)
			}
			return nil
		})
		gateway.judged("after its former end", holder.call("GET", "/a"), map[string]string{"verdict": "valid"})
		return nil
	})
}

// TestExpiryWindow checks that expiry is cut back into hours when somebody is there, and that the writer is told.
func TestExpiryWindow(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "window")
	admin := shared.caller(t, tenant+"-admin")
	const keys, invalid = "apikeys/my/external/keys/", http.StatusBadRequest
	for _, bad := range []any{
		"Mon-Thu", "Mon-Thu 09:00-16:00", "Mon-Thu 09:00-09:00 UTC", "Mon-Thu 9:00-16:00 UTC",
		"Mon-Thu 09:00-24:01 UTC",
		"Mo-Do 09:00-16:00 UTC", "Mon,Mon 09:00-16:00 UTC", "Mon-Thu 09:00-16:00 Europe/Atlantis",
		"Mon-Thu 09:00-16:00 Local",
		"Mon-Thu 09:00-16:00 ../UTC", "Mon-Thu  09:00-16:00 UTC", 7, true,
	} {
		admin.refused(invalid, "expiry_window: ", "POST", keys+"bad", fields{"expiry_window": bad})
	}
	admin.refused(http.StatusNotFound, "bad", "GET", keys+"bad", nil)

	// An hour in Kolkata that is not now: 30 days from now is not in it either.
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().In(zone).Add(12 * time.Hour).Hour()
	window := fmt.Sprintf("Mon-Sun %02d:00-%02d:30 Asia/Kolkata", hour, hour)
	made := admin.must("POST", keys+"billing", fields{"ttl": "30d", "expiry_window": window})
	first := made.version(0, "key_id")
	holds := func(at time.Time) bool {
		local := at.In(zone)
		return local.Hour() == hour && (local.Minute() < 30 || local.Minute() == 30 && local.Second() == 0)
	}
	full, ends := made.at(t, "versions.0.issued_at").Add(30*24*time.Hour), made.at(t, "versions.0.expires_at")
	cut := fmt.Sprintf(
		"expires_at of version %s was cut back from %s to %s by expiry_window",
		first,
		rfc3339(full),
		rfc3339(ends),
	)
	if !holds(ends) || full.Sub(ends) <= 0 || full.Sub(ends) > 24*time.Hour || !strings.Contains(made.says(), cut) {
		t.Errorf("%s ends at %s, in the window: %t; warned of %q", first, ends, holds(ends), made.says())
	}
	if got := admin.must("GET", keys+"billing", nil).field("expiry_window"); got != window {
		t.Errorf("the window is %q", got)
	}

	// So are the next version, the end of the overlap, and an extension.
	rotated := admin.must("POST", keys+"billing/rotate", fields{"overlap": "7d"})
	if !holds(rotated.at(t, "versions.0.expires_at")) || !holds(rotated.at(t, "versions.1.expires_at")) ||
		!strings.Contains(rotated.says(), "by expiry_window") {
		t.Errorf("rotated: %s", rotated.body)
	}
	was := rotated.at(t, "versions.1.expires_at")
	later := admin.must(
		"POST",
		keys+"billing/extend",
		fields{"expires_at": rfc3339(was.Add(50 * time.Hour)), "reason": "for long"},
	)
	if at := later.at(t, "versions.1.expires_at"); !holds(at) || at.Sub(was) != 48*time.Hour ||
		!strings.Contains(later.says(), "by expiry_window") {
		t.Errorf("extended from %s to %s; warned of %q", was, at, later.says())
	}

	// A life too short for the window is lived to its end, and its writer is told that too.
	short := admin.must("POST", keys+"short", fields{"ttl": "1h", "expiry_window": window})
	if at := short.at(t, "versions.0.expires_at"); at.Sub(short.at(t, "versions.0.issued_at")) != time.Hour ||
		!strings.Contains(short.says(), "outside expiry_window") {
		t.Errorf("a life of an hour ends at %s; warned of %q", at, short.says())
	}
	admin.refused(invalid, "expiry_window: ", "PATCH", keys+"billing", fields{"expiry_window": "always"})
	if got := admin.must("PATCH", keys+"billing", fields{"expiry_window": nil}).field("expiry_window"); got != "" {
		t.Errorf("the window is %q still", got)
	}
}
