//go:build acceptance

package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// agentConfig has an agent log in as an app, and keep one file for each secret.
const agentConfig = `
vault {
  address = %q
}
auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = %q
      secret_id_file_path                 = %q
      remove_secret_id_file_after_reading = false
    }
  }
}
`

const agentTemplate = `
template {
  contents             = %q
  destination          = %q
  error_on_missing_key = true
}
`

// agent starts the server's own agent as an app, and returns the files in which it keeps what it reads at each of the
// paths, once they are there.
func (w *world) agent(t *testing.T, app string, paths ...string) []string {
	t.Helper()
	dir, err := os.MkdirTemp(w.Dir, "kept-")
	if err != nil {
		t.Fatal(err)
	}
	templates, files := "", make([]string, len(paths))
	for i, path := range paths {
		files[i] = filepath.Join(dir, fmt.Sprintf("key-%d.json", i))
		templates += fmt.Sprintf(
			agentTemplate,
			fmt.Sprintf(`{{ with secret %q }}{{ .Data | toJSON }}{{ end }}`, path),
			files[i],
		)
	}
	w.templated(t, app, templates, files...)
	return files
}

// templated starts the server's own agent as an app with templates, and returns once the files are there that these
// make.
func (w *world) templated(t *testing.T, app, templates string, files ...string) {
	t.Helper()
	dir, err := os.MkdirTemp(w.Dir, "agent-")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	root, role := w.caller(t, "root"), "auth/approle/role/"+app
	roleID := write("role-id", root.must("GET", role+"/role-id", nil).field("role_id"))
	secretID := write("secret-id", root.must("POST", role+"/secret-id", nil).field("secret_id"))
	config := fmt.Sprintf(agentConfig, w.Addr, roleID, secretID) + templates
	log := filepath.Join(dir, "agent.log")
	stop, err := w.Run(log, "agent", "-config="+write("agent.hcl", config))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
		said, err := os.ReadFile(log)
		switch {
		case err != nil:
			t.Error(err)
		case w.known(said):
			t.Error("the agent's log holds a secret")
		case t.Failed():
			lines := strings.Split(string(said), "\n")
			t.Logf("the agent's last words:\n%s", strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	})
	for _, file := range files {
		until(t, "rendered", func() error {
			_, err := os.Stat(file)
			return err
		})
	}
}
