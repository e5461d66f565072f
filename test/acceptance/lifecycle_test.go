//go:build acceptance

package acceptance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// children returns the processes that a process has started and that still run.
func children(t *testing.T, parent int) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes to look at: %v", err)
	}
	var found []int
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // It has ended meanwhile.
		}
		if strings.Contains(string(status), "\nPPid:\t"+strconv.Itoa(parent)+"\n") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, pid)
		}
	}
	return found
}

// killPlugin kills the plugin of a world, as a fault would.
func killPlugin(t *testing.T, w *world) {
	t.Helper()
	plugins := children(t, w.PID())
	if len(plugins) == 0 {
		t.Fatal("no plugin runs")
	}
	for _, plugin := range plugins {
		if err := syscall.Kill(plugin, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}

// until calls what until it returns no error.
func until(t *testing.T, name string, what func() error) {
	t.Helper()
	within(t, eventuallyWithin, name, what)
}

// within is until for what takes longer, or has to be sooner.
func within(t *testing.T, most time.Duration, name string, what func() error) {
	t.Helper()
	withinEvery(t, most, pollEvery, name, what)
}

// withinEvery is within for what is over sooner than one looks.
func withinEvery(t *testing.T, most, every time.Duration, name string, what func() error) {
	t.Helper()
	deadline := time.Now().Add(most)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ; ; <-tick.C {
		err := what()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
