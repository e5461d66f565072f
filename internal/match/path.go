package match

import "strings"

// Bounds of a path that is matched.
const (
	MaxPath     = 4096 // bytes
	MaxSegments = 64
)

// Path is a path cut into its segments. The zero value is ready for [Path.Read].
type Path struct {
	text   string // without the first slash
	n      int    // segments
	starts [MaxSegments + 1]uint16

	// Steps counts the work: segments compared, and bytes looked at.
	Steps int
}

// Read parses a path. It returns false if the path is over a bound.
func (p *Path) Read(path string) bool {
	if len(path) > MaxPath {
		return false
	}
	p.text, p.n = strings.TrimPrefix(path, "/"), 0
	p.Steps += len(path)
	for at := 0; ; {
		if p.n == MaxSegments {
			return false
		}
		p.starts[p.n] = uint16(at) // #nosec G115 -- below MaxPath
		p.n++
		next := strings.IndexByte(p.text[at:], '/')
		if next < 0 {
			break
		}
		at += next + 1
	}
	p.starts[p.n] = uint16(len(p.text) + 1) // #nosec G115 -- below MaxPath
	return true
}

func (p *Path) segment(i int) string { return p.text[p.starts[i] : p.starts[i+1]-1] }

// Scopes are methods with path globs. The zero value is none. They are comparable.
type Scopes struct{ r *read[scopes] }

// Globs are path globs. The zero value is none. They are comparable.
type Globs struct{ r *read[globs] }

type (
	scopes struct{ program }
	globs  struct{ program }
)

// ScopesOf returns the scopes of a list. Entries that are invalid or over a bound match nothing.
func ScopesOf(list []string) Scopes {
	return Scopes{share(list, func(text string) scopes { return scopes{compile(text, true)} })}
}

// GlobsOf returns the path globs of a list. Entries that are invalid or over a bound match nothing.
func GlobsOf(list []string) Globs {
	return Globs{share(list, func(text string) globs { return globs{compile(text, false)} })}
}

// Equal reports whether both were made from the same list.
func (s Scopes) Equal(o Scopes) bool { return s == o }

// Equal reports whether both were made from the same list.
func (g Globs) Equal(o Globs) bool { return g == o }

// Empty reports whether there are no scopes.
func (s Scopes) Empty() bool { return s.r == nil }

// List returns the scopes, never nil.
func (s Scopes) List() []string { return s.r.list() }

// Over reports whether some scopes are over a bound, so that they match nothing.
func (s Scopes) Over() bool { return s.r != nil && s.r.of.over }

// Match reports whether a call is within one of the scopes.
func (s Scopes) Match(method string, p *Path) bool { return s.r != nil && s.r.of.match(method, p) }

// Empty reports whether there are no globs.
func (g Globs) Empty() bool { return g.r == nil }

// List returns the globs, never nil.
func (g Globs) List() []string { return g.r.list() }

// Over reports whether some globs are over a bound, so that they match nothing.
func (g Globs) Over() bool { return g.r != nil && g.r.of.over }

// Match reports whether one of the globs matches a path.
func (g Globs) Match(p *Path) bool { return g.r != nil && g.r.of.match("*", p) }

func (q *program) match(method string, p *Path) bool {
	for i := range q.globs {
		g := &q.globs[i]
		p.Steps++
		if (g.method == "*" || g.method == method) && q.matches(g, p) {
			return true
		}
	}
	return false
}

// matches passes over the path once for each searched segment, and looks at each byte of the glob once.
func (q *program) matches(g *glob, p *Path) bool {
	if p.n < g.least || !g.deep && p.n > g.least {
		return false
	}
	at, end := len(g.first), p.n-len(g.last)
	if !q.fits(g.first, p, 0) || !q.fits(g.last, p, end) {
		return false
	}
	for _, mid := range g.mids {
		for ; ; at++ {
			if at+len(mid) > end {
				return false
			}
			if q.fits(mid, p, at) {
				break
			}
		}
		at += len(mid) // The first match leaves the most segments for the other runs.
	}
	return true
}

// fits reports whether a run matches the segments of a path from at on.
func (q *program) fits(run []segment, p *Path, at int) bool {
	for i, s := range run {
		p.Steps++
		if s.kind == anything {
			continue
		}
		want, part := q.text[s.from:s.to], p.segment(at+i)
		if s.kind == literal {
			if len(want) != len(part) {
				return false
			}
			if p.Steps += len(want); want != part {
				return false
			}
		} else if !p.starred(want, part) {
			return false
		}
	}
	return true
}

// starred reports whether a segment matches a text in which * stands for any characters.
func (p *Path) starred(glob, s string) bool {
	head, glob, _ := strings.Cut(glob, "*")
	star := strings.LastIndexByte(glob, '*')
	tail := glob[star+1:]
	if len(head)+len(tail) > len(s) {
		return false
	}
	p.Steps += len(head) + len(tail)
	if s[:len(head)] != head || s[len(s)-len(tail):] != tail {
		return false
	}
	s = s[len(head) : len(s)-len(tail)]
	for star >= 0 {
		part := glob[:star]
		if next := strings.IndexByte(part, '*'); next >= 0 {
			part = glob[:next]
		}
		i := strings.Index(s, part)
		if i < 0 {
			p.Steps += len(s)
			return false
		}
		p.Steps += i + len(part)
		s, glob, star = s[i+len(part):], glob[len(part)+1:], star-len(part)-1
	}
	return true
}
