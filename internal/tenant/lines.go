package tenant

import (
	"iter"
	"strings"
)

// Lines are texts in the order given; none contains a line end. They are stored as one string, because most
// keys have few.
type Lines string

// LinesOf returns the lines of a list.
func LinesOf(list []string) Lines { return Lines(strings.Join(list, "\n")) }

// All yields each line.
func (l Lines) All() iter.Seq[string] {
	if l == "" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(string(l), "\n")
}

// List returns the lines as a list.
func (l Lines) List() []string {
	list := []string{}
	for line := range l.All() {
		list = append(list, line)
	}
	return list
}
