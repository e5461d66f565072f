// Command gotest runs go test with its arguments and prints a line per package, what failed, and how many tests passed.
// A skipped test is a failure, and so is a run of no tests: what was not run proves nothing.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// event is what `go test -json` prints, as `go doc test2json` says.
type event struct {
	Action, Package, Test, Output string
}

// tally is what has happened so far.
type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	said                    map[[2]string]string // by package and test
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...) //nolint:noctx // It has its own -timeout.
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	t := &tally{out: out, said: map[[2]string]string{}}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		t.line(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		_, _ = io.Copy(io.Discard, pipe) // Else go test would wait for us.
	}
	ended := cmd.Wait()
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	switch {
	case ended != nil:
		return ended
	case t.skipped > 0:
		return fmt.Errorf("%d tests were skipped", t.skipped)
	case t.passed == 0:
		return errors.New("no test ran")
	}
	return lines.Err()
}

// line takes in one line of the output.
func (t *tally) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintf(t.out, "%s\n", line) // Not from a test: go itself has something to say.
		return
	}
	of := [2]string{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "output":
		t.said[of] += e.Output
	case "pass", "fail", "skip":
		t.ended(e, t.said[of])
		delete(t.said, of)
	}
}

// ended counts what has ended, and shows what it said if that matters. Packages have no Test.
func (t *tally) ended(e event, said string) {
	switch {
	case e.Test == "" && e.Action == "pass":
		for line := range strings.Lines(said) {
			if strings.HasPrefix(line, "ok") {
				fmt.Fprint(t.out, line)
			}
		}
	case e.Test == "" && e.Action == "fail":
		fmt.Fprint(t.out, said)
	case e.Test == "":
	case e.Action == "pass":
		t.passed++
	case e.Action == "fail":
		t.failed++
		fmt.Fprint(t.out, said)
	default:
		t.skipped++
		fmt.Fprintf(t.out, "%s: %s", e.Package, said)
	}
}
