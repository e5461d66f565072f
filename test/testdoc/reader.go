package testdoc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Reader hands a test the blocks of a document that are its own, in the order in which they stand.
type Reader struct {
	t    testing.TB
	left []Block
}

// Open returns the reader of a document, by its path from the root of the repository, for the test that calls it. Once
// that is over, it has failed unless it has taken every block that names it.
func Open(t testing.TB, document string) *Reader {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), filepath.FromSlash(document)))
	if err != nil {
		t.Fatal(err)
	}
	return open(t, document, string(text))
}

func open(t testing.TB, document, text string) *Reader {
	t.Helper()
	blocks, err := Parse(document, text)
	if err != nil {
		t.Fatal(err)
	}
	test, _, _ := strings.Cut(t.Name(), "/")
	r := &Reader{t, For(test, blocks)}
	if len(r.left) == 0 {
		t.Fatalf("no block of %s says that %s runs it", document, test)
	}
	t.Cleanup(func() {
		if len(r.left) > 0 && !t.Failed() {
			t.Errorf("%s was not run", r.left[0])
		}
	})
	return r
}

// Next takes the next block, which has a certain text in it: that shows a reader of the test which block is meant.
func (r *Reader) Next(with string) Block {
	r.t.Helper()
	if len(r.left) == 0 {
		r.t.Fatalf("no block is left that has %q in it", with)
	}
	next := r.left[0]
	if !strings.Contains(next.Text, with) {
		r.t.Fatalf("%s: %q is not in it: does the test go through the blocks in their order?", next, with)
	}
	r.left = r.left[1:]
	return next
}

// Root returns the root of the repository.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod is above this directory")
		}
		dir = filepath.Dir(dir)
	}
}
