package testdoc

import (
	"fmt"
	"strings"
	"testing"
)

// told stands for a test, and keeps what it is told.
type told struct {
	testing.TB
	says  string
	after []func()
}

func (f *told) Helper()                        {}
func (f *told) Name() string                   { return "TestA/part" }
func (f *told) Failed() bool                   { return f.says != "" }
func (f *told) Cleanup(after func())           { f.after = append(f.after, after) }
func (f *told) Fatal(args ...any)              { panic(fmt.Sprint(args...)) }
func (f *told) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
func (f *told) Errorf(format string, a ...any) { f.says = fmt.Sprintf(format, a...) }

// TestReader checks that a test gets the blocks that name it, and cannot leave one out.
func TestReader(t *testing.T) {
	t.Parallel()
	const document = "```sh run: TestA\nfirst\n```\n```sh run: TestB\nelse\n```\n```sh run: TestB, TestA\nsecond\n```\n"
	for _, test := range []struct {
		name, document string
		takes          []string
		says           string
	}{
		{"all in their order", document, []string{"first", "second"}, ""},
		{"one is left", document, []string{"first"}, "D:7 was not run"},
		{"all are left", document, nil, "D:1 was not run"},
		{"in another order", document, []string{"second"}, `D:1: "second" is not in it`},
		{"one too many", document, []string{"first", "second", "third"}, `no block is left that has "third" in it`},
		{"another's", document, []string{"else"}, `D:1: "else" is not in it`},
		{"no block is its own", "```sh run: TestB\nelse\n```\n", nil, "no block of D says that TestA runs it"},
		{"a block says nothing", "```sh\nelse\n```\n", nil, "D:1: nobody runs this"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &told{}
			func() {
				defer func() {
					if said := recover(); said != nil {
						f.says = fmt.Sprint(said)
					}
				}()
				r := open(f, "D", test.document)
				for _, text := range test.takes {
					if got := r.Next(text).Text; got != text+"\n" {
						t.Errorf("got %q", got)
					}
				}
			}()
			for _, after := range f.after {
				after()
			}
			if !strings.HasPrefix(f.says, test.says) || (test.says == "") != (f.says == "") {
				t.Errorf("says %q, want %q", f.says, test.says)
			}
		})
	}
}
