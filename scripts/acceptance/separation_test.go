//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// separation is a report of scripts/isolation.
type separation struct {
	code    int
	text    string
	Holes   int
	Tries   int
	Binding string `json:"tenant_binding"`
	Walls   []struct {
		Name  string
		Tries int
		Holes []struct{ Who, Request, Answer string }
	}
	Notes, Made, Removed, Left []string
	Error                      string
}

var builtIsolation = sync.OnceValues(func() (string, error) {
	file := filepath.Join(shared.Dir, "isolation")
	output, err := exec.Command("go", "build", "-o", file, "../isolation").CombinedOutput() //nolint:noctx // It ends by itself.
	return file, errors.Join(err, onlyOn(err, string(output)))
})

func onlyOn(err error, text string) error {
	if err == nil {
		return nil
	}
	return errors.New(text)
}

// separate runs the command with tokens of these people: the SPA's, a tenant's and another's.
func (w *world) separate(t *testing.T, spa, a, b string, args ...string) *separation {
	t.Helper()
	file, err := builtIsolation()
	if err != nil {
		t.Fatal(err)
	}
	tokens := t.TempDir()
	given := map[string]string{"spa": spa, "a": a, "b": b, "operator": "operator"}
	for side, people := range given {
		var lines []string
		for name := range strings.FieldsSeq(people) {
			lines = append(lines, w.caller(t, name).token)
		}
		if err := os.WriteFile(filepath.Join(tokens, side), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-"+side+"-token-file", filepath.Join(tokens, side))
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), file, append(args, "-json")...)
	cmd.Env, cmd.Stdout, cmd.Stderr = w.Env(""), &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	s := &separation{code: cmd.ProcessState.ExitCode(), text: out.String() + errs.String()}
	if err := json.Unmarshal(out.Bytes(), s); err != nil {
		t.Fatalf("%v: %s", err, s.text)
	}
	for _, people := range given {
		for name := range strings.FieldsSeq(people) {
			if strings.Contains(s.text, w.caller(t, name).token) {
				t.Errorf("the report holds the token of %s", name)
			}
		}
	}
	return s
}

// holes returns all holes as one text, a line each.
func (s *separation) holes() string {
	var b strings.Builder
	for _, w := range s.Walls {
		for _, h := range w.Holes {
			b.WriteString(w.Name + ": " + h.Who + ": " + h.Request + ": " + h.Answer + "\n")
		}
	}
	return b.String()
}

// expect checks that the command has found holes of which each of these texts is a part; with none, that it found nothing.
func (s *separation) expect(t *testing.T, holes ...string) {
	t.Helper()
	code := 0
	if len(holes) > 0 {
		code = 1
	}
	if s.code != code || s.Error != "" || len(s.Left) > 0 {
		t.Fatalf("exit %d, want %d: error %q, left %v\n%s", s.code, code, s.Error, s.Left, s.text)
	}
	all := s.holes()
	for _, hole := range holes {
		if !strings.Contains(all, hole) {
			t.Errorf("did not find %q, but\n%s", hole, all)
		}
	}
}

// staff names a tenant's people whose tokens are given to the command.
func staff(tenant string) string {
	return strings.Join([]string{tenant + "-admin", tenant + "-app", tenant + "-verifier"}, " ")
}

// granted enrols somebody with a policy of these rules, beside others.
func (w *world) granted(t *testing.T, name, tenant, rules string, others ...string) string {
	t.Helper()
	if err := w.Root().Sys().PutPolicyWithContext(t.Context(), name, rules); err != nil {
		t.Fatal(err)
	}
	w.know([]devserver.Person{{Name: name, Tenant: tenant, Policies: append(others, name)}})
	return name
}

// TestSeparation checks that with the shipped policies there is no hole, that every wall was tried, and that what was made for
// it is gone.
func TestSeparation(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "apart"), shared.tenant(t, "apart")
	s := shared.separate(t, "spa", staff(ours), staff(theirs))
	s.expect(t)
	if s.Binding != "required" || s.Tries < 5000 || len(s.Notes) > 0 {
		t.Errorf("binding %q, %d tries, notes %v", s.Binding, s.Tries, s.Notes)
	}
	for _, w := range s.Walls {
		if w.Tries == 0 {
			t.Errorf("%s: nothing was tried", w.Name)
		}
	}
	if len(s.Made) != 12 || len(s.Removed) != 12 {
		t.Errorf("made %v, removed %v", s.Made, s.Removed)
	}
	admin := shared.caller(t, ours+"-admin")
	for _, kind := range []string{"internal", "external"} {
		admin.refused(404, "", "LIST", "apikeys/my/"+kind+"/roles", nil)
		for _, name := range names(admin.ask("LIST", "apikeys/my/"+kind+"/keys", nil)) {
			if got := admin.must("GET", "apikeys/my/"+kind+"/keys/"+name, nil).field("state"); got != "deleted" {
				t.Errorf("%s is %s", name, got)
			}
		}
	}
}

// TestSeparationTellsTheSPAsGrants gives the SPA what leads round the wall, and what only looks as if it did.
func TestSeparationTellsTheSPAsGrants(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "round"), shared.tenant(t, "round")
	who := shared.granted(t, ours+"-spa", "", `
path "sys/leases/*" { capabilities = ["read", "update", "list", "sudo"] }
path "identity/*" { capabilities = ["create", "update"] }
path "sys/policies/acl/*" { capabilities = ["create", "update"] }
path "sys/+/userpass/tune" { capabilities = ["update"] }
path "sys/+/isolation-nobody" { capabilities = ["create"] } # The server does not list rules with a plus.
path "auth/*" { capabilities = ["read", "list"] }
path "sys/audit*" { capabilities = ["update"] }
path "sys/audit" { capabilities = ["deny"] }
path "sys/rotate*" { capabilities = ["deny"] }
`, "spa")
	s := shared.separate(t, who, ours+"-admin", theirs+"-admin")
	s.expect(
		t,
		"grant of sys/leases/* (list read sudo update): lets them find and end a tenant's leased keys",
		"grant of identity/* (create update): lets them give themselves a tenant's metadata",
		"grant of sys/policies/acl/* (create update): lets them write themselves any policy",
		"grant of sys/audit* (update): lets them turn the audit log off",
		"grant that covers sys/auth/isolation-nobody (create): lets them log in as somebody of a tenant",
	)
	for _, harmless := range []string{"auth/*", "rotate", "sys/leases/renew", "identity/entity/id"} {
		if strings.Contains(s.holes(), " "+harmless) {
			t.Errorf("%s is named:\n%s", harmless, s.holes())
		}
	}
	if strings.Contains(s.holes(), "apikeys/") {
		t.Errorf("a wall is open:\n%s", s.holes())
	}
}

// TestSeparationOfABroadSPA grants the SPA all of the mount: first with the denies of its own policy, then without.
func TestSeparationOfABroadSPA(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "broken"), shared.tenant(t, "broken")
	if err := shared.Root().Sys().PutPolicyWithContext(t.Context(), "wide", wide); err != nil {
		t.Fatal(err)
	}
	denied, without := ours+"-denied", ours+"-without"
	shared.know([]devserver.Person{{Name: denied, Policies: []string{"spa", "wide"}}, {Name: without, Policies: []string{"wide"}}})
	for _, spa := range []string{denied, without} {
		s := shared.separate(t, spa, ours+"-admin", theirs+"-admin")
		s.expect(t, "PATCH apikeys/verify", "POST apikeys/config", "200 with valid, verdict")
		if strings.Contains(s.holes(), "apikeys/tenants/") || strings.Contains(s.holes(), "apikeys/my") {
			t.Errorf("identity did not hold:\n%s", s.holes())
		}
		if alone := strings.Contains(strings.Join(s.Notes, "\n"), "identity alone"); alone != (spa == without) {
			t.Errorf("%s: identity is alone: %t", spa, alone)
		}
	}
}

// TestSeparationOfBroadTenants checks that identity holds where a tenant's policies do not, and that it is said to be alone.
func TestSeparationOfBroadTenants(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "broad"), shared.tenant(t, "broad")
	broad := shared.enrol(t, ours+"-broad", ours)
	s := shared.separate(t, "spa", broad.name, staff(theirs))
	s.expect(t)
	if all := strings.Join(s.Notes, "\n"); !strings.Contains(all, "the wall of identity alone keeps them out") {
		t.Errorf("notes: %s", all)
	}
}

// TestSeparationByGroups checks the policy for tenants bound by groups: it works for its own, identity alone keeps the others
// out, and the command says so. Without that wall it is a hole.
func TestSeparationByGroups(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "groups"), w.tenant(t, "groups")
	rules, err := os.ReadFile("../../bootstrap/policies/variants/app-by-group.hcl")
	if err != nil {
		t.Fatal(err)
	}
	app := w.caller(t, w.granted(t, "grouped", "", string(rules)))
	w.group(t, ours+"-apps", ours, app)
	for _, tenant := range []string{ours, theirs} {
		admin := w.caller(t, tenant+"-admin")
		admin.must("POST", "apikeys/my/external/roles/desktop", nil)
		admin.must("POST", "apikeys/my/external/keys/events", fields{"scheme": "hmac-sha256", "reveal": "always"})
	}
	app.must("GET", "apikeys/tenants/"+ours+"/external/creds/desktop", nil)
	app.must("GET", "apikeys/my/external/static-creds/events", nil)
	app.must("PATCH", "apikeys/my/external/sign/events", fields{"message": "one"})
	app.refused(403, "belongs to another tenant", "GET", "apikeys/tenants/"+theirs+"/external/creds/desktop", nil)

	const named = "as the policy for tenants bound by groups does"
	s := w.separate(t, "spa", ours+"-admin "+app.name, theirs+"-admin")
	if s.expect(t); !strings.Contains(strings.Join(s.Notes, "\n"), named) {
		t.Errorf("notes: %v", s.Notes)
	}
	w.caller(t, "operator").must("PATCH", "apikeys/config", fields{"tenant_binding": "auto"})
	w.separate(t, "spa", ours+"-admin "+app.name, theirs+"-admin").expect(t, named, "tenant_binding=auto: nothing keeps")
}

// TestSeparationWithoutIdentity takes the wall of identity away, and gives a tenant too much.
func TestSeparationWithoutIdentity(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "unbound"), w.tenant(t, "unbound")
	free := w.enrol(t, "free", "")
	w.caller(t, "operator").must("PATCH", "apikeys/config", fields{"tenant_binding": "auto"})
	s := w.separate(t, "spa", free.name, theirs+"-admin", "-a-tenant", ours)
	s.expect(t, "tenant A into tenants/"+theirs+"/…", "/external/keys/", "tenant A into the provider's paths", "tenant_binding=auto: nothing keeps")
	if s.Binding != "auto" || !strings.Contains(s.holes(), "it holds what is another's") {
		t.Errorf("binding %s:\n%s", s.Binding, s.holes())
	}
}
