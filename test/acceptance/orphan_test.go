//go:build acceptance

package acceptance

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestKilledServerLeavesNoPlugin kills the server alone: its plugin, which keeps secrets in memory, ends by itself.
func TestKilledServerLeavesNoPlugin(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, true)
	plugins := children(t, w.PID())
	if len(plugins) == 0 {
		t.Fatal("the server has no plugin")
	}
	server, err := os.FindProcess(w.PID())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		left := plugins[:0:0]
		for _, pid := range plugins {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err == nil && !strings.Contains(string(stat), ") Z ") { // who has ended waits for somebody to look
				left = append(left, pid)
			}
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("plugins that have outlived their server: %d of %d", len(left), len(plugins))
		}
	}
	if err := errors.Join(w.Kill(), w.Restart(t.Context())); err != nil {
		t.Error(err)
	}
}
