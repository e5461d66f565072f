//go:build acceptance

package acceptance

import (
	"bytes"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// command runs a command in the transcript's directory and environment, with a token. Testscript's own way to do so
// would log what it prints, secrets too.
func command(ts *testscript.TestScript, token string, args []string) (stdout, stderr string, err error) {
	name := args[0]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			name = path
			break
		}
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args[1:]...) //nolint:noctx // The commands end by themselves.
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout, cmd.Stderr = &out, &errs
	for _, variable := range []string{"PATH", "HOME", "TMPDIR", "VAULT_ADDR", "VAULT_FORMAT"} {
		cmd.Env = append(cmd.Env, variable+"="+ts.Getenv(variable))
	}
	cmd.Env = append(cmd.Env, "VAULT_TOKEN="+token)
	err = cmd.Run()
	return out.String(), errs.String(), err
}
