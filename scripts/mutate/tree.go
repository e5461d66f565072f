package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tree is a module with the walls that are marked in it, and those that are quoted.
type tree struct {
	root    string // absolute
	module  string
	walls   []*wall
	changed map[string][]byte // the files that carry markers, as the compiler is to have them, by name from the root
}

var moduleLine = regexp.MustCompile(`(?m)^module (\S+)$`)

// load reads all markers of a module. Its error is all that is wrong with them, each with file and line.
func load(root string, quoted []*wall) (*tree, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	found := moduleLine.FindSubmatch(mod)
	if found == nil {
		return nil, errors.New("go.mod names no module")
	}
	t := &tree{root: root, module: string(found[1]), changed: make(map[string][]byte)}
	wrong, err := t.readAll()
	if err != nil {
		return nil, err
	}
	for _, w := range quoted {
		content, err := os.ReadFile(filepath.Join(root, w.file))
		if err != nil {
			return nil, err
		}
		if n := bytes.Count(content, []byte(w.old)); n != 1 {
			wrong = append(wrong, fmt.Errorf("%s: has this %d times, not once: %q", w.file, n, w.old))
			continue
		}
		above, _, _ := bytes.Cut(content, []byte(w.old))
		w.line = 1 + bytes.Count(above, []byte("\n"))
		t.walls = append(t.walls, w)
	}
	wrong = append(wrong, t.twice()...)
	wrong = append(wrong, t.missingTests()...)
	return t, errors.Join(wrong...)
}

// readAll reads the files of the module, in their order, without those of other modules below it.
func (t *tree) readAll() (wrong []error, err error) {
	files := os.DirFS(t.root)
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := fs.Stat(files, path.Join(name, "go.mod"))
			hidden := strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "build"
			if name != "." && (hidden || err == nil) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		content, err := fs.ReadFile(files, name)
		if err == nil && bytes.Contains(content, []byte("mutate")) {
			wrong = append(wrong, t.readFile(name, content)...)
		}
		return err
	})
	return wrong, err
}

func (t *tree) readFile(name string, content []byte) (wrong []error) {
	s, err := parse(name, content)
	if err != nil {
		return []error{err}
	}
	markers, wrong := s.markers("./" + path.Dir(name))
	sites := s.sites()
	var wraps []wrap
	for _, m := range markers {
		if strings.HasSuffix(name, "_test.go") {
			wrong = append(wrong, m.errorf("tests carry no markers"))
			continue
		}
		w, err := s.change(m, sites)
		if err != nil {
			wrong = append(wrong, m.errorf("%q: %w", m.name, err))
			continue
		}
		wraps = append(wraps, w)
		t.walls = append(t.walls, m.wall)
	}
	if len(wraps) > 0 {
		t.changed[name] = s.apply(wraps, t.module+"/"+mutantFolder)
	}
	return wrong
}

// twice tells of two walls of one name.
func (t *tree) twice() (wrong []error) {
	first := make(map[string]*wall)
	for _, w := range t.walls {
		if other := first[w.name]; other != nil {
			wrong = append(wrong, w.errorf("%q is the name of the wall at %s too", w.name, other.at()))
		}
		first[w.name] = w
	}
	return wrong
}

// missingTests tells of tests that are not in their package.
func (t *tree) missingTests() (wrong []error) {
	has := make(map[string][]string)
	for _, w := range t.walls {
		if has[w.in] == nil {
			names, err := testsOf(filepath.Join(t.root, w.in))
			if err != nil {
				return append(wrong, w.errorf("%w", err))
			}
			has[w.in] = names
		}
		for name := range strings.SplitSeq(w.tests, "|") {
			if !slices.Contains(has[w.in], name) {
				wrong = append(wrong, w.errorf("%s has no test %s", w.in, name))
			}
		}
	}
	return wrong
}

func testsOf(folder string) ([]string, error) {
	names := []string{}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	for _, at := range files {
		file, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names, err
}

// mutantFolder is where the compiler believes package mutant to be, from the root.
const mutantFolder = "internal/mutant"

// overlay writes the changed files into a folder, with one more where a row is quoted, and what tells the compiler to
// take them for those of the tree. It returns the name of the latter.
func (t *tree) overlay(folder string, quoted *wall) (string, error) {
	files := map[string][]byte{mutantFolder + "/mutant.go": []byte(mutant)}
	for name, content := range t.changed { // so that compilers tell of the file that everybody knows
		files[name] = fmt.Appendf(nil, "//line %s:1\n%s", filepath.Join(t.root, name), content)
	}
	if quoted != nil {
		content, err := os.ReadFile(filepath.Join(t.root, quoted.file))
		if err != nil {
			return "", err
		}
		files[quoted.file] = bytes.Replace(content, []byte(quoted.old), []byte(quoted.text), 1)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	replace := make(map[string]string, len(files))
	for name, content := range files {
		at := filepath.Join(folder, strconv.Itoa(len(replace))+path.Ext(name))
		if err := os.WriteFile(at, content, 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(t.root, name)] = at
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	at := filepath.Join(folder, "overlay.json")
	return at, os.WriteFile(at, list, 0o600)
}
