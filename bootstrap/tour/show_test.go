package tour

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// fits reports the lines that are wider than the tour may print.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > Columns ||
			strings.Contains(line, "\t") {
			t.Errorf("%d columns: %q", width, line)
		}
	}
}

// TestCommand has a shell say which words it makes of a line, as it is and broken.
func TestCommand(t *testing.T) {
	long := strings.Repeat("word ", 30)
	for _, test := range []struct {
		name, line string
		lines      int
	}{
		{"short", "vault read apikeys/config", 1},
		{"long", long, 3},
		{
			"quoted text stays in one piece",
			`vault write ` + strings.Repeat("p", 50) + ` reason="found in a public repository"`, 2,
		},
		{
			"and of single quotes",
			`vault write ` + strings.Repeat("p", 50) + ` reason='found in "a public" repository'`, 2,
		},
		{"a broken line is broken at && too", "true && echo " + long, 4},
		{"as wide as may be", strings.Repeat("w ", 35) + "w", 1},
		{"a word as long as the line", strings.Repeat("w", Columns), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			const prompt = "someone$ "
			broken := Command(test.line, len(prompt))
			if got := strings.Count(broken, "\n") + 1; got != test.lines {
				t.Errorf("%d lines, want %d: %s", got, test.lines, broken)
			}
			if test.lines > 1 {
				fits(t, prompt+broken)
			}
			if said, want := spoken(t, broken), spoken(t, test.line); said != want {
				t.Errorf("a shell takes it for %q, not %q", said, want)
			}
		})
	}
}

// spoken returns the words of a line of shell, one to a line.
func spoken(t *testing.T, line string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

func TestText(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("seven77 ", 12))
	for _, test := range []struct{ name, text, prefix, want string }{
		{"nothing", "", "", ""},
		{"a line", "a line\n", "", "a line\n"},
		{"its end is not asked for", "a line", "# ", "# a line\n"},
		{"tabs are as wide as they are printed", "\t* denied\n", "", "    * denied\n"},
		{"goes on indented", words, "", words[:79] + "\n    " + words[80:] + "\n"},
		{"goes on with its prefix", words, "# ", "# " + words[:71] + "\n# " + words[72:] + "\n"},
		{
			"without a space", strings.Repeat("w", 100), "",
			strings.Repeat("w", 80) + "\n    " + strings.Repeat("w", 20) + "\n",
		},
		{
			"after a semicolon", strings.Repeat("w", 60) + ";" + strings.Repeat("w", 30), "",
			strings.Repeat("w", 60) + ";\n    " + strings.Repeat("w", 30) + "\n",
		},
		{"as wide as may be", strings.Repeat("é", 80), "", strings.Repeat("é", 80) + "\n"},
		{"an empty line between", "a\n\nb\n", "", "a\n\nb\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Text(test.text, test.prefix)
			fits(t, got)
			if got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	const head = "Key       Value\n---       -----\n"
	for _, test := range []struct {
		name, output string
		fields       []string
		want         string
		others       bool
	}{
		{
			"some of a table", head + "keys      0\nstate     active\n",
			[]string{"state"},
			head + "state     active\n...\n", true,
		},
		{"all of a table", head + "state     active\n", []string{"state"}, head + "state     active\n", false},
		{"none of a table", head + "state     active\n", nil, head + "...\n", true},
		{
			"a wrapped answer", head + "wrapping_token:    hvs.x\nttl:    5m\n",
			[]string{"ttl"},
			head + "ttl:    5m\n...\n", true,
		},
		{
			"a warning stays", "WARNING! It is so.\n\n" + head + "keys      0\n", nil,
			"WARNING! It is so.\n\n" + head + "...\n", true,
		},
		{"text stays", "GET / HTTP/1.1\nHost: api.example\n", nil, "GET / HTTP/1.1\nHost: api.example\n", false},
		{"empty lines at the end do not", "denied\n\n\n", nil, "denied\n", false},
		{"nothing", "", nil, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, others := choose(test.output, test.fields)
			if got != test.want || others != test.others {
				t.Errorf("got %t\n%swant %t\n%s", others, got, test.others, test.want)
			}
		})
	}
}
