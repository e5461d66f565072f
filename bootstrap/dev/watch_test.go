package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// watcher has this binary watch what started it, instead of running tests.
const watcher = "TEST_WATCHER"

func TestMain(m *testing.M) {
	if os.Getenv(watcher) == "" {
		os.Exit(m.Run())
	}
	lost := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test is over, whatever becomes of it
		cancel()
	}()
	started := origins()
	fmt.Println("watching", len(started.ancestors), os.Getppid())
	started.watch(ctx, func() { close(lost) })
	select {
	case <-lost:
		fmt.Println("lost")
	default:
	}
}

// TestWatch kills the shell that called the shell that called us, and the one between, each without a word to us.
func TestWatch(t *testing.T) {
	if _, _, ok := parentage(os.Getpid()); !ok {
		t.Fatal("/proc is needed: without it only the parent is watched")
	}
	// The inner shell is as make is: it waits for us, and notices nothing.
	const outer = `sh -c '"$0"; true' "$0" <&3 & wait`
	for _, test := range []struct {
		name  string
		whose func(outer, inner int) int
	}{
		{"the shell that called make", func(outer, _ int) int { return outer }},
		{"make itself", func(_, inner int) int { return inner }},
	} {
		t.Run(test.name, func(t *testing.T) {
			over, hold, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer hold.Close()
			cmd := exec.CommandContext(t.Context(), "sh", "-c", outer, os.Args[0])
			cmd.Env = append(os.Environ(), watcher+"=1")
			cmd.ExtraFiles = []*os.File{over}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = over.Close() // The children have it.

			said := bufio.NewReader(stdout)
			var known, inner int
			if _, err := fmt.Fscanf(said, "watching %d %d\n", &known, &inner); err != nil || known != 2 {
				t.Fatalf("got %v, and %d ancestors, want 2", err, known)
			}
			if err := syscall.Kill(test.whose(cmd.Process.Pid, inner), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(said) // ends when they all have
			if err != nil || strings.TrimSpace(string(rest)) != "lost" {
				t.Errorf("got %q, %v", rest, err)
			}
			_ = cmd.Wait() // It was killed.
		})
	}
}
