//go:build acceptance

package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// devWithin is how long a development server may take to say or to do something, on a machine that is busy.
const devWithin = 2 * time.Minute

// root is that of the repository, where make dev runs.
const root = "../.."

// printed is what a program has printed so far. It is safe for concurrent use.
type printed struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *printed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.ReplaceAll(p.text.String(), "\r\n", "\n") // as a terminal ends lines
}

// waitFor waits until it holds the text.
func (p *printed) waitFor(t *testing.T, text string) {
	t.Helper()
	within(t, devWithin, text, func() error {
		if said := p.String(); !strings.Contains(said, text) {
			return fmt.Errorf("not among what was said:\n%s", said)
		}
		return nil
	})
}

// fits reports the lines that are wider than the tour may print.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > tour.Columns {
			t.Errorf("%d columns: %s", width, line)
		}
	}
}

// buildDev builds the programs of make dev, and returns their folder.
func buildDev(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(
		t.Context(),
		"go",
		"build",
		"-o",
		dir,
		"../../bootstrap/dev",
		"../../bootstrap/tour/sign",
	)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return dir
}

// startDev starts the development server of a port, with its folder below state. It is told to end with the test.
func startDev(t *testing.T, bin, state, port string) (*exec.Cmd, *printed) {
	t.Helper()
	out := &printed{}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "dev"), "-stay", "-state", state, "-version",
		os.Getenv("PLUGIN_VERSION"), "-sign", filepath.Join(bin, "sign"))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, out, out
	cmd.Env = append(os.Environ(), "VAULT_PORT="+port, "VAULT_BIN="+shared.Bin)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// TestDevSideBySide runs two development servers at once, each with a folder, a file to source and people of its own.
func TestDevSideBySide(t *testing.T) {
	t.Parallel()
	bin, state := buildDev(t), t.TempDir()
	ports := []string{"18431", "18432"}
	servers, outs := map[string]*exec.Cmd{}, map[string]*printed{}
	for _, port := range ports {
		servers[port], outs[port] = startDev(t, bin, state, port)
	}
	// sourced runs a line of dash, or whatever sh is, after the files of these ports.
	sourced := func(line string, ports ...string) (string, error) {
		for i := len(ports) - 1; i >= 0; i-- {
			line = fmt.Sprintf(". %s/%s/env; %s", state, ports[i], line)
		}
		output, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
		return string(output), err
	}
	for _, port := range ports {
		outs[port].waitFor(t, "as operator read apikeys/config")
		fits(t, strings.Replace(outs[port].String(), shared.Bin, "", 1)) // A path is never broken.
		if !strings.Contains(outs[port].String(), "stays up at http://127.0.0.1:"+port) {
			t.Error(outs[port])
		}
		if output, err := sourced(
			"as acme-admin write apikeys/my/external/keys/only-"+port+" description=x",
			port,
		); err != nil {
			t.Errorf("%v: %s", err, output)
		}
	}
	for i, port := range ports {
		other := ports[1-i]
		output, err := sourced(
			"as acme-admin list apikeys/my/external/keys",
			other,
			port,
		) // The file sourced last counts.
		if err != nil || !strings.Contains(output, "only-"+port) || strings.Contains(output, "only-"+other) {
			t.Errorf("keys of %s: %v, %s", port, err, output)
		}
	}
	if output, err := sourced(
		"as nobody-there token lookup",
		ports[0],
	); err == nil || strings.Count(output, "\n") != 1 ||
		!strings.Contains(output, " acme-admin ") ||
		!strings.Contains(output, " root ") {
		t.Errorf("nobody-there: %v, %s", err, output)
	}
	if output, err := sourced( // By a claim alone its administrator is of a tenant that is opened only now.
		"as spa write apikeys/admin/tenants/initech display_name=Initech && "+
			"as initech-admin read -field=tenant apikeys/my",
		ports[0],
	); err != nil || !strings.HasSuffix(output, "initech") {
		t.Errorf("a tenant from a claim: %v, %s", err, output)
	}

	// One ends, and the other does not notice.
	if err := servers[ports[0]].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := servers[ports[0]].Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(state, ports[0])); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
	if left := devProcesses(t, filepath.Join(state, ports[0])); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if output, err := sourced("as root secrets list", ports[1]); err != nil {
		t.Errorf("%v: %s", err, output)
	}
	if err := servers[ports[1]].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := servers[ports[1]].Wait(); err != nil {
		t.Error(err)
	}
}

// devProcesses returns the commands of the processes whose command names something in the folder: server and plugin.
func devProcesses(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range all {
		command, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(command), dir+"/") { // One that has ended meanwhile is none.
			found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}
