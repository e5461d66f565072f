package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMade counts in a module that is made up: circles by a method, a constant, a field and a generic function. One of
// its files is called print.go, as is the one of fmt that another uses.
func TestMade(t *testing.T) {
	t.Parallel()
	graphs, err := load("testdata/made", []string{"./..."})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][][]string{}
	for name, g := range graphs {
		got[name] = g.circles()
	}
	want := map[string][][]string{
		"folders":     {{"three", "two"}},
		"one":         {{"a.go", "b.go", "c.go"}, {"d.go", "e.go"}},
		"three/inner": nil,
		"three/outer": nil,
		"two":         nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("circles (-want +got):\n%s", diff)
	}

	var out strings.Builder
	describe(&out, "one", graphs["one"])
	const shown = "one: 3 in a circle\n" +
		"\ta.go uses b.go by b\n\tb.go uses c.go by c\n\tc.go uses a.go by a\n" +
		"one: 2 in a circle\n" +
		"\td.go uses e.go by fifth\n\te.go uses d.go by fourth\n"
	if diff := cmp.Diff(shown, out.String()); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

func TestCircles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, edges string
		want        [][]string
	}{
		{"nothing", "", nil},
		{"a line", "a>b b>c", nil},
		{"one by itself", "a>a", nil},
		{"two", "a>b b>a", [][]string{{"a", "b"}}},
		{"one that leads into it, and one it leads to", "a>b b>a x>a b>y", [][]string{{"a", "b"}}},
		{"two that one leads between", "a>b b>a b>c c>d d>c", [][]string{{"a", "b"}, {"c", "d"}}},
		{"two that share a file are one", "a>b b>a b>c c>b", [][]string{{"a", "b", "c"}}},
		{"the largest first", "a>b b>a c>d d>e e>c", [][]string{{"c", "d", "e"}, {"a", "b"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, drawn(test.edges).circles()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// drawn returns the graph with these edges.
func drawn(edges string) graph {
	g := graph{}
	for edge := range strings.FieldsSeq(edges) {
		from, to, _ := strings.Cut(edge, ">")
		g.node(from)
		g.node(to)
		g.use(from, to, "name")
	}
	return g
}

func TestCompare(t *testing.T) {
	t.Parallel()
	const ofThree = "a>b b>c c>a"
	for _, test := range []struct {
		name, edges, table string
		says, err          string
	}{
		{"as allowed", ofThree, "p 3", "", ""},
		{"none, and none is allowed", "a>b", "", "", ""},
		{"grown", ofThree, "p 2", "", "p has a circle of 3, and 2 are allowed"},
		{"new", ofThree, "", "", "p has a circle of 3, and 0 are allowed"},
		{"shrunk", ofThree, "p 4", "p has no circle of more than 3: lower its 4", ""},
		{"gone", "a>b", "p 2", "p has no circle of more than 0: lower its 2", ""},
		{"a package that is not there", ofThree, "p 3\nq 2", "", "there is no q"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			allowed, err := parse(test.table)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = compare(&out, map[string]graph{"p": drawn(test.edges)}, allowed)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
			if (out.String() == "") != (test.says == "") || !strings.Contains(out.String(), test.says) {
				t.Errorf("says %q, want %q", &out, test.says)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		table string
		want  map[string]int
		err   string
	}{
		{"# all of them\n\np 2\nq/r 30 # to be split\n", map[string]int{"p": 2, "q/r": 30}, ""},
		{"p 1\n", nil, `"p 1" is no name with a number from 2`},
		{"p\n", nil, `"p" is no name with a number`},
		{"p many\n", nil, `"p many" is no name with a number`},
		{"p 2 3\n", nil, `"p 2 3" is no name with a number`},
		{"p 2\np 3\n", nil, "p is there twice"},
	} {
		got, err := parse(test.table)
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: got %v, want %q", test.table, err, test.err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: %s", test.table, diff)
		}
	}
}

// TestWrongModule checks that what does not compile, or is not there, is not taken for free of circles.
func TestWrongModule(t *testing.T) {
	t.Parallel()
	broken := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module broken\n", "a.go": "package broken\n\nvar a = b\n"} {
		if err := os.WriteFile(filepath.Join(broken, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, dir, pattern, err string }{
		{"does not compile", broken, "./...", "undefined: b"},
		{"no such folder", "testdata/made", "./four", "directory not found"},
		{"no packages", "testdata/made", "./two/four...", "there are no packages"},
		{"of another module", "testdata/made", "fmt", "fmt is no package of the module"},
	} {
		if _, err := load(test.dir, []string{test.pattern}); err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.err)
		}
	}
}
