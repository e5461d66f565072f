package main

import (
	"errors"
	"fmt"
	"go/ast"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// graph has, for each file, the files that it uses, each with the first name in it that leads there.
type graph map[string]map[string]string

// use notes that one uses another, if it is another.
func (g graph) use(from, to, by string) {
	if from != to && g[from][to] == "" {
		g[from][to] = by
	}
}

// node notes that something is there, whether or not it uses anything.
func (g graph) node(name string) {
	if g[name] == nil {
		g[name] = map[string]string{}
	}
}

// circles returns the groups of two or more that all lead to each other, the largest first.
func (g graph) circles() [][]string {
	reach := map[string]map[string]bool{}
	for from := range g {
		reach[from] = map[string]bool{}
		g.follow(from, reach[from])
	}
	var all [][]string
	done := map[string]bool{}
	for from := range g {
		if done[from] || !reach[from][from] {
			continue
		}
		var circle []string
		for to := range reach[from] {
			if reach[to][from] {
				circle, done[to] = append(circle, to), true
			}
		}
		slices.Sort(circle)
		all = append(all, circle)
	}
	slices.SortFunc(all, func(a, b []string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return slices.Compare(a, b)
	})
	return all
}

// follow adds to seen what can be reached.
func (g graph) follow(from string, seen map[string]bool) {
	for to := range g[from] {
		if !seen[to] {
			seen[to] = true
			g.follow(to, seen)
		}
	}
}

// load returns the graph of the files of each package, by its path within the module, and that of the module's folders.
func load(dir string, patterns []string) (map[string]graph, error) {
	all, err := packages.Load(&packages.Config{
		Mode: packages.NeedModule | packages.NeedName | packages.NeedImports | packages.NeedFiles |
			packages.NeedCompiledGoFiles | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax,
		Dir: dir,
	}, patterns...)
	if err != nil {
		return nil, err
	}
	folders := graph{}
	graphs := map[string]graph{"folders": folders}
	for _, p := range all {
		if len(p.Errors) > 0 {
			return nil, p.Errors[0]
		}
		if p.Module == nil || len(p.Syntax) == 0 {
			return nil, fmt.Errorf("%s is no package of the module", p.PkgPath)
		}
		within := func(path string) string { return strings.TrimPrefix(path, p.Module.Path+"/") }
		graphs[within(p.PkgPath)] = files(p)
		from, _, _ := strings.Cut(within(p.PkgPath), "/")
		folders.node(from)
		for path := range p.Imports {
			if to, _, _ := strings.Cut(within(path), "/"); within(path) != path {
				folders.use(from, to, within(p.PkgPath)+" → "+within(path))
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there are no packages")
	}
	return graphs, nil
}

// files returns which files of a package use which, by whatever they declare: fields and methods too.
func files(p *packages.Package) graph {
	g := graph{}
	for _, file := range p.Syntax {
		from := filepath.Base(p.Fset.Position(file.Package).Filename)
		g.node(from)
		ast.Inspect(file, func(n ast.Node) bool {
			name, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if used := p.TypesInfo.Uses[name]; used != nil && used.Pkg() == p.Types {
				g.use(from, filepath.Base(p.Fset.Position(used.Pos()).Filename), name.Name)
			}
			return true
		})
	}
	return g
}
