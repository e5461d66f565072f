//go:build acceptance

package acceptance

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
	"vault-plugin-secrets-apikeys/test/testdoc"
)

// reader is who follows a document: at a shell, which keeps variables and functions from one block to the next, in a
// directory with what comes before in the text.
type reader struct {
	*testdoc.Reader
	t   *testing.T
	w   *world
	dir string // where the reader is
	at  string // keeps the shell's state
	// stands has what stands in the document for something that differs: an address, a file, a day to come.
	stands map[string]string
}

// plays opens a document for a test that goes through its blocks on a server, as the people of tenants acme and globex.
func plays(t *testing.T, document string, w *world, stands map[string]string) *reader {
	t.Helper()
	for _, program := range []string{"bash", "jq", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing, which a documented command needs: apt-get install -y %[1]s", program)
		}
	}
	w.know(slices.Concat(tour.Staff("acme"), tour.Staff("globex")))
	return &reader{testdoc.Open(t, document), t, w, t.TempDir(), filepath.Join(t.TempDir(), "session"), stands}
}

// runs runs the next block, which has a text in it, as somebody, and returns what it prints.
func (r *reader) runs(who, with string) string {
	r.t.Helper()
	return r.shell(who, r.filled(with))
}

// filled takes the next block, with what stands for something replaced by that.
func (r *reader) filled(with string) string {
	r.t.Helper()
	block := r.Next(with)
	text := block.Text
	for _, name := range slices.Sorted(maps.Keys(r.stands)) {
		text = strings.ReplaceAll(text, name, r.stands[name])
	}
	if strings.Contains(text, "…") && block.Language != "go" { // of which it is a comment
		r.t.Fatalf("%s: nothing is put in the place of what … stands for", block)
	}
	return text
}

// shell types text at the reader's shell, which ends at the first command that fails.
func (r *reader) shell(who, text string) string {
	r.t.Helper()
	out, said, err := r.types(who, text)
	if err != nil {
		r.t.Fatalf("%v: %s\n%s", err, text, said)
	}
	return out
}

// session has a shell go on where the one before ended.
const session = `set -euo pipefail
if [[ -f $SESSION ]]; then . "$SESSION"; fi
VAULT_TOKEN=$(<"$SESSION.token")
export VAULT_TOKEN
set -a
. "$SESSION.typed"
set +a
{ export -p; declare -f; } >"$SESSION"
`

// types is shell for a text that may fail: it returns what was said on standard error as well.
func (r *reader) types(who, text string) (printed, said string, err error) {
	r.t.Helper()
	token, err := r.w.token(r.t.Context(), who)
	if err != nil {
		r.t.Fatal(err)
	}
	r.writes(r.at+".token", token)
	r.writes(r.at+".typed", text)
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(r.t.Context(), "bash", "-c", session)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, &out, &errs
	cmd.Env = append(r.w.shellEnv(r.t), "SESSION="+r.at)
	err = cmd.Run()
	if guarded := r.w.guard(out.String()); guarded != nil {
		r.t.Fatal(guarded)
	}
	return out.String(), errs.String(), err
}

// goEnv says where Go keeps what it has fetched and built, which a shell with another home would not find.
var goEnv = sync.OnceValues(func() ([]string, error) {
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").
		Output()
		//nolint:noctx // It ends by itself.
	found := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(found) != 3 {
		return nil, fmt.Errorf("go env: %w: %q", err, out)
	}
	return []string{"GOCACHE=" + found[0], "GOMODCACHE=" + found[1], "GOPATH=" + found[2]}, nil
})

// shellEnv is the environment of a shell that acts for nobody, and knows nothing of the make that runs the tests.
func (w *world) shellEnv(t *testing.T) []string {
	t.Helper()
	forGo, err := goEnv()
	if err != nil {
		t.Fatal(err)
	}
	env := slices.DeleteFunc(w.Env(""), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(
			[]string{"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VERSION", "PLUGIN", "PLUGIN_VERSION"},
			name,
		)
	})
	return append(append(env, forGo...), "PATH="+w.bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// checkout returns a copy of the repository to work in, without what was built in this one.
func checkout(t *testing.T) string {
	t.Helper()
	root, dir := testdoc.Root(t), t.TempDir()
	there, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-R"}
	for _, entry := range there {
		if entry.Name() != "build" && entry.Name() != ".git" {
			args = append(args, filepath.Join(root, entry.Name()))
		}
	}
	if output, err := exec.CommandContext(t.Context(), "cp", append(args, dir)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return dir
}

// writes writes a file of the reader's, by its name there or its path.
func (r *reader) writes(name, content string) {
	r.t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.dir, name)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// reads returns what a file of the reader's holds; no log may hold a secret that is in it.
func (r *reader) reads(name string) string {
	r.t.Helper()
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.w.guard(string(content)); err != nil {
		r.t.Fatal(err)
	}
	return string(content)
}

// holds checks that each line that was printed is what is wanted.
func (r *reader) holds(printed string, want ...string) {
	r.t.Helper()
	if got := strings.Fields(printed); !slices.Equal(got, want) {
		r.t.Errorf("printed %q, want %q", got, want)
	}
}
