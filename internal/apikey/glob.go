package apikey

import (
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// MaxMatching bounds what matching one call against all globs of a list takes, in steps: a
// segment of a glob held against one of a path, and each further 32 bytes of that. Lists
// that could take more are refused when they are written.
const MaxMatching = 16384

// CheckGlobs refuses a list whose globs, or scopes, could together take too many steps.
func CheckGlobs(field string, globs tenant.Lines) error {
	steps := 0
	for glob := range globs.All() {
		steps += worst(glob)
	}
	if steps > MaxMatching {
		return refusal.Errorf(refusal.Invalid, "%s: matching them all could take %d steps, and %d is the most; "+
			"use fewer of them, and ** at the end alone", field, steps, MaxMatching)
	}
	return nil
}

// worst returns the most steps that a glob can take: where a ** is followed by something,
// all that follows may be tried at each segment of a path.
func worst(glob string) int {
	parts := strings.Count(glob, "/")
	if at := strings.Index(glob, "/**/"); at >= 0 {
		return parts + 2*maxPathParts*(1+strings.Count(glob[at+1:], "/"))
	}
	return parts + 2*maxPathParts
}

// matching is what is left of the steps for one call.
type matching struct{ left int }

// inScope reports whether a call is within one of the scopes.
func (m *matching) inScope(scopes tenant.Lines, method, path string) bool {
	for scope := range scopes.All() {
		want, glob, _ := strings.Cut(scope, " ")
		if (want == "*" || want == method) && m.matchGlob(glob, path) {
			return true
		}
	}
	return false
}

// published reports whether a path is one of those published; without any, all are.
func (m *matching) published(globs tenant.Lines, path string) bool {
	if globs == "" {
		return true
	}
	for glob := range globs.All() {
		if m.matchGlob(glob, path) {
			return true
		}
	}
	return false
}

// matchGlob matches segment by segment. When a segment does not fit, the last ** takes one
// more. Without steps left nothing matches.
func (m *matching) matchGlob(glob, path string) bool {
	glob, path = strings.TrimPrefix(glob, "/"), strings.TrimPrefix(path, "/")
	g, p := segments{rest: glob}, segments{rest: path}
	var starG, starP segments
	star := false
	for !p.done {
		at := p.peek()
		if m.left -= 1 + len(at)/32; m.left < 0 {
			return false
		}
		switch {
		case !g.done && g.peek() == "**":
			star, starP = true, p
			g.next()
			if g.done {
				return true // nothing follows: the rest is all the same
			}
			starG = g
		case !g.done && matchSegment(g.peek(), at):
			g.next()
			p.next()
		case star:
			starP.next()
			g, p = starG, starP
		default:
			return false
		}
	}
	for !g.done && g.peek() == "**" {
		g.next()
	}
	return g.done
}

// segments walks over the parts of a path; an empty path has one, an empty one.
type segments struct {
	rest string
	done bool
}

func (s *segments) peek() string {
	head, _, _ := strings.Cut(s.rest, "/")
	return head
}

func (s *segments) next() {
	_, rest, more := strings.Cut(s.rest, "/")
	s.rest, s.done = rest, !more
}

// matchSegment matches one segment, where * stands for any characters.
func matchSegment(glob, s string) bool {
	head, tail, starred := strings.Cut(glob, "*")
	if !starred {
		return glob == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, rest, more := strings.Cut(tail, "*")
		if !more {
			return strings.HasSuffix(s, tail)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, tail = s[i+len(part):], rest
	}
}
