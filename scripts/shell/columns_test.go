package shell

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestColumns checks which lines are too long, and that one more than is allowed is refused.
func TestColumns(t *testing.T) {
	t.Parallel()
	wide := func(n int) string { return strings.Repeat("ä", n) }
	for _, test := range []struct {
		name, file, line string
		long             bool
	}{
		{"as long as may be", "a.go", wide(120), false},
		{"one more", "a.go", wide(121), true},
		{"a tab is four", "a.go", "\t\t" + wide(113), true},
		{"and no more", "a.go", "\t\t" + wide(112), false},
		{"shell", "a.sh", wide(121), true},
		{"a text", "docs/a.md", wide(121), true},
		{"a row of a table", "a.md", "| " + wide(121), false},
		{"no table of Go", "a.go", "| " + wide(121), true},
		{"no table in a block", "a.md", "```text\n| " + wide(121) + "\n```", true},
		{"what is compared", "a.md", "```text output: TestIt\n" + wide(121) + "\n```", false},
		{"behind what is compared", "a.md", "```text output: TestIt\n```\n" + wide(121), true},
		{"what a console prints", "a.md", "```console run: TestIt\n$ ls\n" + wide(121) + "\n```", false},
		{"what is typed there", "a.md", "```console run: TestIt\n$ " + wide(121) + "\n```", true},
		{"what Python prints", "a.md", "```pycon run: TestIt\n>>> f(\n... )\n" + wide(121) + "\n```", false},
		{"what is typed to Python", "a.md", "```pycon run: TestIt\n>>> f(\n... " + wide(121) + ")\n```", true},
		{"a block that is run", "a.md", "```sh run: TestIt\n" + wide(121) + "\n```", true},
		{"an address", "a.go", "// https://example.com/" + wide(121), false},
		{"words behind an address", "a.go", "// https://example.com/ " + wide(121), true},
		{"where a link leads", "a.md", "[words](" + wide(121) + ")", false},
		{"words of a link", "a.md", "[" + wide(121) + "](to)", true},
		{"what is made of others", "docs/api.md", wide(121), false},
		{"what was built", "build/a.go", wide(121), false},
		{"another kind", "a.txt", wide(121), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := made(t)
			f.copies("scripts/columns.sh")
			f.write("scripts/columns.sh", regexp.MustCompile(`(\[\w+\])=\d+`).
				ReplaceAllString(f.types("cat scripts/columns.sh"), "$1=0"), 0o700)
			f.write(test.file, "short\n"+test.line+"\n", 0o600)
			if !test.long {
				if said := f.types("scripts/columns.sh -l"); said != "" {
					t.Errorf("says %s", said)
				}
				return
			}
			lines := strings.Split(test.line, "\n")
			n := slices.IndexFunc(lines, func(line string) bool { return len(line) > 120 })
			f.refuses("scripts/columns.sh -l", fmt.Sprintf("./%s:%d: %s\n", test.file, 2+n, lines[n]))
			f.refuses("scripts/columns.sh -l", "columns: 1 lines of "+filepath.Ext(test.file)+" are over")
			f.types("sed -i 's/]=0/]=1/g' scripts/columns.sh && scripts/columns.sh | grep -c lower | grep -qx 2")
		})
	}
}
