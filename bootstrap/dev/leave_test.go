package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// cli stands for the server's CLI: it says what it was called with, and every token and address in its environment.
const cli = `#!/bin/sh
echo ran "$@"
env | grep -E '^(VAULT|BAO)_' | sort
`

// left leaves what a server on the port leaves, in a folder whose name shells could take for more than a name.
func left(t *testing.T, port int) string {
	t.Helper()
	root := t.TempDir()
	dir, bin := filepath.Join(root, `it's $(a) "dir"`), filepath.Join(root, "the cli")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(bin, []byte(cli), 0o700)); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"acme-app": fmt.Sprintf("app-%d", port),
		"spa":      fmt.Sprintf("spa-%d", port),
		"root":     fmt.Sprintf("root-%d", port),
	}
	if err := leave(
		dir,
		&devserver.Server{Addr: fmt.Sprintf("http://127.0.0.1:%d", port), Bin: bin},
		tokens,
	); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shells runs the test in each shell that people source the file in, as far as they are here.
func shells(
	t *testing.T,
	test func(t *testing.T, run func(script string, args ...string) (stdout, stderr string, err error)),
) {
	t.Helper()
	for _, name := range []string{"sh", "dash", "bash", "zsh", "ksh"} {
		shell, err := exec.LookPath(name)
		if name != "sh" && err != nil {
			t.Logf("no %s here", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if err := os.WriteFile(filepath.Join(home, ".vault-token"), []byte("somebody's"), 0o600); err != nil {
				t.Fatal(err)
			}
			test(t, func(script string, args ...string) (string, string, error) {
				cmd := exec.CommandContext(
					t.Context(),
					shell,
					append([]string{"-c", "set -eu; " + script, name}, args...)...)
				cmd.Env = append(
					[]string{"PATH=" + os.Getenv("PATH")},
					"HOME="+home,
					"VAULT_TOKEN=somebody's",
					"BAO_TOKEN=somebody's",
					"BAO_ADDR=http://elsewhere",
					"VAULT_AGENT_ADDR=http://elsewhere",
					"VAULT_NAMESPACE=elsewhere",
				)
				var stdout, stderr strings.Builder
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				err := cmd.Run()
				return stdout.String(), stderr.String(), err
			})
		})
	}
}

// TestAs checks that a command runs as who was named, on the server of the file, and that nothing stays in the shell.
func TestAs(t *testing.T) {
	one, two := left(t, 1), left(t, 2)
	const asApp = "ran write a b c=d\nBAO_ADDR=http://127.0.0.1:%[1]d\nBAO_TOKEN=app-%[1]d\n" +
		"VAULT_ADDR=http://127.0.0.1:%[1]d\nVAULT_TOKEN=app-%[1]d\n"
	shells(t, func(t *testing.T, run func(string, ...string) (string, string, error)) {
		const script = `. "$1/env"; as acme-app write "a b" c=d; . "$2/env"; as acme-app write "a b" c=d; ` +
			`echo "$VAULT_TOKEN" "$VAULT_ADDR"`
		stdout, stderr, err := run(script, one, two)
		want := fmt.Sprintf(asApp, 1) + fmt.Sprintf(asApp, 2) + "somebody's http://127.0.0.1:2\n"
		if err != nil || stderr != "" || stdout != want {
			t.Errorf("%v, %s: got\n%swant\n%s", err, stderr, stdout, want)
		}
	})
}

// TestAsNobody checks that a name that is nobody's, or whose token is gone, runs nothing, with whatever other token
// there is.
func TestAsNobody(t *testing.T) {
	dir, gone, other := left(t, 1), left(t, 2), left(t, 3)
	if err := os.RemoveAll(filepath.Join(gone, "root.token")); err != nil {
		t.Fatal(err)
	}
	const people = `as: nobody is called "%s" here. There are: acme-app root spa` + "\n"
	climbing, err := filepath.Rel(dir, filepath.Join(other, "root"))
	if err != nil {
		t.Fatal(err)
	}
	shells(t, func(t *testing.T, run func(string, ...string) (string, string, error)) {
		for _, test := range []struct{ name, dir, who, want string }{
			{"a name that is nobody's", dir, "nobody-there", fmt.Sprintf(people, "nobody-there")},
			{"half a name", dir, "acme", fmt.Sprintf(people, "acme")},
			{"a pattern", dir, "*", fmt.Sprintf(people, "*")},
			{"the way to another server's", dir, climbing, fmt.Sprintf(people, climbing)},
			{"an empty name", dir, "", fmt.Sprintf(people, "")},
			{"the server has ended", gone, "root", "as: the server at http://127.0.0.1:2 has ended: start another " +
				"with make dev\n"},
		} {
			stdout, stderr, err := run(`. "$1/env"; as "$2" write a`, test.dir, test.who)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || stdout != "" || stderr != test.want {
				t.Errorf("%s: %v; printed %q; said %q, want %q", test.name, err, stdout, stderr, test.want)
			}
		}
		if stdout, stderr, err := run(
			`. "$1/env"; as`,
			dir,
		); err == nil || stdout != "" ||
			stderr != fmt.Sprintf(people, "") {
			t.Errorf("no name: %v; printed %q; said %q", err, stdout, stderr)
		}
	})
}

// TestLeftAlone checks that nobody else can read the tokens.
func TestLeftAlone(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(left(t, 1)), "*dir*", "*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
}
