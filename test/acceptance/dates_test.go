//go:build acceptance

package acceptance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDates checks that a key can be made with the date at which its first version ends, by the command line and by
// JSON, that the date is read and written back, and that it stays.
func TestDates(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "dates")
	admin := shared.caller(t, tenant+"-admin")
	const keys, invalid, day = "apikeys/my/external/keys/", http.StatusBadRequest, 24 * time.Hour
	end := rfc3339(time.Now().Add(20 * day))

	admin.cli("write", keys+"typed", "expires_at="+end)
	admin.must("POST", keys+"sent", fields{"expires_at": end})
	for _, name := range []string{"typed", "sent"} {
		shown := admin.must("GET", keys+name, nil)
		if shown.field("expires_at") != end || shown.version(0, "expires_at") != end ||
			shown.field("auto_rotate") != "false" {
			t.Errorf("%s: %s", name, shown.body)
		}
		admin.must("POST", keys+name, fields{"expires_at": shown.Data["expires_at"]})
		admin.cli("patch", keys+name, "expires_at="+end)
		if got := admin.must("GET", keys+name, nil).field("revision"); got != "1" {
			t.Errorf("%s: written back it has revision %s", name, got)
		}
		for _, other := range []any{nil, "", rfc3339(time.Now().Add(21 * day))} {
			sent := fields{"expires_at": other}
			admin.refused(invalid, "expires_at: cannot change, it is "+end, "PATCH", keys+name, sent)
		}
		none := fields{"expires_at": nil}
		admin.refused(invalid, "expire ends a version earlier, and extend", "POST", keys+name, none)
	}
	for _, bad := range []any{"soon", "2026-01-31", 7, true, []any{end}} {
		admin.refused(invalid, "expires_at: must be a time such as ", "POST", keys+"bad", fields{"expires_at": bad})
	}
	admin.refused(invalid, "expires_at: has passed", "POST", keys+"bad", fields{"expires_at": rfc3339(time.Now())})
	admin.refused(invalid, "the cap set by config external_max_ttl", "POST", keys+"bad",
		fields{"expires_at": rfc3339(time.Now().Add(366 * day))})
	admin.refused(http.StatusNotFound, "bad", "GET", keys+"bad", nil)

	// Without a date there is none, and null is what was read.
	admin.must("POST", keys+"undated", nil)
	admin.must("PATCH", keys+"undated", fields{"expires_at": nil})
	admin.refused(invalid, "is taken when a key is made", "PATCH", keys+"undated", fields{"expires_at": end})
	changed := admin.must("PATCH", keys+"undated", fields{"ttl": "30d"})
	if !strings.Contains(changed.says(), "ends at "+changed.version(0, "expires_at")) {
		t.Errorf("a changed ttl warns of %q", changed.says())
	}
}

// TestExpire checks that one version is ended earlier, to the second and at once, and by administrators alone.
func TestExpire(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "expire")
	admin, gateway := shared.caller(t, tenant+"-admin"), shared.caller(t, "gateway")
	issuer := shared.caller(t, tenant+"-external-issuer")
	const key, invalid = "apikeys/my/external/keys/billing", http.StatusBadRequest
	first := admin.must("POST", key, fields{"reveal": "always"}).version(0, "key_id")
	old := admin.must("POST", key+"/reveal", nil).holder(t)
	admin.must("POST", key+"/rotate", nil)
	holder := admin.must("POST", key+"/reveal", nil).holder(t)
	gateway.judged("overlapping", old.call("GET", "/a"), map[string]string{"verdict": "valid"})

	for _, row := range []struct {
		sent  fields
		about string
	}{
		{nil, "give either it or in"},
		{fields{"in": 0, "expires_at": rfc3339(time.Now().Add(time.Hour))}, "give either it or in"},
		{fields{"in": "soon"}, "in: must be a duration"},
		{fields{"in": -1}, "in: must be a duration"},
		{fields{"in": "91d"}, "extend lets it live longer"},
		{fields{"expires_at": "soon"}, "expires_at: must be a time"},
		{fields{"expires_at": rfc3339(time.Now().Add(-time.Hour))}, "expires_at: has passed"},
	} {
		admin.refused(invalid, row.about, "POST", key+"/expire", row.sent)
	}
	issuer.refused(http.StatusForbidden, "permission denied", "POST", key+"/expire", fields{"in": 0})

	admin.cli("write", key+"/expire", "key_id="+first, "in=0", "reason=moved")
	gateway.judged("ended now", old.call("GET", "/b"), map[string]string{"verdict": "expired"})
	gateway.judged("the other", holder.call("GET", "/c"), map[string]string{"verdict": "valid"})
	again := admin.must("POST", key+"/expire", fields{"key_id": first, "in": 0})
	if !strings.Contains(again.says(), "nothing has changed") {
		t.Errorf("repeated, it warns of %q", again.says())
	}

	end := rfc3339(time.Now().Add(10 * time.Second))
	got := admin.must("POST", key+"/expire", fields{"expires_at": end})
	if got.version(1, "expires_at") != end || got.version(1, "shortened_at") == "" {
		t.Errorf("was to end at %s: %s", end, got.body)
	}
	until(t, "its end", func() error {
		if verdict := gateway.verdict(holder.call("GET", "/d")); verdict != "expired" {
			return fmt.Errorf("the call is %s", verdict)
		}
		return nil
	})
}
