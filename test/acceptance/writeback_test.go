//go:build acceptance

package acceptance

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWriteBack writes each object with settings other than the defaults, reads it and writes back what was read, as
// programs do that keep a server as a file says: nothing changes, its revision neither, so that such a program has
// nothing to do.
func TestWriteBack(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "write-back")
	_, ssh, err := newIdentity("ssh")
	if err != nil {
		t.Fatal(err)
	}
	admin, operator, spa := w.caller(t, tenant+"-admin"), w.caller(t, "operator"), w.caller(t, "spa")
	for _, object := range []struct {
		who  *caller
		path string
		post bool // it can be written, not patched alone
		sent fields
	}{
		{operator, "config", true, fields{
			"internal_default_ttl": 86400, "internal_max_ttl": "100d",
			"internal_default_overlap": 3600, "internal_default_auto_rotate": true,
			"external_default_ttl": "30d", "external_max_ttl": "2160h",
			"external_default_overlap": 3600, "external_default_auto_rotate": true,
			"external_published": []string{"/wfo/**", "/status", "/api/*"},
			"allow_no_expiry":    true, "min_overlap": "1h", "retention": "1d",
			"window_past": 30, "window_future": 30,
			"replay_entries": 5000, "replay_entries_total": 9000, "cache_entries": 500, "replay": "strict",
			"max_keys": 70, "max_leased": 80, "max_versions": 3, "max_extension": "2d",
			"force_wrap": true, "idle_disable_after": "30d", "allow_import_until": "2036-01-02T03:04:05Z",
		}},
		{spa, "admin/tenants/" + tenant, true, fields{
			"display_name": "Ours", "max_keys": 7, "max_leased": 8, "max_versions": 3, "max_ttl": "10d",
			"window_past": 30, "window_future": 30,
			"idle_disable_after": "20d", "published": []string{"/wfo/**", "/status"},
		}},
		{admin, "my", false, fields{
			"max_keys": 6, "max_leased": 7, "max_versions": 2, "max_ttl": "9d", "window_past": 29, "window_future": 29,
			"idle_disable_after": "19d", "published": []string{"/wfo/v2/**", "/wfo/v1/**"},
		}},
		{admin, "my/external/keys/billing", true, fields{
			"description": "for invoices", "owner": "finance", "metadata": fields{"b": "2", "a": "1"},
			"ttl": "48h", "auto_rotate": true, "overlap": "1h", "reveal": "never", "replay": "off",
			"deletion_protected": true, "recipients": []string{ssh, w.mailbox(t).recipient},
			"expiry_window": "Mon-Sun 00:00-23:00 Europe/Berlin", "idle_disable_after": "10d",
			"scopes":        []string{"POST /wfo/v1/*", "GET /wfo/**"},
			"allowed_cidrs": []string{"192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32"}, "user": "svc-billing",
		}},
		{admin, "my/external/keys/events", true, fields{"scheme": "hmac-sha256", "ttl": 86400, "reveal": "always"}},
		{admin, "my/external/keys/dated", true, fields{"expires_at": rfc3339(time.Now().Add(192 * time.Hour))}},
		{admin, "my/internal/roles/desktop", true, fields{
			"description": "for apps", "ttl": "2h", "max_ttl": "3h", "max_leased": 3, "replay": "off",
			"metadata":      fields{"b": "2", "a": "1"},
			"scopes":        []string{"POST /wfo/v1/*", "GET /wfo/**"},
			"allowed_cidrs": []string{"192.0.2.0/24", "10.0.0.0/8"}, "user": "svc-app",
		}},
	} {
		path, first := "apikeys/"+object.path, "PATCH"
		if object.post {
			first = "POST"
		}
		object.who.must(first, path, object.sent)
		shown := object.who.must("GET", path, nil)
		back := fields{}
		for name, sent := range object.sent {
			back[name] = shown.Data[name]
			checkShape(t, path, name, sent, shown.Data[name])
		}
		for _, method := range map[bool][]string{true: {"POST", "PATCH"}, false: {"PATCH"}}[object.post] {
			answer := object.who.must(method, path, back)
			if len(answer.Warnings) > len(shown.Warnings)+1 {
				t.Errorf("%s %s: %s", method, path, answer.says())
			}
			if diff := cmp.Diff(shown.Data, object.who.must("GET", path, nil).Data); diff != "" {
				t.Errorf("%s %s of what was read changes it (-before +after)\n%s", method, path, diff)
			}
		}
		// A program that holds the revision can say so, and is not refused.
		object.who.must("PATCH", path, back.with(fields{"cas": shown.Data["revision"]}))
	}
}

// checkShape checks that a setting is shown as it can be written again: a duration as seconds, all else as it was
// given.
func checkShape(t *testing.T, path, name string, sent, shown any) {
	t.Helper()
	var want any
	switch sent := sent.(type) {
	case string:
		if want = sent; name != "description" && name != "owner" {
			if span, ok := seconds(sent); ok {
				want = span
			}
		}
	case int:
		want = float64(sent)
	case []string:
		list := []any{}
		for _, item := range sent {
			list = append(list, item)
		}
		want = list
	case fields:
		want = map[string]any(sent)
	default:
		want = sent
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("%s: %s is not shown as written (-want +got)\n%s", path, name, diff)
	}
}

// seconds returns a duration as an answer has it.
func seconds(text string) (float64, bool) {
	var days time.Duration
	if n := len(text) - 1; n > 0 && text[n] == 'd' {
		text, days = text[:n]+"h", 24
	}
	span, err := time.ParseDuration(text)
	if days > 0 {
		span *= days
	}
	return span.Seconds(), err == nil
}
