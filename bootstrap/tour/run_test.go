package tour

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
)

// walk takes a tour of steps that need no server, and returns what it showed.
func walk(ctx context.Context, t *testing.T, in io.Reader, steps []Step) (string, error) {
	t.Helper()
	var out strings.Builder
	tour := &Tour{Server: &devserver.Server{Bin: "/bin/sh", Dir: t.TempDir()}, Sign: "/bin/sh", Out: &out, In: in}
	err := tour.Run(ctx, steps)
	fits(t, out.String())
	return out.String(), err
}

// TestPause checks who decides how far the tour goes.
func TestPause(t *testing.T) {
	steps := []Step{{Who: "a", Run: "echo first"}, {Who: "b", Run: "echo second"}, {Who: "c", Run: "echo third"}}
	for _, test := range []struct {
		name   string
		in     io.Reader
		shown  int // steps
		pauses int
		want   error
	}{
		{"nobody is there", nil, 3, 0, nil},
		{"Enter goes on", strings.NewReader("\n\n"), 3, 2, nil},
		{"q ends", strings.NewReader("q\n\n"), 1, 1, ErrEnded},
		{"a capital Q, later", strings.NewReader("\n Q \n"), 2, 2, ErrEnded},
		{"the end of the input ends", strings.NewReader("\n"), 2, 2, ErrEnded},
		{"anything else is asked about again", strings.NewReader("what?\nq\n"), 1, 2, ErrEnded},
	} {
		t.Run(test.name, func(t *testing.T) {
			shown, err := walk(t.Context(), t, test.in, steps)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if got := strings.Count(shown, "$ echo"); got != test.shown {
				t.Errorf("showed %d steps, want %d:\n%s", got, test.shown, shown)
			}
			if got := strings.Count(shown, "Enter goes on, q"); got != test.pauses {
				t.Errorf("paused %d times, want %d:\n%s", got, test.pauses, shown)
			}
		})
	}
}

// TestPauseInterrupted checks that the tour does not wait for somebody when it is to end.
func TestPauseInterrupted(t *testing.T) {
	silent, hold := io.Pipe()
	defer hold.Close()
	ctx, cancel := context.WithCancel(t.Context())
	in := interrupting{silent, cancel}
	if _, err := walk(ctx, t, in, []Step{{Run: "true"}, {Run: "true"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// interrupting is a terminal that interrupts who reads from it.
type interrupting struct {
	io.Reader
	interrupt func()
}

func (i interrupting) Read(p []byte) (int, error) {
	i.interrupt()
	return i.Reader.Read(p)
}

// TestShow checks that an answer is shown as far as the step is about it, and whole where it is not as expected.
func TestShow(t *testing.T) {
	const table = `printf 'Key  Value\n---  -----\na    1\nb    2\nc    3\n'`
	steps := []Step{
		{Run: table, Want: map[string]string{"a": "1"}},
		{Run: table, Want: map[string]string{"a": Any}, Show: []string{"c"}},
	}
	shown, err := walk(t.Context(), t, nil, steps)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"\na    1\n": 2, "\nb    2\n": 0, "\nc    3\n": 1, "\n...\n": 2, "-format=yaml": 1,
	} {
		if got := strings.Count(shown, text); got != want {
			t.Errorf("%d times %q, want %d:\n%s", got, text, want, shown)
		}
	}
	shown, err = walk(t.Context(), t, nil, []Step{{Run: table, Want: map[string]string{"a": "2"}}})
	if !errors.Is(err, ErrAnswer) || !strings.Contains(shown, "\nb    2\n") {
		t.Errorf("%v:\n%s", err, shown)
	}
}

// TestShownRuns checks that a command which is shown in several lines is run as it is shown.
func TestShownRuns(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("seven77 ", 12))
	shown, err := walk(t.Context(), t, nil, []Step{{Who: "a", Run: "echo " + words}})
	if err != nil || !strings.Contains(shown, " \\\n    seven77") ||
		!strings.Contains(shown, "\n"+Text(words, "")+"\nThat was") {
		t.Errorf("%v:\n%s", err, shown)
	}
}
