//go:build acceptance

package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOperationsCommands goes through what docs/operations.md has operators and tenants type, and writes the policy and
// the agent's template that it shows.
func TestOperationsCommands(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	plugins := filepath.Join(w.Dir, "plugins")
	r := plays(t, "docs/operations.md", w, map[string]string{
		"/etc/vault.d/plugins": plugins,
		"/run/app/queue.json":  filepath.Join(t.TempDir(), "queue.json"),
	})
	if _, err := w.openNamed(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	here := r.dir
	r.dir = checkout(t)
	r.shell(
		"nobody",
		"make build VERSION=0.1.1 && install -m 0755 build/vault-plugin-secrets-apikeys "+
			plugins+"/vault-plugin-secrets-apikeys-v0.1.1",
	)
	r.dir = here
	r.shell("acme-admin", "vault write apikeys/my/external/keys/before description=kept")
	upgraded := strings.Fields(r.runs("root", "vault plugin reload"))
	r.holds(upgraded[len(upgraded)-1], "v0.1.1")
	r.holds(r.shell("acme-admin", "vault read -field=description apikeys/my/external/keys/before"), "kept")

	r.closesLeases()
	r.keepsAFile()

	admin := w.caller(t, "acme-admin")
	for name, sent := range map[string]fields{
		"old-feed": {"owner": "crm team"}, "feed": {"owner": "crm team"}, "other": {},
	} {
		admin.must("POST", "apikeys/my/external/keys/"+name, sent)
	}
	for _, name := range []string{"old-feed", "other"} {
		admin.must("POST", "apikeys/my/external/keys/"+name+"/disable", nil)
	}
	admin.must("POST", "apikeys/my/external/roles/desktop", nil)
	leased := w.caller(t, "acme-app").must("GET", "apikeys/tenants/acme/external/creds/desktop", nil)
	table, lists, _ := strings.Cut(r.runs("acme-admin", "vault list -detailed"), "{")
	if !strings.Contains(table, "crm team") || strings.Count(table, "\nfeed ") != 1 {
		t.Errorf("the list is\n%s", table)
	}
	for id, wanted := range map[string]bool{
		`"old-feed"`: true, `"feed"`: false, `"other"`: false, `"` + leased.field("key_id") + `"`: true,
	} {
		if got := strings.Contains(lists, id); got != wanted {
			t.Errorf("%s is listed: %t", id, got)
		}
	}
}

// closesLeases writes the policy that closes what the built-in one opens, and asks what somebody may who has both.
func (r *reader) closesLeases() {
	r.t.Helper()
	may := func(who string) string {
		r.t.Helper()
		paths := []string{"sys/leases/lookup", "sys/leases/renew", "sys/renew"}
		asked := fields{"token": r.w.caller(r.t, who).token, "paths": paths}
		answer := r.w.caller(r.t, "root").must("POST", "sys/capabilities", asked)
		return fmt.Sprint(answer.Data[paths[0]], answer.Data[paths[1]], answer.Data[paths[2]])
	}
	if got := may("acme-viewer"); got != "[update] [update] [update]" {
		r.t.Errorf("without the policy they may %s", got)
	}
	if got := may(
		r.w.granted(r.t, "no-leases", "acme", r.filled("sys/leases/lookup"), "apikeys-tenant-viewer"),
	); got != "[deny] [deny] [deny]" {
		r.t.Errorf("with the policy they may %s", got)
	}
}

// keepsAFile has an agent keep a key in a file by the template.
func (r *reader) keepsAFile() {
	r.t.Helper()
	admin := r.w.caller(r.t, "acme-admin")
	admin.must("POST", "apikeys/my/internal/keys/queue", fields{"reveal": "always"})
	template := r.filled("template {")
	if _, err := r.w.token(r.t.Context(), "acme-app"); err != nil {
		r.t.Fatal(err)
	}
	file := r.stands["/run/app/queue.json"]
	r.w.templated(r.t, "acme-app", template, file)
	content, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.w.guard(string(content)); err != nil {
		r.t.Fatal(err)
	}
	if got := fieldsOf(string(content)); got["key_id"] == "" || got["name"] != "queue" {
		r.t.Errorf("the file is of %q, version %q", got["name"], got["key_id"])
	}
}
