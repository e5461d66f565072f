package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documents returns what there is to read, by path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	documents := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md"} {
		files, err := filepath.Glob(root + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no documents %s: %v", pattern, err)
		}
		for _, file := range files {
			documents[strings.TrimPrefix(filepath.ToSlash(file), root)] = read(t, file)
		}
	}
	return documents
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// table returns the rows of the first table under a heading, without its head, as cells.
func table(t *testing.T, document, heading string) [][]string {
	t.Helper()
	_, section, found := strings.Cut(document, "\n"+heading+"\n")
	if !found {
		t.Fatalf("no heading %q", heading)
	}
	var rows [][]string
	for line := range strings.Lines(section) {
		cells, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
		if !isRow && len(rows) > 0 {
			break
		}
		if isRow {
			rows = append(rows, strings.Split(strings.TrimSuffix(cells, " |"), " | "))
		}
	}
	if len(rows) < 3 {
		t.Fatalf("no table under %q", heading)
	}
	return rows[2:]
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// spans returns what stands in a text as code.
func spans(text string) []string {
	var all []string
	for _, match := range codeSpan.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

// TestReadmeLeadsToEverything checks that links lead from the README to every document.
func TestReadmeLeadsToEverything(t *testing.T) {
	all := documents(t)
	reached := map[string]bool{"README.md": true}
	for next := []string{"README.md"}; len(next) > 0; next = next[1:] {
		for _, match := range link.FindAllStringSubmatch(all[next[0]], -1) {
			target, _, _ := strings.Cut(match[1], "#")
			file := filepath.ToSlash(filepath.Join(filepath.Dir(next[0]), target))
			if _, isDocument := all[file]; isDocument && !reached[file] {
				reached[file] = true
				next = append(next, file)
			}
		}
	}
	for name := range all {
		if !reached[name] {
			t.Errorf("no link leads to %s", name)
		}
	}
}

// TestTableOfPaths checks that the table of paths has those that there are, with their operations. A path that begins
// with a slash takes the place of the last part of the one before.
func TestTableOfPaths(t *testing.T) {
	b, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	endpoints, err := collect(b.Paths)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, e := range endpoints {
		var names []string
		for _, v := range e.operations() {
			names = append(names, v.name)
		}
		slices.Sort(names)
		want[e.name] = strings.Join(names, " ")
	}
	for _, row := range table(t, read(t, "head.md"), "## Who uses which path") {
		operations := strings.Split(row[1], ", ")
		slices.Sort(operations)
		before := ""
		for _, path := range spans(row[0]) {
			if strings.HasPrefix(path, "/") {
				path = before[:strings.LastIndex(before, "/")] + path
			}
			if got[path] != "" {
				t.Errorf("%s is there twice", path)
			}
			got[path], before = strings.Join(operations, " "), path
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of paths (-engine +document):\n%s", diff)
	}
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced   = regexp.MustCompile("(?ms)^```[a-z][^\n]*\n(.*?)^```$")
	headings = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// anchors returns where links into a document may lead.
func anchors(document string) []string {
	var all []string
	for _, match := range headings.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		all = append(all, anchor(match[1]))
	}
	return all
}

// TestLinks checks that what the documents link to in the repository is there, headings too.
func TestLinks(t *testing.T) {
	all := documents(t)
	checked := 0
	for name, document := range all {
		for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
			target, heading, hasHeading := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			file := name
			if target != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat(root + file); err != nil {
				t.Errorf("%s: %s leads nowhere", name, match[1])
			}
			if hasHeading && !slices.Contains(anchors(all[file]), heading) {
				t.Errorf("%s: %s is no heading", name, match[1])
			}
		}
	}
	if checked == 0 {
		t.Error("no links")
	}
}

var (
	making  = regexp.MustCompile(`\bmake ([a-z]+)`)
	targets = regexp.MustCompile(`(?m)^([a-z]+):`)
)

// TestMakeTargets checks that what the documents say to make can be made.
func TestMakeTargets(t *testing.T) {
	var there []string
	for _, match := range targets.FindAllStringSubmatch(read(t, root+"Makefile"), -1) {
		there = append(there, match[1])
	}
	found := 0
	for name, document := range documents(t) {
		code := strings.Join(spans(fenced.ReplaceAllString(document, "")), "\n")
		for _, match := range fenced.FindAllStringSubmatch(document, -1) {
			code += "\n" + match[1]
		}
		for _, match := range making.FindAllStringSubmatch(code, -1) {
			found++
			if !slices.Contains(there, match[1]) {
				t.Errorf("%s: there is no make %s", name, match[1])
			}
		}
	}
	if found == 0 || len(there) == 0 {
		t.Errorf("%d uses of %d targets", found, len(there))
	}
}

// TestLayout checks that the table of folders names what is there.
func TestLayout(t *testing.T) {
	for _, row := range table(t, read(t, root+"CONTRIBUTING.md"), "## Layout") {
		for _, path := range spans(row[0]) {
			if _, err := os.Stat(root + path); err != nil {
				t.Errorf("there is no %s", path)
			}
		}
	}
}
