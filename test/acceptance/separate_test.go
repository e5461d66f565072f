//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// separation is a report of cmd/isolation.
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
	output, err := exec.Command("go", "build", "-o", file, "../../cmd/isolation").
		CombinedOutput()
		//nolint:noctx // It ends by itself.
	if err != nil {
		err = fmt.Errorf("building isolation: %w: %s", err, output)
	}
	return file, err
})

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

// expect checks that the command has found holes of which each of these texts is a part; with none, that it found
// nothing.
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
