package apikey

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Pairs are texts by name, sorted by name. They are stored as one string, because most keys have few: a map
// would take ten times as much memory in each cached record.
type Pairs string

// pairEnd follows each name and each text. Neither can contain it, because it is a control character.
const pairEnd = "\x00"

// PairsOf returns the pairs of a map. Names and texts must not hold NUL.
func PairsOf(m map[string]string) Pairs {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(name + pairEnd + m[name] + pairEnd)
	}
	return Pairs(b.String())
}

// All yields each name with its text.
func (p Pairs) All() iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		for rest := string(p); rest != ""; {
			var name, text string
			name, rest, _ = strings.Cut(rest, pairEnd)
			text, rest, _ = strings.Cut(rest, pairEnd)
			if !yield(name, text) {
				return
			}
		}
	}
}

// Map returns the pairs as a map, nil when there are none.
func (p Pairs) Map() map[string]string {
	if p == "" {
		return nil
	}
	return maps.Collect(p.All())
}
