package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/test/testdoc"
)

// TestEveryBlockIsRun checks that each block of each document names the test that runs it, or says why none does, and
// that the test is there and opens the document: a reader of testdoc then sees to it that it takes the block.
func TestEveryBlockIsRun(t *testing.T) {
	t.Parallel()
	opens := openers(t)
	blocks := 0
	for name, text := range documents(t) {
		all, err := testdoc.Parse(name, text)
		if err != nil {
			t.Error(err)
		}
		for _, block := range all {
			for _, test := range block.Tests {
				if !slices.Contains(opens[test], name) {
					t.Errorf("%s: there is no %s that opens %s", block, test, name)
				}
			}
		}
		blocks += len(all)
	}
	if blocks == 0 {
		t.Error("there are no blocks")
	}
	for test, names := range opens {
		for _, name := range names {
			if all, err := testdoc.Parse(name, documents(t)[name]); err == nil && len(testdoc.For(test, all)) == 0 {
				t.Errorf("%s opens %s, where no block names it", test, name)
			}
		}
	}
}

// openers returns which documents each test opens, under whatever build tags it is.
func openers(t *testing.T) map[string][]string {
	t.Helper()
	opens := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			if docs := opened(f); docs != nil {
				if opens[f.Name.Name] != nil {
					t.Errorf("there are two %s", f.Name.Name)
				}
				opens[f.Name.Name] = docs
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return opens
}

// opened returns the documents that a test opens with testdoc.Open, or with what plays a whole document on a server.
func opened(test *ast.FuncDecl) []string {
	var docs []string
	ast.Inspect(test, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		given, ok := call.Args[1].(*ast.BasicLit)
		if !ok || name != "Open" && name != "plays" {
			return true
		}
		if doc, err := strconv.Unquote(given.Value); err == nil {
			docs = append(docs, doc)
		}
		return true
	})
	return docs
}
