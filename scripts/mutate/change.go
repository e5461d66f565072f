package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// mutant is the package that changed files import. Nothing of it is in the tree: the compiler gets it in an overlay.
const mutant = `// Package mutant breaks the check that the environment names.
package mutant

import "os"

var on = os.Getenv("` + variable + `")

// On reports whether the check is broken.
func On(name string) bool { return on == name }

func False[B ~bool](name string, is B) B  { return is && !B(On(name)) }
func True[B ~bool](name string, is B) B   { return is || B(On(name)) }
func Negate[B ~bool](name string, is B) B { return is != B(On(name)) }

func Zero[T any](name string, is T) T {
	if On(name) {
		return *new(T)
	}
	return is
}

func Instead[T any](name string, is, other T) T {
	if On(name) {
		return other
	}
	return is
}
`

const variable = "MUTANT"

// wrap is what a change writes around a piece of a file.
type wrap struct {
	from, to      int
	before, after string
}

// around writes around a node. It is all on one line, so that compilers' errors name the lines of the file as it is.
func (s *source) around(n ast.Node, before, after string) wrap {
	return wrap{s.fset.Position(n.Pos()).Offset, s.fset.Position(n.End()).Offset, before, after}
}

func (s *source) text(n ast.Node) string {
	return string(s.content[s.fset.Position(n.Pos()).Offset:s.fset.Position(n.End()).Offset])
}

// change returns what takes the check of a marker away when it is on, and nothing when it is off.
func (s *source) change(t target, all map[int]site) (wrap, error) {
	at, ok := all[t.about]
	if !ok {
		return wrap{}, errors.New("no statement begins in the line that it is about")
	}
	on := fmt.Sprintf("mutant.On(%q)", t.name)
	switch {
	case t.op == "before" && len(t.path) > 0:
		return wrap{}, errors.New("before is about a whole statement, and has no number")
	case t.op == "before", t.op == "instead" && len(t.path) == 0 && !hasCondition(at.stmt):
		if err := isStatement(t, &at); err != nil {
			return wrap{}, err
		}
		if t.op == "before" {
			return s.around(at.stmt, "if "+on+" { "+t.text+" }; ", ""), nil
		}
		return s.around(at.stmt, "if "+on+" { "+t.text+" } else { ", " }"), nil
	case t.op == "skip":
		return s.skip(t, &at, on)
	}
	return s.changeExpression(t, &at, on)
}

// hasCondition reports whether instead means a statement's condition, not the statement itself.
func hasCondition(stmt ast.Stmt) bool {
	switch stmt.(type) {
	case *ast.IfStmt, *ast.ForStmt, *ast.CaseClause:
		return true
	default:
		return false
	}
}

func isStatement(t target, at *site) error {
	_, isCase := at.stmt.(*ast.CaseClause)
	_, isDecl := at.stmt.(*ast.DeclStmt)
	if !at.listed || isCase || t.op == "instead" && (isDecl || defines(at.stmt)) {
		return fmt.Errorf("%s cannot be done to this statement: it is a declaration or a case, or not in a list", t.op)
	}
	if _, err := parser.ParseExpr("func() { " + t.text + " }"); err != nil {
		return fmt.Errorf("what follows => is no statement: %w", err)
	}
	return nil
}

func defines(stmt ast.Stmt) bool {
	assigns, ok := stmt.(*ast.AssignStmt)
	return ok && assigns.Tok == token.DEFINE
}

// skip leaves a statement out, or of an assignment of several values the one of the number.
func (s *source) skip(t target, at *site, on string) (wrap, error) {
	if !at.listed || len(t.path) > 1 {
		return wrap{}, errors.New("skip is about a statement, or by one number about one value of an assignment")
	}
	switch stmt := at.stmt.(type) {
	case *ast.AssignStmt:
		if defines(stmt) {
			return wrap{}, errors.New("a declaration cannot be skipped: what follows needs its names")
		}
		if len(t.path) == 0 {
			break
		}
		n := t.path[0] - 1
		if len(stmt.Lhs) != len(stmt.Rhs) || len(stmt.Lhs) < 2 || n >= len(stmt.Lhs) {
			return wrap{}, fmt.Errorf("the assignment has no value %d that others could be without", n+1)
		}
		left, right := s.without(stmt.Lhs, n), s.without(stmt.Rhs, n)
		return s.around(stmt, "if "+on+" { "+left+" = "+right+" } else { ", " }"), nil
	case *ast.DeclStmt, *ast.ReturnStmt, *ast.LabeledStmt, *ast.CaseClause, *ast.CommClause:
		return wrap{}, errors.New("a declaration, return, label or case cannot be skipped")
	}
	if len(t.path) > 0 {
		return wrap{}, errors.New("only of an assignment of several values one can be skipped by its number")
	}
	return s.around(at.stmt, "if !"+on+" { ", " }"), nil
}

func (s *source) without(exprs []ast.Expr, n int) string {
	var kept []string
	for i, e := range exprs {
		if i != n {
			kept = append(kept, s.text(e))
		}
	}
	return strings.Join(kept, ", ")
}

func (s *source) changeExpression(t target, at *site, on string) (wrap, error) {
	if returns, ok := at.stmt.(*ast.ReturnStmt); ok && t.op == "zero" && len(t.path) <= min(1, len(returns.Results)-1) {
		return s.zeroResult(t, at, returns, on)
	}
	e := at.operand(t.path)
	if e == nil {
		return wrap{}, errors.New("there is no such operand; several expressions are told apart by a number")
	}
	end := ")"
	switch t.op {
	case "false", "true", "negate":
		if at.tagged && len(t.path) <= 1 {
			return wrap{}, errors.New("a case of a switch over a value is no condition")
		}
	case "instead":
		if _, err := parser.ParseExpr(t.text); err != nil {
			return wrap{}, fmt.Errorf("what follows => is no expression: %w", err)
		}
		end = ", " + t.text + ")"
	}
	name := strings.ToUpper(t.op[:1]) + t.op[1:]
	return s.around(e, fmt.Sprintf("mutant.%s(%q, ", name, t.name), end), nil
}

// zeroResult returns the zero value of one result, and does not do what would have made it.
func (s *source) zeroResult(t target, at *site, returns *ast.ReturnStmt, on string) (wrap, error) {
	var types []string
	for _, field := range at.results.List {
		for range max(1, len(field.Names)) {
			types = append(types, s.text(field.Type))
		}
	}
	n := 0
	if len(t.path) > 0 {
		n = t.path[0] - 1
	}
	if len(types) != len(returns.Results) || n >= len(types) || !at.listed || len(types) > 1 && len(t.path) == 0 {
		return wrap{}, errors.New("which result is to be zero? There is none of that number")
	}
	values := make([]string, len(types))
	for i, e := range returns.Results {
		values[i] = s.text(e)
	}
	values[n] = "*new(" + types[n] + ")"
	return s.around(returns, "if "+on+" { return "+strings.Join(values, ", ")+" }; ", ""), nil
}

// apply writes all changes into the file.
func (s *source) apply(wraps []wrap, imports string) []byte {
	type insertion struct {
		at, nesting int // of several in one place, those that end come first
		text        string
	}
	slices.SortStableFunc(wraps, func(a, b wrap) int { return cmp.Or(a.from-b.from, b.to-a.to) }) // the outer first
	name := s.fset.Position(s.file.Name.End()).Offset
	all := []insertion{{name, 0, fmt.Sprintf("; import %q", imports)}}
	for i, w := range wraps {
		all = append(all, insertion{w.from, i + 1, w.before}, insertion{w.to, -i - 1, w.after})
	}
	slices.SortStableFunc(all, func(a, b insertion) int { return cmp.Or(a.at-b.at, a.nesting-b.nesting) })
	var b strings.Builder
	from := 0
	for _, in := range all {
		b.Write(s.content[from:in.at])
		b.WriteString(in.text)
		from = in.at
	}
	b.Write(s.content[from:])
	return []byte(b.String())
}
