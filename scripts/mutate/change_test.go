package main

import (
	"strings"
	"testing"
)

// changed returns the body of a function after what its markers do to it.
func changed(t *testing.T, results, body string) (string, []error) {
	t.Helper()
	before := "package p\n\nfunc f(a, b, c bool, n int, s []string) " + results + " {\n"
	s, err := parse("p/p.go", []byte(before+body+"\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	markers, wrong := s.markers("./p")
	var wraps []wrap
	for _, m := range markers {
		w, err := s.change(m, s.sites())
		if err != nil {
			wrong = append(wrong, m.errorf("%w", err))
			continue
		}
		wraps = append(wraps, w)
	}
	after := string(s.apply(wraps, "m/mutant"))
	after, _ = strings.CutPrefix(after, strings.Replace(before, "package p", `package p; import "m/mutant"`, 1))
	return strings.TrimSuffix(after, "\n}\n"), wrong
}

func TestOperations(t *testing.T) {
	tests := []struct{ name, results, body, want string }{
		{"the condition of an if", "", `if a && b { //mutate:false "w" TestW`, `if mutant.False("w", a && b) {`},
		{"of a for", "", `for a { //mutate:true "w" TestW`, `for mutant.True("w", a) {`},
		{"the other way round", "", `if a { //mutate:negate "w" TestW`, `if mutant.Negate("w", a) {`},
		{"an operand", "", `if a && b && c { //mutate:true:2 "w" TestW`, `if a && mutant.True("w", b) && c {`},
		{
			"an operand of a chain in it",
			"",
			`if a || b && c { //mutate:false:2.1 "w" TestW`,
			`if a || mutant.False("w", b) && c {`,
		},
		{
			"brackets do not count",
			"",
			`if a && (b || !c) { //mutate:false:2.2 "w" TestW`,
			`if a && (b || mutant.False("w", !c)) {`,
		},
		{
			"an operand of what is not",
			"",
			`if !(a || b) { //mutate:false:1 "w" TestW`,
			`if !(mutant.False("w", a) || b) {`,
		},
		{
			"what an if assigns before",
			"",
			`if n = cap(s); a { //mutate:zero:0.1 "w" TestW`,
			`if n = cap(mutant.Zero("w", s)); a {`,
		},
		{"what is assigned", "", `a = b || c //mutate:false:2 "w" TestW`, `a = b || mutant.False("w", c)`},
		{"what is returned", "bool", `return a || b //mutate:false:1 "w" TestW`, `return mutant.False("w", a) || b`},
		{
			"one of several results",
			"(bool, int)",
			`return a || b, n //mutate:false:1.2 "w" TestW`,
			`return a || mutant.False("w", b), n`,
		},
		{"an argument", "", `println(n, 7) //mutate:zero:2 "w" TestW`, `println(n, mutant.Zero("w", 7))`},
		{
			"an element",
			"[]bool",
			`return []bool{a, b} //mutate:false:2 "w" TestW`,
			`return []bool{a, mutant.False("w", b)}`,
		},
		{
			"a result",
			"error",
			`return g() //mutate:zero "w" TestW`,
			`if mutant.On("w") { return *new(error) }; return g()`,
		},
		{
			"a result of several", "(x, y int, err error)", `return g(), n, nil //mutate:zero:1 "w" TestW`,
			`if mutant.On("w") { return *new(int), n, nil }; return g(), n, nil`,
		},
		{"a statement", "", `println(n) //mutate:skip "w" TestW`, `if !mutant.On("w") { println(n) }`},
		{
			"one value of several",
			"",
			`a, n = b, 7 //mutate:skip:2 "w" TestW`,
			`if mutant.On("w") { a = b } else { a, n = b, 7 }`,
		},
		{
			"another statement",
			"",
			`n = 1 //mutate:instead "w" TestW => n = 2`,
			`if mutant.On("w") { n = 2 } else { n = 1 }`,
		},
		{"another value", "", `println(n) //mutate:instead:1 "w" TestW => 7`, `println(mutant.Instead("w", n, 7))`},
		{"another condition", "", `if a { //mutate:instead "w" TestW => b`, `if mutant.Instead("w", a, b) {`},
		{
			"a statement before",
			"",
			`n := 1 //mutate:before "w" TestW => println()`,
			`if mutant.On("w") { println() }; n := 1`,
		},
		{
			"a case", "", "switch {\n//mutate:false \"w\" TestW\ncase a || b:\n}",
			"switch {\n//mutate:false \"w\" TestW\ncase mutant.False(\"w\", a || b):\n}",
		},
		{
			"one of several cases, and an operand of another",
			"",
			"switch {\n//mutate:true:1 \"v\" TestV\n//mutate:false:2.1 \"w\" TestW\ncase a, b && c:\n}",
			"switch {\n//mutate:true:1 \"v\" TestV\n//mutate:false:2.1 \"w\" TestW\n" +
				"case mutant.True(\"v\", a), mutant.False(\"w\", b) && c:\n}",
		},
		{
			"a value of a switch over one", "", "switch n {\n//mutate:instead:2 \"w\" TestW => 3\ncase 1, 2:\n}",
			"switch n {\n//mutate:instead:2 \"w\" TestW => 3\ncase 1, mutant.Instead(\"w\", 2, 3):\n}",
		},
		{
			"the whole, a part, and a part of that",
			"",
			"//mutate:skip \"u\" TestU\n//mutate:false \"v\" TestV\n//mutate:true:1 \"w\" TestW\n" +
				"if a && b { println() }",
			"//mutate:skip \"u\" TestU\n//mutate:false \"v\" TestV\n//mutate:true:1 \"w\" TestW\n" +
				`if !mutant.On("u") { if mutant.False("v", mutant.True("w", a) && b) { println() } }`,
		},
		{
			"above a comment, and in two lines",
			"",
			"//mutate:negate \"w\" TestV|\n//mutate:more TestW\n// Why.\nif a { println() }",
			"//mutate:negate \"w\" TestV|\n//mutate:more TestW\n// Why.\nif mutant.Negate(\"w\", a) { println() }",
		},
	}
	for _, row := range tests {
		// An opening brace is closed where nobody looks, so that a row is one line.
		body, closing := row.body, ""
		if strings.Contains(body, "{ //mutate") {
			closing = "\n}"
		}
		got, wrong := changed(t, row.results, body+closing)
		got = strings.TrimSuffix(got, closing)
		if at := strings.Index(got, " //mutate"); at > 0 && !strings.HasPrefix(got, "switch") {
			got = got[:at]
		}
		if got != row.want || len(wrong) > 0 {
			t.Errorf("%s: %v\n got %s\nwant %s", row.name, wrong, got, row.want)
		}
	}
}

func TestMarkersThatAreWrong(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"no blank before it", "// mutate:false \"w\" TestW\nif a {\n}", "p/p.go:4: a marker begins with //mutate:"},
		{"no other comment", "/* mutate:false \"w\" TestW */\nif a {\n}", "p/p.go:4: a marker begins with //mutate:"},
		{"an operation that is none", "//mutate:flip \"w\" TestW\nif a {\n}", `p/p.go:4: there is no operation "flip"`},
		{"no name", "//mutate:false TestW\nif a {\n}", "p/p.go:4: a marker is //mutate:OPERATION"},
		{"no test", "//mutate:false \"w\"\nif a {\n}", "p/p.go:4: a marker is //mutate:OPERATION"},
		{"a benchmark", "//mutate:false \"w\" BenchmarkW\nif a {\n}", "p/p.go:4: a marker is //mutate:OPERATION"},
		{"no operand 0", "//mutate:false:1.0 \"w\" TestW\nif a {\n}", "p/p.go:4: a marker is //mutate:OPERATION"},
		{"more of nothing", "//mutate:more TestW\nif a {\n}", "p/p.go:4: a marker is //mutate:OPERATION"},
		{"Go where none is used", "//mutate:false \"w\" TestW => b\nif a {\n}", "p/p.go:4: false: give Go after =>"},
		{"no Go where some is", "//mutate:instead \"w\" TestW\nif a {\n}", "p/p.go:4: instead: give Go after =>"},
		{"above a blank line", "//mutate:false \"w\" TestW\n\nif a {\n}", "p/p.go:4: no statement begins"},
		{"within a statement", "if a ||\nb { //mutate:false \"w\" TestW\n}", "p/p.go:5: no statement begins"},
		{"at the end of a block", "if a {\n} //mutate:false \"w\" TestW", "p/p.go:5: no statement begins"},
		{"about no condition", "//mutate:false \"w\" TestW\nvar x = a\n_ = x", "p/p.go:4: there is no such operand"},
		{"about a for without one", "for { //mutate:false \"w\" TestW\n}", "p/p.go:4: there is no such operand"},
		{"an operand too many", "//mutate:false:3 \"w\" TestW\nif a || b {\n}", "p/p.go:4: there is no such operand"},
		{
			"an if that assigns nothing",
			"//mutate:zero:0.1 \"w\" TestW\nif a {\n}",
			"p/p.go:4: there is no such operand",
		},
		{
			"which of two cases",
			"switch {\n//mutate:false \"w\" TestW\ncase a, b:\n}",
			"p/p.go:5: there is no such operand",
		},
		{
			"a value as condition",
			"switch n {\n//mutate:false:1 \"w\" TestW\ncase 1, 2:\n}",
			"p/p.go:5: a case of a switch over a value",
		},
		{
			"a declaration left out",
			"//mutate:skip \"w\" TestW\nx := a\n_ = x",
			"p/p.go:4: a declaration cannot be skipped",
		},
		{"a return left out", "//mutate:skip \"w\" TestW\nreturn", "p/p.go:4: a declaration, return, label or case"},
		{
			"an if of an else left out",
			"if a {\n} else if b { //mutate:skip \"w\" TestW\n}",
			"p/p.go:5: skip is about a statement",
		},
		{"one value of one", "//mutate:skip:1 \"w\" TestW\nn = 1", "p/p.go:4: the assignment has no value 1"},
		{"one value of no assignment", "//mutate:skip:1 \"w\" TestW\nprintln()", "p/p.go:4: only of an assignment"},
		{"a result of none", "//mutate:zero \"w\" TestW\nreturn", "p/p.go:4: there is no such operand"},
		{"results of another call", "//mutate:zero \"w\" TestW\nreturn g()", "p/p.go:4: which result is to be zero"},
		{
			"another in the place of a declaration",
			"//mutate:instead \"w\" TestW => n = 1\nx := a\n_ = x",
			"p/p.go:4: instead cannot be done",
		},
		{
			"before a case",
			"switch {\n//mutate:before \"w\" TestW => n = 1\ncase a:\n}",
			"p/p.go:5: before cannot be done",
		},
		{
			"before an operand",
			"//mutate:before:1 \"w\" TestW => n = 1\nif a {\n}",
			"p/p.go:4: before is about a whole statement",
		},
		{
			"what is no statement",
			"//mutate:before \"w\" TestW => n ==\nif a {\n}",
			"p/p.go:4: what follows => is no statement",
		},
		{
			"what is no expression",
			"//mutate:instead \"w\" TestW => n = 1\nif a {\n}",
			"p/p.go:4: what follows => is no expression",
		},
	}
	for _, row := range tests {
		if _, wrong := changed(t, "", row.body); len(wrong) != 1 || !strings.HasPrefix(wrong[0].Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.name, wrong, row.want)
		}
	}
}
