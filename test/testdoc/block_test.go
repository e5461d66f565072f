package testdoc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	fence := func(info, text string) string { return "Words.\n\n```" + info + "\n" + text + "```\n\nMore.\n" }
	for _, test := range []struct {
		name, text string
		want       []Block
		err        string
	}{
		{"no block", "Words, and `code`.\n", nil, ""},
		{
			"is run", fence("sh run: TestA", "vault status\n"),
			[]Block{{"D", 3, "sh", []string{"TestA"}, "", "vault status\n"}},
			"",
		},
		{
			"is run by two", fence("sh run: TestA, TestB", "ls\n"),
			[]Block{{"D", 3, "sh", []string{"TestA", "TestB"}, "", "ls\n"}},
			"",
		},
		{
			"is printed", fence("text output: TestA", "$ ok\n"),
			[]Block{{"D", 3, "text", []string{"TestA"}, "", "$ ok\n"}},
			"",
		},
		{
			"is not run", fence("sh not run: for a cluster", "ls\n"),
			[]Block{{"D", 3, "sh", nil, "for a cluster", "ls\n"}},
			"",
		},
		{"a form", fence("text", "<time>\n"), []Block{{"D", 3, "text", nil, "", "<time>\n"}}, ""},
		{
			"two", fence("text", "a\n") + fence("text", "b\n"),
			[]Block{{"D", 3, "text", nil, "", "a\n"}, {"D", 10, "text", nil, "", "b\n"}},
			"",
		},
		{"no language", fence("", "ls\n"), nil, "D:3: the fence"},
		{"nobody runs it", fence("sh", "ls\n"), nil, "D:3: nobody runs this"},
		{"no name of a test", fence("sh run: somebody", "ls\n"), nil, `"somebody" is no name of a test`},
		{"no reason", fence("sh not run:", "ls\n"), nil, "D:3: the fence"},
		{"another mark", fence("sh skip: TestA", "ls\n"), nil, "D:3: the fence"},
		{"a command in a form", fence("text", "and then\nvault status\n"), nil, "D:3: a text with a command in it"},
		{"not closed", "```text\n", nil, "D:1 is not closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse("D", test.text)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("got %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	block := Block{Text: "$ one\n$ two\nprinted\n  and more\n$ three\n"}
	want := []Step{{"one\n", ""}, {"two\n", "printed\n  and more\n"}, {"three\n", ""}}
	if diff := cmp.Diff(want, block.Steps()); diff != "" {
		t.Error(diff)
	}
}

func TestPrints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		shown, got string
		want       bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\nb\nc\n", false},
		{"a\nb\n", "a\n", false},
		{"a\nb\n", "a\nb", true},
		{"", "", true},
		{"", "a\n", false},
		{"a\n…\nd\n", "a\nb\nc\nd\n", true},
		{"a\n…\nd\n", "a\nd\n", true},
		{"a\n…\nd\n", "a\nb\nc\n", false},
		{"a\n…\nd\n", "b\nd\n", false},
		{"a\n…\n", "a\nb\n", true},
		{"…\nb\n", "a\nb\n", true},
		{"…\nb\n", "a\nab\n", false},
		{"a\n…\nc\n…\ne\n", "a\nb\nc\nd\ne\n", true},
		{"a\n…\nc\n…\ne\n", "a\nb\nd\ne\n", false},
		{"a\n…\nc\n…\nc\n", "a\nc\n", false},
		{"a\nb …\n", "a\nb c\n", false},
	} {
		if got := Prints(test.shown, test.got); got != test.want {
			t.Errorf("%q shows %q: %t", test.shown, test.got, got)
		}
	}
}
