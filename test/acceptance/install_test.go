//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// TestInstallCommands goes through what docs/install.md says to do, from building the plugin to importing keys, on a
// server that had none.
func TestInstallCommands(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	r := plays(t, "docs/install.md", w, map[string]string{
		"/etc/vault.d/plugins":     filepath.Join(w.Dir, "plugins"),
		"/var/log/vault/audit.log": w.AuditFile(),
	})
	r.dir = checkout(t)
	r.hasAge()
	root := w.caller(t, "root")
	root.must("DELETE", "sys/mounts/apikeys", nil)

	r.runs("nobody", "make build")
	r.runs("root", "vault secrets enable")
	r.shell(
		"root",
		`[[ $(vault plugin info -field=command -version="$VERSION" secret vault-plugin-secrets-apikeys) == `+
			`"vault-plugin-secrets-apikeys-$VERSION" ]]`,
	)
	files, err := filepath.Glob("../../bootstrap/policies/*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	shown := r.runs("root", "scripts/policies.sh")
	for _, file := range files {
		name := policies.Prefix + strings.TrimSuffix(filepath.Base(file), ".hcl")
		if !strings.Contains(shown, "vault policy write "+name+" ") || !strings.Contains(shown, "\n"+name+"\n") {
			t.Errorf("%s is not shown, or not written:\n%s", name, shown)
		}
	}
	r.runs("spa", "admin/tenants/acme")
	r.people()
	r.audited()
	r.runs("root", "-max-lease-ttl=2160h")
	r.holds(r.shell("root", "vault read -field=max_lease_ttl sys/mounts/apikeys/tune"), "7776000")
	r.handsOut()
}

// people sets up a tenant's administrator, who logs in with a company's service, and an app, and logs both in.
func (r *reader) people() {
	r.t.Helper()
	root, nobody := r.w.caller(r.t, "root"), r.w.caller(r.t, "nobody")
	service := newIssuer(r.t)
	root.must("POST", "sys/auth/oidc", fields{"type": "jwt"})
	root.must(
		"POST",
		"auth/oidc/config",
		fields{"jwt_validation_pubkeys": []string{service.public()}, "bound_issuer": "https://login.example"},
	)
	root.must("POST", "auth/oidc/role/people", fields{
		"role_type":       "jwt",
		"user_claim":      "sub",
		"groups_claim":    "groups",
		"bound_audiences": []string{"vault"},
		"token_ttl":       "1h",
	})
	r.runs("root", "identity/group-alias")
	login := nobody.must(
		"POST",
		"auth/oidc/login",
		fields{"role": "people", "jwt": service.says("somebody", "acme-admins")},
	)
	r.w.admit("of the group", login.Auth.Token)

	r.runs("root", "identity/entity-alias")
	id := root.must("GET", "auth/approle/role/acme-app/role-id", nil).field("role_id")
	secret := root.must("POST", "auth/approle/role/acme-app/secret-id", nil).field("secret_id")
	login = nobody.must("POST", "auth/approle/login", fields{"role_id": id, "secret_id": secret})
	r.w.admit("the app", login.Auth.Token)
	r.shell("of the group", "vault write apikeys/my/external/roles/desktop ttl=5m")
	r.shell("the app", "vault read -format=json apikeys/tenants/acme/external/creds/desktop > leased.json")
	r.reads("leased.json")
}

// audited has the server write an audit log, in which what is safe is readable.
func (r *reader) audited() {
	r.t.Helper()
	root := r.w.caller(r.t, "root")
	root.must("DELETE", "sys/audit/file", nil)
	r.runs("root", "vault secrets tune")
	r.shell(
		"of the group",
		`vault write apikeys/my/external/keys/billing reveal=always && `+
			`vault write apikeys/my/external/keys/billing/disable reason="so as to see it"`,
	)
	r.shell("of the group", `vault write -f apikeys/my/external/keys/billing/enable`)
	log, err := os.ReadFile(r.w.AuditFile())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, readable := range []string{`"reason":"so as to see it"`, `"name":"billing"`, `"tenant":"acme"`} {
		if !bytes.Contains(log, []byte(readable)) {
			r.t.Errorf("the audit log has no %s", readable)
		}
	}
}

// handsOut verifies, and hands secrets over.
func (r *reader) handsOut() {
	r.t.Helper()
	r.shell("of the group", "vault write -f -format=json apikeys/my/external/keys/billing/reveal > key.json")
	r.reads("key.json")
	for _, name := range []string{"call", "one", "two"} {
		r.shell("nobody", "sign key.json GET /v1/orders > "+name+".http")
	}
	single, batch, _ := strings.Cut(r.runs("gateway", "apikeys/verify"), "{")
	results := fieldsOf("{" + batch)
	r.holds(
		fieldsOf(single)["verdict"]+" "+results["results.0.verdict"]+" "+results["results.1.verdict"],
		"valid", "valid", "valid",
	)
	token := fieldsOf(r.runs("of the group", "-wrap-ttl=10m"))["wrapping_token"]
	r.holds(r.shell("nobody", "vault unwrap -field=name "+token), "billing")
	r.stands["age1…"] = r.recipient("identity.txt")
	r.runs("of the group", "handover > partner.age")
	r.shell("nobody", "age -d -i identity.txt partner.age > opened.json")
	if got := r.reads("opened.json"); !strings.Contains(got, `"name":"partner"`) {
		r.t.Error("what was sealed is another key's")
	}
	item, _ := planted(r.t, r.w, "crm-old", "Np9Sv4Ef")
	file, err := json.Marshal(fields{"keys": []any{item}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.writes("keys.json", string(file))
	if got := fieldsOf(r.runs("of the group", "@keys.json"))["results.0.ok"]; got != "true" {
		r.t.Errorf("the dry run says ok: %s", got)
	}
}

// admit makes somebody known by a token.
func (w *world) admit(name, token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[name] = token
}

// recipient makes an identity of age in a file, and returns its recipient.
func (r *reader) recipient(file string) string {
	r.t.Helper()
	return strings.TrimSpace(r.shell("nobody", "age-keygen -o "+file+" 2>/dev/null && age-keygen -y "+file))
}

// hasAge puts age on the reader's PATH, as holders of keys have it.
func (r *reader) hasAge() {
	r.t.Helper()
	cmd := exec.CommandContext(
		r.t.Context(),
		"go",
		"-C",
		"../../scripts/tools",
		"build",
		"-o",
		r.w.bin,
		"filippo.io/age/cmd/age",
		"filippo.io/age/cmd/age-keygen",
	)
	if output, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("building age: %v: %s", err, output)
	}
}
