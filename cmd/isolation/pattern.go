package main

import (
	"cmp"
	"strings"
)

// pattern is the path of a rule, matched by segments like on the server. A + matches any segment. The last
// segment of a prefix matches the beginning of a segment, and others may follow.
type pattern struct {
	segments []string
	prefix   bool
}

func parsePattern(path string) pattern {
	path, prefix := strings.CutSuffix(path, "*")
	return pattern{strings.Split(path, "/"), prefix}
}

// open reports whether segment i is the last one of a prefix.
func (p pattern) open(i int) bool { return p.prefix && i == len(p.segments)-1 }

// meet reports whether some path matches both.
func meet(one, other string) bool {
	a, b := parsePattern(one), parsePattern(other)
	for i := range min(len(a.segments), len(b.segments)) {
		x, y := a.segments[i], b.segments[i]
		switch {
		case a.open(i) && b.open(i):
			return x == "+" || y == "+" || strings.HasPrefix(x, y) || strings.HasPrefix(y, x)
		case a.open(i):
			return y == "+" || strings.HasPrefix(y, x)
		case b.open(i):
			return x == "+" || strings.HasPrefix(x, y)
		case x != y && x != "+" && y != "+":
			return false
		}
	}
	return len(a.segments) == len(b.segments)
}

// covers reports whether wide matches every path that narrow does.
func covers(wide, narrow string) bool {
	w, n := parsePattern(wide), parsePattern(narrow)
	for i, x := range w.segments {
		if i == len(n.segments) {
			return false
		}
		y := n.segments[i]
		switch {
		case w.open(i):
			return x == "" || y != "+" && strings.HasPrefix(y, x)
		case n.open(i):
			return false
		case x != "+" && x != y:
			return false
		}
	}
	return len(w.segments) == len(n.segments)
}

// outranks reports whether a server applies the first of two different rules where both match. It applies the
// one whose first wildcard comes later; then the one that is not a prefix; then the one with fewer +; then the
// longer one; then the one that sorts later.
func outranks(rule, other string) bool {
	return rule != other && cmp.Or(
		cmp.Compare(firstWildcard(rule), firstWildcard(other)),
		cmp.Compare(strings.Count(other, "*"), strings.Count(rule, "*")),
		cmp.Compare(strings.Count(other, "+"), strings.Count(rule, "+")),
		cmp.Compare(len(rule), len(other)),
		strings.Compare(rule, other),
	) > 0
}

// firstWildcard returns the index of the first wildcard; beyond any index if there is none.
func firstWildcard(rule string) int {
	if i := strings.IndexAny(rule, "+*"); i >= 0 {
		return i
	}
	return 1 << 30
}
