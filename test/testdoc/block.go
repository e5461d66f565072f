// Package testdoc reads blocks of code out of the documents, for the tests that run them: what is run is what stands
// there.
//
// The fence of a block says what it is, behind its language:
//
//	```sh run: TestAPICommand             the test runs it, or has it read by what it is written for
//	```text output: TestMigrationCommands  the test compares it with what is printed
//	```sh not run: needs two data centres  nobody runs it, and why
//	```text                                a form or a drawing, in which there is nothing to run
//
// Several tests are separated by commas, and each of them has to use the block. Those are acceptance tests, where it
// takes a server, and unit tests else.
package testdoc

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Block is what stands between two fences.
type Block struct {
	Document string // its path from the root of the repository
	Line     int    // of the first fence
	Language string
	Tests    []string // the names of those that use it; none when it is not run
	Reason   string   // why it is not run
	Text     string   // whole lines
}

// String names the block for a message.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Document, b.Line) }

var (
	mark     = regexp.MustCompile(`^([a-z]+)(?: (run|output|not run): (\S.*))?$`)
	testName = regexp.MustCompile(`^Test[A-Za-z0-9]+$`)
	command  = regexp.MustCompile(`(?m)^(\$ |>>> |vault |curl |export |make |scripts/)`)
)

// Parse returns the blocks of a document in their order. It is an error when one does not say what it is.
func Parse(document, text string) ([]Block, error) {
	var blocks []Block
	var open *Block
	number := 0
	for line := range strings.Lines(text) {
		number++
		info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case !fence && open != nil:
			open.Text += line
		case !fence:
		case open != nil:
			if err := open.check(); err != nil {
				return nil, err
			}
			blocks, open = append(blocks, *open), nil
		default:
			found := mark.FindStringSubmatch(info)
			if found == nil {
				return nil, fmt.Errorf(
					"%s:%d: the fence %q does not say what the block is: LANGUAGE run: TEST, LANGUAGE output: TEST, "+
						"LANGUAGE not run: REASON, or text",
					document,
					number,
					info,
				)
			}
			open = &Block{Document: document, Line: number, Language: found[1]}
			switch found[2] {
			case "run", "output":
				open.Tests = strings.Split(found[3], ", ")
			case "not run":
				open.Reason = found[3]
			}
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s is not closed", open)
	}
	return blocks, nil
}

// check returns an error unless a whole block is one of what there is.
func (b Block) check() error {
	for _, test := range b.Tests {
		if !testName.MatchString(test) {
			return fmt.Errorf("%s: %q is no name of a test", b, test)
		}
	}
	switch {
	case len(b.Tests) > 0 || b.Reason != "":
		return nil
	case b.Language != "text":
		return fmt.Errorf("%s: nobody runs this: name the test that does, or say why not", b)
	case command.MatchString(b.Text):
		return fmt.Errorf("%s: a text with a command in it is to be run", b)
	}
	return nil
}

// Step is a command of a console's block, and what it prints.
type Step struct {
	Command string
	Prints  string // whole lines; one of … alone stands for any number of them
}

// Steps returns what is typed and printed in a block of a console: each line behind "$ " is a command.
func (b Block) Steps() []Step {
	var steps []Step
	for line := range strings.Lines(b.Text) {
		typed, ok := strings.CutPrefix(line, "$ ")
		switch {
		case ok:
			steps = append(steps, Step{Command: typed})
		case len(steps) > 0:
			steps[len(steps)-1].Prints += line
		}
	}
	return steps
}

// Prints reports whether got is what a document shows as printed, in which a line of … alone stands for any lines. Some
// programs end the last line on a terminal alone.
func Prints(shown, got string) bool {
	if got != "" && !strings.HasSuffix(got, "\n") {
		got += "\n"
	}
	parts := strings.Split("\n"+shown, "\n…\n")
	got = "\n" + got
	for i, part := range parts {
		whole := part
		if i < len(parts)-1 {
			whole += "\n"
		}
		if i > 0 {
			whole = "\n" + whole
		}
		switch {
		case len(parts) == 1:
			return got == whole
		case i == 0:
			if !strings.HasPrefix(got, whole) {
				return false
			}
			got = got[len(whole)-1:]
		case i == len(parts)-1:
			return strings.HasSuffix(got, whole)
		default:
			at := strings.Index(got, whole)
			if at < 0 {
				return false
			}
			got = got[at+len(whole)-1:]
		}
	}
	return true
}

// For returns those of the blocks that a test runs.
func For(test string, blocks []Block) []Block {
	return slices.DeleteFunc(slices.Clone(blocks), func(b Block) bool { return !slices.Contains(b.Tests, test) })
}
