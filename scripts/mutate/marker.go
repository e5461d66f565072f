package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// wall is a check, how to take it away, and the tests that have to fail then.
type wall struct {
	name  string // in plain words; no two have one
	file  string // from the root of the module, with slashes
	line  int    // of the marker
	in    string // the package of the tests, as ./paths
	tests string // their names, with | between them
	op    string // what is done; "quote" for a row of quoted
	path  []int  // which operand it is done to, from the outside to the inside; empty: the whole
	text  string // the Go that is used, of an operation that has some
	old   string // of "quote": a text that is in the file once, and text takes its place
}

// operations are what may be done, each with whether it has Go of its own.
var operations = map[string]bool{
	"false": false, "true": false, "negate": false, "zero": false, "skip": false, "instead": true, "before": true,
}

const (
	opening = "//mutate:"
	going   = "more" // the marker goes on in this line
)

var (
	grammar = regexp.MustCompile(`^([a-z]+)(?::((?:0\.)?[1-9]\d*(?:\.[1-9]\d*)*))? "([^"\\]+)"(?: (\./\S+))? ` +
		`(Test\w+(?:\|Test\w+)*)(?: => (.+))?$`)
	nearly = regexp.MustCompile(`^(//\s+mutate:|/\*\s*mutate:|//mutate\s*$)`) // what was to be a marker, and is none
	bar    = regexp.MustCompile(`\s*\|\s*Test`)
)

// at says where a wall stands, as compilers do.
func (w *wall) at() string { return fmt.Sprintf("%s:%d", w.file, w.line) }

func (w *wall) errorf(format string, args ...any) error {
	return fmt.Errorf(w.at()+": "+format, args...)
}

// read parses the text of a marker into w, which knows where it stands.
func (w *wall) read(text string) error {
	text = bar.ReplaceAllString(text, "|Test")
	found := grammar.FindStringSubmatch(text)
	if found == nil {
		return w.errorf(
			`a marker is %sOPERATION[:OPERAND] "name" [./package] TestA|TestB [=> Go], not %q`,
			opening,
			text,
		)
	}
	has, ok := operations[found[1]]
	if !ok {
		return w.errorf(
			"there is no operation %q: there are false, true, negate, zero, skip, instead and before",
			found[1],
		)
	}
	if has != (found[6] != "") {
		return w.errorf("%s: give Go after => to instead and before, and to no other", found[1])
	}
	w.op, w.name, w.tests, w.text = found[1], found[3], found[5], found[6]
	if found[4] != "" {
		w.in = found[4]
	}
	for number := range strings.SplitSeq(found[2], ".") {
		if n, err := strconv.Atoi(number); err == nil {
			w.path = append(w.path, n)
		}
	}
	return nil
}

// target is a marker with the line that it is about.
type target struct {
	*wall
	about int
}

// source is a file with its markers.
type source struct {
	name    string // from the root
	content []byte
	fset    *token.FileSet
	file    *ast.File
}

func parse(name string, content []byte) (*source, error) {
	s := &source{name: name, content: content, fset: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	return s, err
}

// markers returns the file's markers, and what is wrong with others.
func (s *source) markers(in string) (found []target, wrong []error) {
	lines := strings.Split(string(s.content), "\n")
	for _, group := range s.file.Comments {
		for i := 0; i < len(group.List); i++ {
			c := group.List[i]
			here := s.fset.Position(c.Pos())
			w := &wall{file: s.name, line: here.Line, in: in}
			text, is := strings.CutPrefix(c.Text, opening)
			if !is {
				if nearly.MatchString(c.Text) {
					wrong = append(
						wrong,
						w.errorf("a marker begins with %s and its operation, without a blank", opening),
					)
				}
				continue
			}
			alone := strings.TrimSpace(lines[here.Line-1][:here.Column-1]) == ""
			for alone && i+1 < len(group.List) && strings.HasPrefix(group.List[i+1].Text, opening+going+" ") {
				i++
				text += " " + strings.TrimPrefix(group.List[i].Text, opening+going+" ")
			}
			if err := w.read(text); err != nil {
				wrong = append(wrong, err)
				continue
			}
			about := here.Line
			for alone && about <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[about-1]), "//") {
				about++
			}
			found = append(found, target{w, about})
		}
	}
	return found, wrong
}
