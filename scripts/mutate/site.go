package main

import (
	"go/ast"
	"go/token"
)

// site is a statement, or a case, that a marker can be about.
type site struct {
	stmt    ast.Stmt
	listed  bool           // it is one of a list of statements, so that others can stand around it
	tagged  bool           // it is a case of a switch over a value: no condition
	results *ast.FieldList // of the function that it is in
}

// sites returns, by line, the outermost of the statements that begin there.
func (s *source) sites() map[int]site {
	found := make(map[int]site)
	var above []ast.Node
	ast.Inspect(s.file, func(n ast.Node) bool {
		if n == nil {
			above = above[:len(above)-1]
			return true
		}
		if stmt, ok := n.(ast.Stmt); ok {
			if _, block := n.(*ast.BlockStmt); !block {
				line := s.fset.Position(n.Pos()).Line
				if _, taken := found[line]; !taken {
					found[line] = describe(stmt, above)
				}
			}
		}
		above = append(above, n)
		return true
	})
	return found
}

func describe(stmt ast.Stmt, above []ast.Node) site {
	s := site{stmt: stmt}
	switch parent := above[len(above)-1].(type) {
	case *ast.BlockStmt:
		s.listed = true
		if over, ok := above[len(above)-2].(*ast.SwitchStmt); ok {
			s.tagged = over.Tag != nil
		}
	case *ast.CaseClause:
		s.listed = true
	case *ast.CommClause:
		s.listed = parent.Comm != stmt
	}
	for i := len(above) - 1; i >= 0 && s.results == nil; i-- {
		switch f := above[i].(type) {
		case *ast.FuncLit:
			s.results = orNone(f.Type.Results)
		case *ast.FuncDecl:
			s.results = orNone(f.Type.Results)
		}
	}
	return s
}

func orNone(list *ast.FieldList) *ast.FieldList {
	if list == nil {
		return new(ast.FieldList)
	}
	return list
}

// conditions returns what a marker of the site can be about, from which its numbers go on inwards: the condition of an
// if or a for, the expressions of a case, what is returned or assigned, or a call.
func (s *site) conditions() []ast.Expr {
	switch stmt := s.stmt.(type) {
	case *ast.IfStmt:
		return []ast.Expr{stmt.Cond}
	case *ast.ForStmt:
		return []ast.Expr{stmt.Cond}
	case *ast.CaseClause:
		return stmt.List
	case *ast.ReturnStmt:
		return stmt.Results
	case *ast.AssignStmt:
		return stmt.Rhs
	case *ast.ExprStmt:
		return []ast.Expr{stmt.X}
	default:
		return nil
	}
}

// operand follows a path of numbers, each from 1, or at first 0 for what an if assigns before its condition. It is nil
// where there is no such operand. Of several expressions the first number chooses one; where there is only one, the
// numbers are of its operands.
func (s *site) operand(path []int) ast.Expr {
	exprs := s.conditions()
	if len(path) > 0 && path[0] == 0 {
		exprs, path = s.assignedBefore(), path[1:]
	}
	if len(exprs) != 1 {
		if len(path) == 0 || path[0] > len(exprs) {
			return nil
		}
		exprs, path = exprs[path[0]-1:path[0]], path[1:]
	}
	at := exprs[0]
	for _, n := range path {
		inner := operands(at)
		if n > len(inner) {
			return nil
		}
		at = inner[n-1]
	}
	return at
}

func (s *site) assignedBefore() []ast.Expr {
	if stmt, ok := s.stmt.(*ast.IfStmt); ok {
		if assigns, ok := stmt.Init.(*ast.AssignStmt); ok {
			return assigns.Rhs
		}
	}
	return nil
}

// operands are what an expression is made of: the operands of a chain of one operator, the arguments of a call, the
// elements of a literal. Brackets and ! do not count.
func operands(e ast.Expr) []ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return operands(e.X)
	case *ast.UnaryExpr:
		return operands(e.X)
	case *ast.BinaryExpr:
		return append(chain(e.X, e.Op), e.Y)
	case *ast.CallExpr:
		return e.Args
	case *ast.CompositeLit:
		values := make([]ast.Expr, len(e.Elts))
		for i, element := range e.Elts {
			values[i] = element
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				values[i] = pair.Value
			}
		}
		return values
	default:
		return nil
	}
}

func chain(e ast.Expr, op token.Token) []ast.Expr {
	if inner, ok := e.(*ast.BinaryExpr); ok && inner.Op == op {
		return append(chain(inner.X, op), inner.Y)
	}
	return []ast.Expr{e}
}
