//go:build acceptance

package acceptance

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// openTerminal opens a pseudo terminal: what is written to near is typed on it, and what is read was printed; a program
// gets far. To close near is to lose the terminal.
func openTerminal(t *testing.T) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("a pseudo terminal is needed: %v", err)
	}
	raw, err := near.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number, unlocked uint32
	control := func(fd, request uintptr, value *uint32) {
		//nolint:gosec // G103: the kernel takes the address.
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(value))); errno != 0 {
			err = errno
		}
	}
	if failed := raw.Control(func(fd uintptr) {
		control(fd, syscall.TIOCSPTLCK, &unlocked)
		control(fd, syscall.TIOCGPTN, &number)
	}); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	far, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

// onTerminal is a shell that has called make dev, on a terminal of its own.
type onTerminal struct {
	terminal *os.File
	shell    *exec.Cmd
	out      *printed
	dir      string // of the server's state
	began    []int  // the shell, and all that it has started, when last looked
}

// making is held while make dev builds: all of them build the same files.
var making sync.Mutex

// makeDev has a shell call make dev on a terminal, and waits until that has built what it runs.
func makeDev(t *testing.T, port string, env ...string) *onTerminal {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(root, "build", "dev", port))
	if err != nil {
		t.Fatal(err)
	}
	near, far := openTerminal(t)
	d := &onTerminal{terminal: near, out: &printed{}, dir: dir}
	version := strings.TrimPrefix(os.Getenv("PLUGIN_VERSION"), "v")
	d.shell = exec.Command("sh", "-c", `make dev "$0"; true`, "VERSION="+version) //nolint:noctx // The test ends it.
	d.shell.Dir, d.shell.Stdin, d.shell.Stdout, d.shell.Stderr = root, far, far, far
	d.shell.Env = append(append(os.Environ(), "VAULT_PORT="+port, "VAULT_BIN="+shared.Bin), env...)
	making.Lock()
	defer making.Unlock()
	d.shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := d.shell.Start(); err != nil {
		t.Fatal(err)
	}
	_ = far.Close() // The shell has it.
	go func() { _, _ = io.Copy(d.out, near) }()
	ended := make(chan struct{})
	go func() {
		_ = d.shell.Wait() // Most of them are killed.
		close(ended)
	}()
	t.Cleanup(func() {
		_ = near.Close()
		<-ended
	})
	d.out.waitFor(t, "Starting a server")
	return d
}

// look notes which processes there are, and returns the one that is the development server's command.
func (d *onTerminal) look(t *testing.T) (command int) {
	t.Helper()
	d.began = []int{d.shell.Process.Pid}
	for i := 0; i < len(d.began); i++ {
		if strings.HasPrefix(commandOf(d.began[i]), "build/bin/dev ") {
			command = d.began[i]
		}
		d.began = append(d.began, children(t, d.began[i])...)
	}
	const least = 5 // shell, make, command, server, plugin
	if command == 0 || len(d.began) < least || len(devProcesses(t, d.dir)) < 2 {
		t.Fatalf("processes: %v, of the server %v; said:\n%s", d.began, devProcesses(t, d.dir), d.out)
	}
	return command
}

// commandOf returns the command line of a process, which is empty when that has ended.
func commandOf(pid int) string {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(command), "\x00", " ")
}

// gone waits until nothing that was there runs any more.
func (d *onTerminal) gone(t *testing.T) {
	t.Helper()
	within(t, devWithin, "no process is left", func() error {
		left := devProcesses(t, d.dir)
		for _, pid := range d.began {
			if command := commandOf(pid); command != "" {
				left = append(left, command)
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("left %q", left)
		}
		return nil
	})
}

// TestTerminalLost takes the terminal, the shell or the command itself away, in the middle of the tour and after it.
func TestTerminalLost(t *testing.T) {
	t.Parallel()
	signal := func(name syscall.Signal) func(int) error {
		return func(pid int) error { return syscall.Kill(pid, name) }
	}
	for i, test := range []struct {
		name   string
		stays  bool // it happens when the tour was ended, and the server stays up
		lose   func(d *onTerminal, command int) error
		folder bool // is left, for the next server of the port to empty
	}{
		{
			"the shell is killed", false,
			func(d *onTerminal, _ int) error { return signal(syscall.SIGKILL)(d.shell.Process.Pid) }, false,
		},
		{
			"the shell is killed later", true,
			func(d *onTerminal, _ int) error { return signal(syscall.SIGKILL)(d.shell.Process.Pid) }, false,
		},
		{
			"the shell is hung up", true,
			func(d *onTerminal, _ int) error { return signal(syscall.SIGHUP)(d.shell.Process.Pid) }, false,
		},
		{"the terminal is closed", false, func(d *onTerminal, _ int) error { return d.terminal.Close() }, false},
		{
			"the command is told to end", true,
			func(_ *onTerminal, command int) error { return signal(syscall.SIGTERM)(command) }, false,
		},
		{
			"the command is hung up", false,
			func(_ *onTerminal, command int) error { return signal(syscall.SIGHUP)(command) }, false,
		},
		{"somebody types Ctrl-C", true, func(d *onTerminal, _ int) error { return d.types("\x03") }, false},
		{
			"the command is killed", true,
			func(_ *onTerminal, command int) error { return signal(syscall.SIGKILL)(command) }, true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := makeDev(t, fmt.Sprint(18440+i))
			d.out.waitFor(t, "[1 of ")
			if test.stays {
				if err := d.types("q\n"); err != nil {
					t.Fatal(err)
				}
				d.out.waitFor(t, "as operator read apikeys/config")
			}
			command := d.look(t)
			if err := test.lose(d, command); err != nil {
				t.Fatal(err)
			}
			d.gone(t)
			if _, err := os.Stat(d.dir); os.IsNotExist(err) == test.folder {
				t.Errorf("its folder: %v", err)
			}
			if err := os.RemoveAll(d.dir); err != nil {
				t.Error(err)
			}
		})
	}
}

// types types text on the terminal.
func (d *onTerminal) types(text string) error {
	_, err := d.terminal.WriteString(text)
	return err
}

// TestTerminalPauses takes the tour on a terminal: it waits for Enter after each step but the last, and never with
// TOUR=all.
func TestTerminalPauses(t *testing.T) {
	t.Parallel()
	last := len(tour.Steps())
	for _, test := range []struct {
		name   string
		env    []string
		pauses int
	}{
		{"Enter", nil, last - 1},
		{"TOUR=all", []string{"TOUR=all"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := makeDev(t, fmt.Sprint(18450+test.pauses), test.env...)
			for step := 1; step <= test.pauses; step++ {
				d.out.waitFor(t, fmt.Sprintf("[%d of %d]", step, last))
				if shown := strings.Count(d.out.String(), "$ "); shown != step {
					t.Fatalf("%d steps are shown before the pause after step %d", shown, step)
				}
				if err := d.types("\n"); err != nil {
					t.Fatal(err)
				}
			}
			d.out.waitFor(t, "as operator read apikeys/config")
			if pauses := strings.Count(d.out.String(), "Enter goes on"); pauses != test.pauses {
				t.Errorf("%d pauses, want %d", pauses, test.pauses)
			}
			fits(t, strings.Replace(d.out.String(), shared.Bin, "", 1))
			d.look(t)
			if err := d.types("\x03"); err != nil {
				t.Fatal(err)
			}
			d.gone(t)
		})
	}
}
