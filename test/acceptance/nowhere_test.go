//go:build acceptance

package acceptance

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestNowhere does all that can be done with secrets, and then looks for them, in every form, wherever the server keeps
// or shows something: its log, which the plugin's goes into, the audit log, metrics, and all of its storage as it is
// decrypted. They may be in the records of keys and leased keys, and where Vault keeps an answer that was leased and
// not renewed.
func TestNowhere(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "nowhere")
	root, operator := w.caller(t, "root"), w.caller(t, "operator")
	renewed, kept := w.everything(t, tenant)

	for _, path := range []string{"apikeys/metrics", "sys/metrics", "apikeys/status", "apikeys/admin/report"} {
		who := map[bool]*caller{true: operator, false: root}[path == "apikeys/status" || path == "apikeys/metrics"]
		if a := who.must("GET", path, nil); len(a.body) < 50 || w.known(a.body) {
			t.Errorf("%s: %d bytes; a secret in them: %t", path, len(a.body), w.known(a.body))
		}
	}
	mount := "logical/" + root.must("GET", "sys/mounts/apikeys", nil).field("uuid") + "/"
	held := map[string]int{}
	entries := root.stored("")
	for path, content := range entries {
		if !w.known(content) && !w.known([]byte(path)) {
			continue
		}
		if below, ok := strings.CutPrefix(path, mount); ok {
			path, _, _ = strings.Cut(below, "/")
		}
		held[path]++
	}
	const leases = "sys/expire/id/"
	for path := range held {
		if path != "keys" && path != "leased" && path != leases+kept {
			t.Errorf("%s holds a secret", path)
		}
	}
	if held["keys"] < 5 || held["leased"] < 2 || held[leases+kept] != 1 || held[leases+renewed] != 0 ||
		len(entries) < 100 {
		t.Errorf("of %d entries, secrets are in %v: this test looks in the wrong places", len(entries), held)
	}
}

// everything does all that can be done with secrets in a tenant, well and badly. It returns the IDs of two leases that
// were answered in clear, of which one was renewed.
func (w *world) everything(t *testing.T, tenant string) (renewed, kept string) {
	t.Helper()
	admin, app, gateway := w.caller(t, tenant+"-admin"), w.caller(t, tenant+"-app"), w.caller(t, "gateway")
	operator, spa, migrator := w.caller(t, "operator"), w.caller(t, "spa"), w.caller(t, "migrator")
	box := w.mailbox(t)
	const keys = "apikeys/my/external/keys/"
	creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"

	// Every way out: in clear, with a request ID, sealed, handed over, fetched, leased, wrapped, picked up.
	admin.must("POST", keys+"clear", fields{"reveal": "always"})
	shown := admin.must("POST", keys+"clear/reveal", fields{"request_id": "mine"}).holder(t)
	app.must("GET", "apikeys/my/external/static-creds/clear", nil)
	admin.must("POST", keys+"sealed", fields{"recipients": []string{box.recipient}})
	old := box.opens(t, admin.must("GET", keys+"sealed/handover", nil))
	admin.must("POST", keys+"sealed/rotate", fields{"overlap": "1h"})
	box.opens(t, gateway.must("POST", "apikeys/pickup", fields{"request": old.call("POST", "/pickup")}))
	admin.must("POST", keys+"asked", nil)
	box.opens(t, admin.must("POST", keys+"asked/reveal", fields{"recipient": box.recipient}))
	admin.must("POST", "apikeys/my/internal/roles/desktop", nil)
	box.opens(t, app.must("GET", creds+"?recipient="+box.recipient, nil))
	first, second := app.must("GET", creds, nil), app.must("GET", creds, nil)
	app.must("PUT", "sys/leases/renew", fields{"lease_id": first.LeaseID})
	operator.must("PATCH", "apikeys/config", fields{"force_wrap": true, "allow_import_until": "2099-01-02T03:04:05Z"})
	wrapped := admin.must("POST", keys+"clear/reveal", nil)
	bearer := *admin // A wrapping token is for whoever has it.
	bearer.token = wrapped.wrapToken(t)
	bearer.must("POST", "sys/wrapping/unwrap", nil).holder(t)
	operator.must("PATCH", "apikeys/config", fields{"force_wrap": nil})

	// Keys from elsewhere, and what is wrong with them in every field that an item has.
	item, foreign := planted(t, w, "legacy", "Nowhere_01")
	other, _ := planted(t, w, "provided", "Nowhere_02")
	bad := []any{item}
	for _, name := range []string{
		"name", "scheme", "issued_at", "expires_at", "ttl", "overlap", "reveal", "scopes", "allowed_cidrs",
		"recipients", "metadata", "expiry_window", "replay", "auto_rotate",
	} {
		bad = append(bad, item.with(fields{"key_id": "Nowhere_03", name: item["key"]}))
	}
	bad = append(bad, item.with(fields{"key": item["key"].(string) + "="}), item["key"])
	admin.must("POST", "apikeys/my/external/import", fields{"keys": bad, "dry_run": true})
	admin.must("POST", "apikeys/my/external/import", fields{"keys": bad})
	provided := other.with(fields{"tenant": tenant, "kind": "internal"})
	migrator.must("POST", "apikeys/admin/import", fields{"keys": []any{
		provided, provided, provided.with(fields{"tenant": other["key"]}), provided.with(fields{"kind": other["key"]}),
	}})
	admin.ask("POST", "apikeys/my/external/import", fields{"keys": item["key"], "dry_run": item["key"]})

	// Calls, good and bad, alone and together; what Vault signs.
	call := shown.call("GET", "/wfo/v1/agents")
	for _, request := range []any{
		call, call, foreign.call("GET", "/a"), "GET /a", shown.call("GET", "/../b") + "X-More: 1\n\n",
	} {
		gateway.must("PATCH", "apikeys/verify", fields{"request": request, "client_ip": "192.0.2.7"})
	}
	gateway.must("POST", "apikeys/verify", fields{"batch": []any{call, foreign.call("GET", "/b"), 7}})
	w.caller(t, tenant+"-verifier").must("POST", "apikeys/my/verify", fields{"request": shown.call("GET", "/c")})
	app.must("POST", "apikeys/my/external/sign/clear", fields{"request": agents})

	// What changes a key, and what shows it.
	for _, does := range []string{"rotate", "disable", "enable"} {
		admin.must("POST", keys+"legacy/"+does, nil)
	}
	admin.ask("POST", keys+"clear/expire", fields{"expires_at": item["key"], "key_id": item["key"], "in": item["key"]})
	admin.must("POST", keys+"asked/extend", fields{"expires_at": longer["expires_at"], "reason": "a holiday"})
	admin.must("POST", keys+"asked/revoke", fields{"reason": "a test"})
	admin.must("DELETE", keys+"sealed", nil)
	admin.must("POST", keys+"sealed/restore", nil)
	admin.must("PATCH", keys+"clear", fields{"description": "changed"})
	admin.ask("POST", keys+"clear/extend", fields{"expires_at": item["key"], "key_id": item["key"]})
	admin.ask("POST", keys+"clear/rotate", fields{"current_key_id": item["key"]})
	for _, path := range []string{
		"", "/due", "/report", "/ids/" + shown.keyID, "/external/keys/clear", "/external/keys/legacy/history",
	} {
		admin.ask("GET", "apikeys/my"+path, nil)
	}
	admin.must("LIST", "apikeys/my/external/keys", nil)
	spa.must("POST", "apikeys/admin/tenants/"+tenant+"/suspend", fields{"reason": "a test"})
	gateway.must("PATCH", "apikeys/verify", fields{"request": shown.call("GET", "/d")})
	admin.ask("POST", keys+"clear/reveal", nil)
	spa.must("POST", "apikeys/admin/tenants/"+tenant+"/resume", nil)
	operator.must("POST", "apikeys/tidy", nil)
	return first.LeaseID, second.LeaseID
}

// wrapToken returns the token of an answer that came wrapped.
func (a *answered) wrapToken(t *testing.T) string {
	t.Helper()
	var wrap struct {
		WrapInfo struct{ Token string } `json:"wrap_info"`
	}
	if err := json.Unmarshal(a.body, &wrap); err != nil || wrap.WrapInfo.Token == "" || a.field("key") != "" {
		t.Fatalf("%d not wrapped, or not only that: %v", a.status, err)
	}
	return wrap.WrapInfo.Token
}
