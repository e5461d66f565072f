package store

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode: no entry, however damaged, stops the plugin; and one that is read is written
// back as something that stays the same from then on.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"schema":1}`))
	f.Add([]byte(`{"schema":1,"versions":[{}],"lease":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, c := range codecs {
			first, err := c.decode(c.at, raw)
			if err != nil {
				continue
			}
			written, err := c.encode(first)
			if err != nil {
				continue // too long, or of a year that JSON has no form for
			}
			second, err := c.decode(c.at, written)
			if err != nil {
				t.Fatalf("%s: what was read and written is not read again: %v", c.name, err)
			}
			if again, err := c.encode(second); err != nil || string(again) != string(written) {
				t.Fatalf("%s: written as %d bytes, then as %d, %v", c.name, len(written), len(again), err)
			}
		}
	})
}
