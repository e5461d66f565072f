//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// victim is a tenant whom others try to reach: with a key that was revealed and rotated and has a recipient, an
// imported one, one that is deleted, a role and a leased key.
type victim struct {
	tenant         string
	admin, app     *caller
	box            mailbox
	old            holder // holds a version that overlaps
	current, lease string // key ID, lease ID
	leased         string // key ID
	words          []string
}

// newVictim makes one. Everything of it is named so that it is recognised wherever it comes to light.
func (w *world) newVictim(t *testing.T, prefix string) victim {
	t.Helper()
	tenant := w.tenant(t, prefix)
	v := victim{tenant: tenant, admin: w.caller(t, tenant+"-admin"), app: w.caller(t, tenant+"-app"), box: w.mailbox(t)}
	const keys = "apikeys/my/external/keys/"
	v.admin.must("POST", keys+"hidden-billing", fields{
		"reveal":      "always",
		"description": "hidden description",
		"owner":       "hidden owner",
		"metadata":    fields{"hidden": "hidden"},
		"recipients":  []any{v.box.recipient},
	})
	v.old = v.admin.must("POST", keys+"hidden-billing/reveal", nil).holder(t)
	v.admin.must("POST", keys+"hidden-billing/rotate", fields{"overlap": "1h"})
	v.current = v.admin.must("POST", keys+"hidden-billing/reveal", nil).field("key_id")
	item, imported := planted(t, w, "hidden-import", tenant+"_Imported")
	v.admin.must("POST", "apikeys/my/external/import", fields{"keys": []any{item}})
	v.admin.must("POST", keys+"hidden-gone", nil)
	v.admin.must("DELETE", keys+"hidden-gone", nil)
	v.admin.must("POST", "apikeys/my/internal/roles/hidden-role", fields{"description": "hidden role"})
	issued := v.app.must("GET", "apikeys/tenants/"+tenant+"/internal/creds/hidden-role", nil)
	v.lease, v.leased = issued.LeaseID, issued.field("key_id")
	v.words = []string{"hidden", v.old.keyID, v.current, v.leased, imported.keyID}
	return v
}

// fill puts what is the victim's into a text.
func (v victim) fill(text string) string {
	return strings.NewReplacer("{tenant}", v.tenant, "{key}", v.old.keyID, "{current}", v.current, "{leased}", v.leased,
		"{lease}", v.lease, "{imported}", v.tenant+"_Imported").Replace(text)
}

// attack is one try, what has to become of it, and what its answer must say. No answer may hold a secret, nor a word of
// the victim's that is not in the request itself.
type attack struct {
	method, path string
	sent         fields
	status       int
	says         string
}

// tries has somebody try everything.
func (v victim) tries(t *testing.T, who *caller, attacks []attack) {
	t.Helper()
	for _, try := range attacks {
		path, sent := v.fill(try.path), fields{}
		for name, value := range try.sent {
			if text, ok := value.(string); ok {
				value = v.fill(text)
			}
			sent[name] = value
		}
		a := who.ask(try.method, path, sent)
		if a.status != try.status || !strings.Contains(string(a.body), v.fill(try.says)) {
			t.Errorf(
				"%s %s %s %v: %d %s, want %d %q",
				who.name,
				try.method,
				path,
				try.sent,
				a.status,
				a.body,
				try.status,
				try.says,
			)
		}
		v.toldNothing(t, who, try.method+" "+path, a, sent)
	}
}

// toldNothing checks that an answer holds no secret and, besides what was asked with, nothing of the victim.
func (v victim) toldNothing(t *testing.T, who *caller, asked string, a *answered, sent fields) {
	t.Helper()
	if v.box.w.known(a.body) {
		t.Errorf("%s %s: %d holds a secret", who.name, asked, a.status)
	}
	body, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range v.words {
		if !strings.Contains(asked+string(body), word) && bytes.Contains(a.body, []byte(word)) {
			t.Errorf("%s %s: %d tells %q: %s", who.name, asked, a.status, word, a.body)
		}
	}
}

// unharmed checks that the victim's keys are as they were: both versions verify, and so does the leased key's state.
func (v victim) unharmed(t *testing.T) {
	t.Helper()
	if got := v.box.w.caller(t, "gateway").verdict(v.old.call("GET", "/wfo/v1/agents")); got != "valid" {
		t.Errorf("the victim's overlapping version is %s", got)
	}
	key := v.admin.must("GET", "apikeys/my/external/keys/hidden-billing", nil)
	if key.field("state") != "active" || key.field("current_key_id") != v.current ||
		key.field("description") != "hidden description" {
		t.Errorf("the victim's key is %s, its current version %s", key.field("state"), key.field("current_key_id"))
	}
	if got := v.admin.must("GET", "apikeys/my/external/keys/hidden-gone", nil).field("state"); got != "deleted" {
		t.Errorf("the victim's deleted key is %s", got)
	}
	if got := v.admin.must("GET", "apikeys/my/internal/leased/"+v.leased, nil).
		field("state"); got != "current" &&
		got != "active" {
		t.Errorf("the victim's leased key is %s", got)
	}
	if got := v.admin.must("GET", "apikeys/my", nil); got.field("state") != "active" || got.field("keys") != "3" {
		t.Errorf("the victim is %s, with %s keys", got.field("state"), got.field("keys"))
	}
}

// doors are all requests about a tenant's own things, below tenants/{tenant}/ and my/.
var doors = []struct {
	method, path string
	sent         fields
}{
	{"GET", "", nil},
	{"PATCH", "", fields{"max_keys": 1}},
	{"GET", "/due", nil},
	{"GET", "/report", nil},
	{"GET", "/ids/{key}", nil},
	{"GET", "/ids/{leased}", nil},
	{"LIST", "/external/keys", nil},
	{"LIST", "/external/keys?after=hidden-a&limit=1", nil},
	{"GET", "/external/keys/hidden-billing", nil},
	{"POST", "/external/keys/hidden-billing", fields{"description": "theirs now"}},
	{"POST", "/external/keys/hidden-billing", fields{"cas": 1, "description": "theirs now"}},
	{"POST", "/external/keys/planted", fields{"cas": 0}},
	{"PATCH", "/external/keys/hidden-billing", fields{"recipients": nil}},
	{"DELETE", "/external/keys/hidden-billing", nil},
	{"POST", "/external/keys/hidden-gone/restore", nil},
	{"POST", "/external/keys/hidden-gone/purge", nil},
	{"POST", "/external/keys/hidden-billing/purge", fields{"reason": "theirs now"}},
	{"POST", "/external/keys/hidden-billing/rotate", fields{"overlap": 0}},
	{"POST", "/external/keys/hidden-billing/disable", fields{"reason": "theirs now"}},
	{"POST", "/external/keys/hidden-billing/enable", nil},
	{"POST", "/external/keys/hidden-billing/revoke", fields{"key_id": "{key}"}},
	{"POST", "/external/keys/hidden-billing/expire", fields{"key_id": "{current}", "in": 0}},
	{
		"POST",
		"/external/keys/hidden-billing/extend",
		fields{"key_id": "{current}", "expires_at": "2027-01-02T03:04:05Z"},
	},
	{"POST", "/external/keys/hidden-billing/reveal", nil},
	{"GET", "/external/keys/hidden-billing/handover", nil},
	{"GET", "/external/keys/hidden-billing/history", nil},
	{"GET", "/external/static-creds/hidden-billing", nil},
	{"POST", "/external/import", fields{"keys": []any{fields{}}}},
	{"POST", "/external/sign/hidden-billing", fields{"request": "GET /a"}},
	{"PATCH", "/external/sign/hidden-billing", fields{"request": "GET /a"}},
	{"LIST", "/internal/roles", nil},
	{"GET", "/internal/roles/hidden-role", nil},
	{"POST", "/internal/roles/hidden-role", fields{"ttl": "1s"}},
	{"PATCH", "/internal/roles/hidden-role", fields{"ttl": "1s"}},
	{"DELETE", "/internal/roles/hidden-role", nil},
	{"POST", "/internal/roles/hidden-role/revoke-leased", nil},
	{"GET", "/internal/creds/hidden-role", nil},
	{"LIST", "/internal/leased", nil},
	{"GET", "/internal/leased/{leased}", nil},
	{"POST", "/internal/leased/{leased}/disable", nil},
	{"POST", "/internal/leased/{leased}/enable", nil},
	{"POST", "/internal/leased/{leased}/revoke", nil},
	{"POST", "/verify", fields{"request": "GET /a"}},
	{"PATCH", "/verify", fields{"request": "GET /a"}},
}

// closed returns an attack on each of a tenant's doors, all of which have to be refused in one way.
func closed(prefix, says string) []attack {
	var all []attack
	for _, door := range doors {
		all = append(all, attack{door.method, "apikeys/" + prefix + door.path, door.sent, http.StatusForbidden, says})
	}
	return all
}
