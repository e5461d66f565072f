package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWallsOfTheTree tells in a moment of markers that are wrong, and of walls that are gone.
func TestWallsOfTheTree(t *testing.T) {
	tree, err := load("../..", quoted())
	if err != nil {
		t.Fatal(err)
	}
	const all = 236
	if n := len(tree.walls); n != all {
		t.Errorf("there are %d walls; %d have been there", n, all)
	}
	alone := 0
	for _, w := range tree.walls {
		if w.op == "quote" {
			alone++
		}
		if strings.HasPrefix(w.file, "scripts/mutate/") {
			t.Errorf("%s: the examples of this command are markers", w.at())
		}
	}
	if alone > 15 {
		t.Errorf("%d walls are compiled each for itself", alone)
	}
}

// module writes the files of a module that is made up, and returns its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	write := func(name, content string) {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module made/up\n\ngo 1.26\n")
	for name, content := range files {
		write(name, content)
	}
	return root
}

func TestTreesThatAreWrong(t *testing.T) {
	const (
		marked = "package p\n\nfunc P(a bool) bool {\n\treturn a //mutate:negate \"one\" TestP\n}\n"
		tests  = "package p\n\nimport \"testing\"\n\nfunc TestP(*testing.T) {}\n\nfunc (t) TestMethod() {}\n\ntype t " +
			"int\n"
	)
	elsewhere := strings.Replace(strings.Replace(marked, "one", "two", 1), " TestP", " ./p TestP", 1)
	row := func(old, text string) []*wall {
		return []*wall{{name: "row", file: "p/p.txt", op: "quote", old: old, text: text, in: "./p", tests: "TestP"}}
	}
	cases := []struct {
		name   string
		files  map[string]string
		quoted []*wall
		want   string // "": all is well
	}{
		{"nothing", nil, row("deny", "allow"), ""},
		{"a package of its own", map[string]string{"q/q.go": elsewhere}, nil, ""},
		{
			"what is no part of the module",
			map[string]string{"q/go.mod": "module q", "q/q.go": marked, "p/testdata/q.go": marked},
			nil,
			"",
		},
		{
			"two of one name",
			map[string]string{"p/q.go": marked},
			nil,
			`p/q.go:4: "one" is the name of the wall at p/p.go:4 too`,
		},
		{
			"no such test",
			map[string]string{"p/q.go": strings.ReplaceAll(elsewhere, " TestP", " TestQ")},
			nil,
			"p/q.go:4: ./p has no test TestQ",
		},
		{
			"a method",
			map[string]string{"p/q.go": strings.Replace(elsewhere, " TestP", " TestP|TestMethod", 1)},
			nil,
			"p/q.go:4: ./p has no test TestMethod",
		},
		{
			"tests of its own",
			map[string]string{"q/q.go": strings.Replace(elsewhere, "./p ", "", 1)},
			nil,
			"q/q.go:4: ./q has no test TestP",
		},
		{
			"a marker of a test",
			map[string]string{"p/q_test.go": elsewhere},
			nil,
			"p/q_test.go:4: tests carry no markers",
		},
		{
			"a marker that is wrong",
			map[string]string{"p/q.go": strings.Replace(elsewhere, "negate", "flip", 1)},
			nil,
			`p/q.go:4: there is no operation "flip"`,
		},
		{
			"a marker of nothing",
			map[string]string{"p/q.go": elsewhere + "\n//mutate:skip \"three\" TestP\n"},
			nil,
			`p/q.go:7: "three": no statement begins`,
		},
		{"what is quoted and not there", nil, row("refuse", "allow"), `p/p.txt: has this 0 times, not once: "refuse"`},
		{"what is quoted and there twice", nil, row("e", "a"), `p/p.txt: has this 2 times, not once: "e"`},
	}
	for _, row := range cases {
		files := map[string]string{"p/p.go": marked, "p/p_test.go": tests, "p/p.txt": "deny me"}
		maps.Copy(files, row.files)
		_, err := load(module(t, files), row.quoted)
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want != "" && (err == nil || !strings.HasPrefix(err.Error(), row.want)):
			t.Errorf("%s: %v, want %s", row.name, err, row.want)
		}
	}
}
