package tour

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Columns is how wide the tour may print.
const Columns = 80

// indent begins what goes on from the line before.
const indent = "    "

// more stands in an answer for the fields that are not shown.
const more = "..."

// aboutMore says, once, how to see them.
const aboutMore = `"..." stands for further fields. To see all of an answer, put -format=yaml after read or write.`

// Command breaks a line of shell, which follows a prompt of so many columns, into lines that fit. A shell takes them
// for the same command: each but the last ends in a backslash. What is quoted is not broken, and a line that is broken
// is so after each && too.
func Command(line string, prompt int) string {
	if prompt+utf8.RuneCountInString(line) <= Columns {
		return line
	}
	const backslash = 2 // with the space before it
	var out strings.Builder
	column, previous := prompt, ""
	for i, word := range words(line) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case previous == "&&" || column+1+width+backslash > Columns:
			out.WriteString(" \\\n" + indent)
			column = len(indent)
		default:
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += width
		previous = word
	}
	return out.String()
}

// words splits a line of shell at the spaces outside quotes.
func words(line string) []string {
	var quote rune
	return strings.FieldsFunc(line, func(r rune) bool {
		switch {
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		}
		return r == ' ' && quote == 0
	})
}

// Text breaks text into lines that fit, at a space or after a semicolon where there is one. Each line begins with
// prefix, which counts.
func Text(text, prefix string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimRight(line, " \t\r\n"), "\t", indent)
		start := prefix
		for {
			head, rest := breakAt(line, Columns-utf8.RuneCountInString(start))
			fmt.Fprintln(&out, strings.TrimRight(start+head, " "))
			if rest == "" {
				break
			}
			line = rest
			if prefix == "" {
				start = indent
			}
		}
	}
	return out.String()
}

// breakAt cuts a line into what fits into so many columns and the rest.
func breakAt(line string, width int) (head, rest string) {
	runes := []rune(line)
	if len(runes) <= width {
		return line, ""
	}
	at := width
	for i := width; i > 0; i-- {
		if (runes[i] == ' ' || runes[i-1] == ';') && strings.TrimSpace(string(runes[:i])) != "" {
			at = i
			break
		}
	}
	return string(runes[:at]), strings.TrimLeft(string(runes[at:]), " ")
}

// choose leaves of a table that the CLI printed the rows of the fields, and says whether there were others. Any other
// output stays as it is.
func choose(output string, fields []string) (shown string, others bool) {
	var out strings.Builder
	table, previous := false, ""
	for line := range strings.Lines(output) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case table && name != "" && !slices.Contains(fields, strings.TrimSuffix(name, ":")):
			others = true
		default:
			out.WriteString(line)
		}
		table = table || previous == "Key" && name == "---"
		previous = name
	}
	shown = strings.TrimRight(out.String(), "\n")
	if shown != "" {
		shown += "\n"
	}
	if others {
		shown += more + "\n"
	}
	return shown, others
}

// show prints what a command printed: of a table, the fields that the step is about.
func (t *Tour) show(step Step, output string) {
	fields := slices.Clone(step.Show)
	for field := range step.Want {
		fields = append(fields, field)
	}
	shown, others := choose(output, fields)
	fmt.Fprint(t.Out, Text(shown, ""))
	if others && !t.toldMore {
		t.toldMore = true
		fmt.Fprint(t.Out, "\n", Text(aboutMore, "# "))
	}
}
