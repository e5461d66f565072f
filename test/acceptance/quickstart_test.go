//go:build acceptance

package acceptance

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/test/testdoc"
)

// terminal runs a command as on a terminal of its own. Asked to end, it presses Ctrl-C there.
const terminal = `
import os, pty, signal, sys
pid, master = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "-c", sys.argv[1]])
signal.signal(signal.SIGTERM, lambda *_: os.write(master, b"\x03"))
while True:
    try:
        said = os.read(master, 4096)
    except OSError:
        break
    if not said:
        break
    os.write(1, said)
os.waitpid(pid, 0)
`

// TestReadmeTour starts the development server as README says, and tries what README shows there, in another terminal.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	r := testdoc.Open(t, "README.md")
	bin, err := devserver.Find("../../build/server/vault")
	if err != nil {
		t.Fatal(err)
	}
	if bin, err = filepath.Abs(bin); err != nil {
		t.Fatal(err)
	}
	dir := checkout(t)
	port := freePort(t)
	state := filepath.Join("build", "dev", port)
	env := append(shared.shellEnv(t), "VAULT_BIN="+bin, "VAULT_PORT="+port, "TOUR=all")
	var said bytes.Buffer
	dev := exec.CommandContext(t.Context(), "python3", "-c", terminal, r.Next("make dev").Text)
	dev.Dir, dev.Env, dev.Stdout, dev.Stderr = dir, env, &said, &said
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- dev.Wait() }()
	stop := func() {
		_ = dev.Process.Signal(syscall.SIGTERM) // It may have ended by itself.
		if err := <-ended; err != nil {
			t.Errorf("%v: %s", err, said.String())
		}
	}
	untilUp(t, filepath.Join(dir, state, "env"), ended, stop)
	for _, step := range r.Next("as acme-admin").Steps() {
		command := strings.ReplaceAll(step.Command, "build/dev/8200", state)
		tried := exec.CommandContext(t.Context(), "bash", "-euc", ". "+state+"/env\n"+command)
		tried.Dir, tried.Env = dir, env
		got, err := tried.CombinedOutput()
		if err != nil || !testdoc.Prints(step.Prints, string(got)) {
			t.Errorf("%sprints\n%s, %v, and not what is shown", step.Command, got, err)
		}
	}
	stop()
	if _, err := os.Stat(filepath.Join(dir, state)); !os.IsNotExist(err) {
		t.Errorf("tokens were left behind: %v", err)
	}
}

// untilUp waits until a file is there, unless the server that makes it has ended.
func untilUp(t *testing.T, file string, ended chan error, stop func()) {
	t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	late := time.After(5 * time.Minute)
	for {
		select {
		case err := <-ended:
			ended <- err
			stop()
			t.Fatal("the server has ended")
		case <-late:
			stop()
			t.Fatal("the server is not up")
		case <-tick.C:
			if _, err := os.Stat(file); err == nil {
				return
			}
		}
	}
}

// freePort returns a port of loopback that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", l.Addr(), err))
	}
	return port
}
