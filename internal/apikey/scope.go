package apikey

import (
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Bounds of path globs, so that matching a call costs little whatever its key's holder has chosen.
const (
	MaxGlob      = 256 // bytes of one
	maxGlobParts = 32  // segments of one
)

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
	ok := len(s) <= MaxGlob && strings.HasPrefix(s, "/") && strings.Count(s, "/") <= maxGlobParts
	for i := 0; ok && i < len(s); i++ {
		ok = s[i] > ' ' && s[i] < 0x7f && s[i] != '?' && s[i] != '#'
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(s, "/"), "/") {
		ok = ok && (segment == "**" || !strings.Contains(segment, "**"))
	}
	if !ok || ambiguous(s) {
		return refusal.Errorf(refusal.Invalid, "a path glob begins with a slash and has * within a segment and ** for whole ones, such as /wfo/**; "+
			"at most %d bytes and %d segments, no dot segments, empty ones, query, semicolon, backslash, nor escapes of these, of %% or of what is not UTF-8",
			MaxGlob, maxGlobParts)
	}
	return nil
}
