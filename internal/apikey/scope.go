package apikey

import (
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// MaxGlob is the length of a path glob in bytes.
const MaxGlob = 256

// ParseScope refuses what is no scope: "METHOD /path/glob", where METHOD is a method as it
// is sent, or * for any, and the glob is one of [ParseGlob].
func ParseScope(s string) error {
	method, glob, ok := strings.Cut(s, " ")
	if !ok || method != "*" && !isMethod(method) || ParseGlob(glob) != nil {
		return refusal.Errorf(refusal.Invalid, "scopes: a scope is a method, or *, and a path glob, such as GET /wfo/**")
	}
	return nil
}

func isMethod(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
}

// ParseGlob refuses what is no path glob: it begins with a slash; in a segment * stands for
// any characters, also none, and a segment ** for any number of segments, also none. All
// else stands for itself, percent-encoded where a path has it so. A glob that could only
// match paths that are always out of scope is refused too.
func ParseGlob(s string) error {
	ok := len(s) <= MaxGlob && strings.HasPrefix(s, "/")
	for i := 0; ok && i < len(s); i++ {
		ok = s[i] > ' ' && s[i] < 0x7f && s[i] != '?' && s[i] != '#'
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(s, "/"), "/") {
		ok = ok && (segment == "**" || !strings.Contains(segment, "**"))
	}
	if !ok || ambiguous(s) {
		return refusal.Errorf(refusal.Invalid, "a path glob begins with a slash and has * within a segment and ** for whole ones, such as /wfo/**; "+
			"no dot segments, empty ones, query, semicolon, backslash or encoded slash")
	}
	return nil
}

// InScope reports whether a call is within one of the scopes.
func InScope(scopes tenant.Lines, method, path string) bool {
	for scope := range scopes.All() {
		want, glob, _ := strings.Cut(scope, " ")
		if (want == "*" || want == method) && matchGlob(glob, path) {
			return true
		}
	}
	return false
}

// Published reports whether a path is one of those published; without any, all are.
func Published(globs tenant.Lines, path string) bool {
	if globs == "" {
		return true
	}
	for glob := range globs.All() {
		if matchGlob(glob, path) {
			return true
		}
	}
	return false
}

// ambiguous reports whether two readers could take a path for different ones: it has dot
// segments (plain or encoded), empty segments inside, a parameter, a backslash, an encoded
// slash, backslash or NUL, or an escape that is none.
func ambiguous(path string) bool {
	if strings.ContainsAny(path, ";\\") || strings.Contains(path, "//") {
		return true
	}
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			continue
		}
		if i+2 >= len(path) {
			return true
		}
		high, low := unhex(path[i+1]), unhex(path[i+2])
		if high < 0 || low < 0 {
			return true
		}
		if c := high<<4 | low; c == '/' || c == '\\' || c == 0 {
			return true
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if isDots(segment) {
			return true
		}
	}
	return false
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// isDots reports whether a segment is "." or "..", whatever of it is encoded.
func isDots(segment string) bool {
	dots := 0
	for segment != "" {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[0] == '%' && segment[1] == '2' && (segment[2] == 'e' || segment[2] == 'E'):
			segment = segment[3:]
		default:
			return false
		}
		dots++
	}
	return dots == 1 || dots == 2
}

// matchGlob matches segment by segment. When a segment does not fit, the last ** takes one
// more; so the work is bounded by the product of both lengths.
func matchGlob(glob, path string) bool {
	glob, path = strings.TrimPrefix(glob, "/"), strings.TrimPrefix(path, "/")
	g, p := segments{rest: glob}, segments{rest: path}
	var starG, starP segments
	star := false
	for !p.done {
		switch {
		case !g.done && g.peek() == "**":
			star, starP = true, p
			g.next()
			starG = g
		case !g.done && matchSegment(g.peek(), p.peek()):
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
