package match

import (
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Bounds of globs. Stored globs may be older than the bounds: those over a bound match nothing.
const (
	MaxGlob         = 256  // bytes of a path glob
	MaxGlobSegments = 32   // segments of one glob
	MaxDeep         = 3    // ** in one glob
	MaxStars        = 3    // * in one segment
	MaxList         = 3072 // bytes of all globs of a list
	// on one list: each searched segment costs one pass over the path.
	MaxSearches = 8
)

const maxMethod = 32

// ParseScope refuses a text that is not a scope. A scope is "METHOD /path/glob": METHOD is a method as it is
// sent, or * for any, and [ParseGlob] accepts the glob.
func ParseScope(s string) error {
	method, glob, ok := strings.Cut(s, " ")
	if !ok || method != "*" && !isMethod(method) {
		return refusal.Errorf(refusal.Invalid, "a scope is a method, or *, and a path glob, such as GET /wfo/**")
	}
	return ParseGlob(glob)
}

func isMethod(s string) bool {
	return s != "" && len(s) <= maxMethod && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
}

// ParseGlob refuses a text that is not a path glob. A path glob begins with a slash. In a segment, * matches
// any number of characters. A segment ** matches any number of segments. Everything else matches itself, and is
// percent-encoded if paths have it so. ParseGlob also refuses globs that match only paths that are always out
// of scope, and globs that cost too much work.
func ParseGlob(s string) error {
	ok := len(s) <= MaxGlob && strings.HasPrefix(s, "/")
	for i := 0; ok && i < len(s); i++ {
		ok = s[i] > ' ' && s[i] < 0x7f && s[i] != '?' && s[i] != '#'
	}
	deep, stars, segments := 0, 0, 0
	for segment := range strings.SplitSeq(strings.TrimPrefix(s, "/"), "/") {
		segments++
		if segment == "**" {
			deep++
			continue
		}
		ok = ok && !strings.Contains(segment, "**")
		stars = max(stars, strings.Count(segment, "*"))
	}
	switch {
	case !ok || Ambiguous(s):
		return refusal.Errorf(
			refusal.Invalid,
			"a path glob begins with a slash, has at most %d bytes, and has * within a segment and ** for whole ones, "+
				"such as /wfo/**; no dot segments, empty ones, query, semicolon, backslash, nor these or slashes or "+
				"percent signs encoded",
			MaxGlob,
		)
	case segments > MaxGlobSegments:
		return refusal.Errorf(refusal.Invalid, "a path glob has at most %d segments", MaxGlobSegments)
	case deep > MaxDeep:
		return refusal.Errorf(refusal.Invalid, "a path glob has ** at most %d times", MaxDeep)
	case stars > MaxStars:
		return refusal.Errorf(refusal.Invalid, "a segment of a path glob has * at most %d times", MaxStars)
	}
	return nil
}

// program is a parsed list.
type program struct {
	text  string
	globs []glob
	over  bool // some globs are over a bound and were left out
}

// glob is a path glob, cut into runs of segments at its **. The first run is at the beginning of a path, the
// last at its end, and the others are searched between them.
type glob struct {
	method string // * for any
	first  []segment
	deep   bool // there is a **
	mids   [][]segment
	last   []segment
	least  int // the fewest segments of a matching path
}

// segment is the position of a segment's text in the text of the list.
type segment struct {
	from, to uint16
	kind     kind
}

type kind uint8

const (
	literal kind = iota
	anything
	starred // it contains a *
	inner   // it contains a text between two *, which is searched
)

// compile parses a list. It leaves out globs that are over a bound, so they match nothing.
func compile(text string, scopes bool) program {
	p := program{text: text}
	searches, size, at := 0, 0, 0
	for line := range strings.SplitSeq(text, "\n") {
		method, path, from := "*", line, at
		at += len(line) + 1
		if scopes {
			var ok bool
			if method, path, ok = strings.Cut(line, " "); !ok {
				continue
			}
			from += len(method) + 1
		}
		if !strings.HasPrefix(path, "/") {
			continue
		}
		g, cost, ok := compileGlob(path, from)
		//mutate:false:2 "lists that look through a path too often" ./internal/apikey TestWorkOfACall
		//mutate:false:3 "lists that are too long" ./internal/apikey TestWorkOfACall
		if !ok || searches+cost > MaxSearches || size+len(path) > MaxList {
			p.over = true
			continue
		}
		searches, size = searches+cost, size+len(path)
		g.method = method
		p.globs = append(p.globs, g)
	}
	return p
}

// compileGlob parses the glob that begins at from in the list's text, and returns how many passes over a path
// it costs.
func compileGlob(s string, from int) (g glob, searches int, ok bool) {
	//mutate:false:2 "globs of too many segments" TestBoundsOfGlobs
	if len(s) > MaxGlob || strings.Count(s, "/") > MaxGlobSegments || from > 1<<16-1-MaxGlob {
		return g, 0, false
	}
	var runs [][]segment
	run, deep := []segment(nil), 0
	at := from + 1
	for text := range strings.SplitSeq(s[1:], "/") {
		if text == "**" {
			runs, run, deep = append(runs, run), nil, deep+1
		} else {
			//mutate:false "segments of too many *" TestBoundsOfGlobs
			if strings.Count(text, "*") > MaxStars {
				return g, 0, false
			}
			run = append(run, segment{uint16(at), uint16(at + len(text)), kindOf(text)}) // #nosec G115 -- seen above
			g.least++
		}
		at += len(text) + 1
	}
	//mutate:false "globs of too many **" TestBoundsOfGlobs
	if deep > MaxDeep {
		return g, 0, false
	}
	if deep == 0 {
		g.first = run
		return g, inners(run), true
	}
	g.deep, g.first, g.mids, g.last = true, runs[0], runs[1:], run
	return g, g.searches(), true
}

// searches returns how many passes over a path a glob with ** costs: one for each segment of the longest run
// that is searched. The runs do not add up, because each search begins where the last one ended.
func (g *glob) searches() int {
	longest := 0
	for _, mid := range g.mids {
		longest = max(longest, len(mid))
	}
	return longest + max(inners(g.first), inners(g.last))
}

// inners is 1 if the run has a text that is searched within its segment.
func inners(run []segment) int {
	for _, s := range run {
		if s.kind == inner {
			return 1
		}
	}
	return 0
}

func kindOf(text string) kind {
	switch first := strings.IndexByte(text, '*'); {
	case first < 0:
		return literal
	case text == "*":
		return anything
	case strings.IndexByte(text[first+1:], '*') < 0:
		return starred
	default:
		return inner
	}
}
