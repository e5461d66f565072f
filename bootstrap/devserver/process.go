package devserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// stopWithin is how long a server may take to end by itself: it revokes nothing, but tells its plugins to end.
const stopWithin = 20 * time.Second

// process is a running child.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the child has ended
}

// launch starts the command, its output appended to the file log.
func launch(cmd *exec.Cmd, log string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = ownGroup()

	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel signals the child when the thread that started it ends, so that thread has to stay.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // How it ended is in its log.
		close(p.done)
	}()
	return p, <-started
}

// stop asks the child to end, and kills it and its plugins when it does not.
func (p *process) stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopWithin):
	}
	if err := p.kill(); err != nil {
		return err
	}
	return fmt.Errorf("process %d did not end within %s and was killed", p.cmd.Process.Pid, stopWithin)
}

// kill ends the child and its plugins, which are in its process group, without asking.
func (p *process) kill() error {
	select {
	case <-p.done:
		return nil // and the number may be another's by now
	default:
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// lastWords returns the end of what the child has logged.
func (p *process) lastWords() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}
