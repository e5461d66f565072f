package tour

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// ErrAnswer says that a step answered otherwise than expected.
var ErrAnswer = errors.New("answered otherwise than expected")

// soonWithin is how long the answer of a step marked Soon may take to become right.
const soonWithin = 30 * time.Second

// Tour runs steps on a server.
type Tour struct {
	Server *devserver.Server
	Sign   string            // the binary built from bootstrap/tour/sign
	Tokens map[string]string // by person
	Out    io.Writer         // where commands and answers go, in lines of at most [Columns]
	// In is a terminal from which somebody says, after each step, to go on or to end; nil: the steps follow each other.
	In io.Reader

	dir      string // where the commands run
	kept     map[string]string
	in       *bufio.Reader
	toldMore bool // how to see the fields that are not shown
}

// Run runs the steps in order. It ends at the first that answers otherwise than expected, with an error that wraps
// [ErrAnswer], or where In says so, with [ErrEnded].
func (t *Tour) Run(ctx context.Context, steps []Step) error {
	dir, err := os.MkdirTemp(t.Server.Dir, "tour-")
	if err != nil {
		return err
	}
	t.dir, t.kept = dir, map[string]string{}
	if err := Commands(t.binDir(), t.Server.Bin, t.Sign); err != nil {
		return err
	}
	if t.In != nil {
		t.in = bufio.NewReader(t.In)
	}
	for number, step := range steps {
		if t.in != nil && number > 0 {
			if err := t.pause(ctx, number, len(steps)); err != nil {
				return err
			}
		}
		if err := t.step(ctx, step); err != nil {
			return fmt.Errorf("step %d, %s: %w", number+1, step.Run, err)
		}
	}
	fmt.Fprintf(t.Out, "\nThat was the tour: %d steps, each answered as expected.\n", len(steps))
	return nil
}

// Commands makes dir hold the server's CLI as vault, whatever it is called, and the signing program as sign.
func Commands(dir, server, sign string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, binary := range map[string]string{"vault": server, "sign": sign} {
		path, err := filepath.Abs(binary)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tour) binDir() string { return filepath.Join(t.dir, "bin") }

// step shows the command, runs it as shown, checks what it printed, and shows that.
func (t *Tour) step(ctx context.Context, step Step) error {
	prompt := step.Who + "$ "
	line := Command(t.fill(step.Run), len(prompt))
	fmt.Fprintln(t.Out)
	if step.Why != "" {
		fmt.Fprint(t.Out, Text(step.Why, "# "))
	}
	fmt.Fprintf(t.Out, "%s%s\n", prompt, line)

	deadline := time.Now().Add(soonWithin)
	output, err := t.try(ctx, step, line)
	for step.Soon && err != nil && ctx.Err() == nil && time.Now().Before(deadline) {
		output, err = t.try(ctx, step, line)
	}
	if err != nil {
		fmt.Fprint(t.Out, Text(output, "")) // all of it, as any of it may be why
		return err
	}
	t.show(step, output)
	return nil
}

// try runs the command once and returns what it printed, with an error when that is not what the step wants.
func (t *Tour) try(ctx context.Context, step Step, line string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = t.dir
	cmd.Env = append(
		t.Server.Env(t.Tokens[step.Who]),
		"PATH="+t.binDir()+string(filepath.ListSeparator)+os.Getenv("PATH"),
	)
	printed, err := cmd.CombinedOutput()
	output := string(printed)
	if step.Refused != "" {
		if err == nil || !strings.Contains(output, step.Refused) {
			return output, fmt.Errorf("%w: wanted it refused with %q", ErrAnswer, step.Refused)
		}
		return output, nil
	}
	if err != nil {
		return output, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return output, t.check(step, output)
}

// check compares the answer with what the step wants, and keeps what later steps need.
func (t *Tour) check(step Step, output string) error {
	if step.File != "" {
		content, err := os.ReadFile(filepath.Join(t.dir, step.File))
		if err != nil {
			return err
		}
		output = string(content)
	}
	answer := Answer(output)
	var wrong []error
	for field, want := range step.Want {
		got := answer[field]
		switch want = t.fill(want); {
		case want == Any && got == "":
			wrong = append(wrong, fmt.Errorf("%w: no %s", ErrAnswer, field))
		case want != Any && got != want:
			// What it is instead stays unsaid, as it may be a secret: the answer above shows what may be shown.
			wrong = append(wrong, fmt.Errorf("%w: %s is not %q", ErrAnswer, field, want))
		}
	}
	for name, field := range step.Keep {
		t.kept[name] = answer[field]
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(wrong...)
}

// fill puts what was kept in place of {NAME}.
func (t *Tour) fill(text string) string {
	for name, value := range t.kept {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}
