//go:build acceptance

package acceptance

import (
	"net/http"
	"strings"
	"testing"
)

// stored returns what storage holds under a prefix, unsealed as the server itself reads it, by path. Entries that go
// meanwhile are left out.
func (c *caller) stored(prefix string) map[string][]byte {
	c.t.Helper()
	entries := map[string][]byte{}
	list := c.ask("LIST", "sys/raw/"+prefix, nil)
	keys, _ := list.Data["keys"].([]any)
	for _, key := range keys {
		path := prefix + key.(string)
		if strings.HasSuffix(path, "/") {
			for below, content := range c.stored(path) {
				entries[below] = content
			}
			continue
		}
		if a := c.ask("GET", "sys/raw/"+path, nil); a.status == http.StatusOK {
			value, _ := a.Data["value"].(string)
			entries[path] = []byte(value)
		}
	}
	return entries
}

// TestStorage checks that secrets are stored in the records of keys and of leased keys, and nowhere else. Vault itself
// keeps a leased answer until the lease is first renewed; one sealed to its recipient would be kept sealed.
func TestStorage(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "storage")
	admin, app, root := w.caller(t, tenant+"-admin"), w.caller(t, tenant+"-app"), w.caller(t, "root")
	for _, kind := range []string{"external", "internal"} {
		key := "apikeys/my/" + kind + "/keys/billing"
		admin.must("POST", key, fields{"reveal": "always", "description": "to be found in its record"})
		for range 3 {
			admin.must("POST", key+"/reveal", nil)
			app.must("GET", "apikeys/my/"+kind+"/static-creds/billing", nil)
			admin.must("POST", key+"/rotate", nil)
		}
		admin.must("POST", "apikeys/my/"+kind+"/roles/desktop", nil)
	}
	creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"
	renewed, kept := app.must("GET", creds, nil), app.must("GET", creds, nil)
	holder := renewed.holder(t)
	if got := w.caller(t, "gateway").verdict(holder.call("GET", "/desktop/v1/queue")); got != "valid" {
		t.Fatal(got)
	}

	mount := "logical/" + root.must("GET", "sys/mounts/apikeys", nil).field("uuid") + "/"
	held := map[string]int{} // entries that hold a secret, by family
	entries := root.stored(mount)
	for path, content := range entries {
		family, _, _ := strings.Cut(strings.TrimPrefix(path, mount), "/")
		if w.known(content) || w.known([]byte(path)) {
			held[family]++
		}
	}
	if len(entries) < 8 || held["keys"] != 2 || held["leased"] != 2 || len(held) != 2 {
		t.Errorf(
			"secrets are in entries of %v; want 2 of keys and 2 of leased, and no others of %d",
			held,
			len(entries),
		)
	}

	// Renewed, a lease holds no secret any more, and revoked it is gone.
	const leases = "sys/expire/id/"
	holds := func(lease *answered) bool { return w.known(root.stored(leases + creds + "/")[leases+lease.LeaseID]) }
	if !holds(renewed) || !holds(kept) {
		t.Error("no secret is where Vault keeps leased answers: this test looks in the wrong place")
	}
	if a := app.must("PUT", "sys/leases/renew", fields{"lease_id": renewed.LeaseID}); len(a.Data) > 0 {
		t.Errorf("the renewal answers %d fields", len(a.Data))
	}
	if holds(renewed) || !holds(kept) {
		t.Error("the renewed lease holds a secret, or the other does not")
	}
	root.must("PUT", "sys/leases/revoke", fields{"lease_id": kept.LeaseID, "sync": true})
	for path, content := range root.stored("sys/") {
		if w.known(content) {
			t.Errorf("%s holds a secret", path)
		}
	}
}
