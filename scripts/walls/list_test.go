package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEachWallIsThereOnce tells in a moment of checks whose text has changed, which breaking them would only tell after minutes.
func TestEachWallIsThereOnce(t *testing.T) {
	for _, w := range walls {
		raw, err := os.ReadFile(filepath.Join("../..", w.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(raw), w.old); n != 1 {
			t.Errorf("%s: %s has %q %d times", w.name, w.file, w.old, n)
		}
	}
}
