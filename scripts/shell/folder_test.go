package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/test/testdoc"
)

// folder is where a script runs.
type folder struct {
	t   *testing.T
	dir string
}

func made(t *testing.T) folder {
	t.Helper()
	return folder{t, t.TempDir()}
}

// write writes a file, by its path within the folder.
func (f folder) write(path, content string, mode os.FileMode) {
	f.t.Helper()
	at := filepath.Join(f.dir, path)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(content), mode); err != nil {
		f.t.Fatal(err)
	}
}

// copies puts files of the repository at the same paths in the folder.
func (f folder) copies(paths ...string) {
	f.t.Helper()
	for _, path := range paths {
		at := filepath.Join(testdoc.Root(f.t), path)
		info, err := os.Stat(at)
		if err != nil {
			f.t.Fatal(err)
		}
		content, err := os.ReadFile(at)
		if err != nil {
			f.t.Fatal(err)
		}
		f.write(path, string(content), info.Mode().Perm())
	}
}

// tries types a command in the folder, and returns all that it prints.
func (f folder) tries(command string, env ...string) (string, error) {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), "bash", "-euo", "pipefail", "-c", command)
	cmd.Dir = f.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VERSION"}, name) ||
			strings.HasPrefix(name, "GIT_")
	}), env...)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// types is tries for a command that has to succeed.
func (f folder) types(command string, env ...string) string {
	f.t.Helper()
	output, err := f.tries(command, env...)
	if err != nil {
		f.t.Fatalf("%v: %s\n%s", err, command, output)
	}
	return output
}

// refuses is tries for a command that has to fail, and to say why.
func (f folder) refuses(command, why string, env ...string) {
	f.t.Helper()
	if output, err := f.tries(command, env...); err == nil || !strings.Contains(output, why) {
		f.t.Errorf("%s: got %v, want %q in\n%s", command, err, why, output)
	}
}
