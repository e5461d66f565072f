package apikey

import (
	"strings"
	"unicode/utf8"
)

// Bounds of a path that is held against globs; one beyond them is out of scope.
const (
	maxPath      = 2048 // bytes
	maxPathParts = 64   // segments
)

func tooLong(path string) bool {
	return len(path) > maxPath || strings.Count(path, "/") > maxPathParts
}

// ambiguous reports whether two readers could take a path for different ones, such as one
// that decodes it twice or leniently: it has dot segments, empty segments inside, a
// parameter, a backslash, escapes of these, of a slash, of a control character or of
// another escape, or what is not UTF-8.
func ambiguous(path string) bool {
	if strings.ContainsAny(path, ";\\") || strings.Contains(path, "//") {
		return true
	}
	decoded, ok := unescape(path)
	if !ok || !utf8.ValidString(decoded) { // overlong forms of a dot or a slash are none
		return true
	}
	for segment := range strings.SplitSeq(decoded, "/") {
		if isDots(segment) {
			return true
		}
	}
	return false
}

// unescape returns what a path is to its first reader; false where it holds an escape that
// is none, or one that the next reader could take for something else.
func unescape(path string) (string, bool) {
	if strings.IndexByte(path, '%') < 0 {
		return path, true
	}
	decoded := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			decoded = append(decoded, path[i])
			continue
		}
		c, ok := escape(path[i:])
		if !ok || c < ' ' || c == 0x7f || strings.IndexByte("/\\;", c) >= 0 {
			return "", false
		}
		decoded = append(decoded, c)
		i += 2
	}
	for i, c := range decoded {
		if _, again := escape(string(decoded[i:min(i+3, len(decoded))])); c == '%' && again {
			return "", false
		}
	}
	return string(decoded), true
}

// escape returns the byte that a text's first three characters stand for, such as %2f.
func escape(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, low := unhex(s[1]), unhex(s[2])
	return byte(high<<4 | low), high >= 0 && low >= 0 //nolint:gosec // both are digits where it counts
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

// lookalikes are characters that lenient readers make into those of dot segments and
// separators: full width, and one, two and three dots in one.
const lookalikes = "\uff0e\uff0f\uff3c\uff1b\uff05\u2024\u2025\u2026"

// isDots reports whether a decoded segment is "." or ".." to somebody: some readers take
// blanks and further dots off its end. A segment with lookalikes counts as such.
func isDots(segment string) bool {
	if strings.ContainsAny(segment, lookalikes) {
		return true
	}
	dots := strings.TrimRight(segment, " .\u00a0\u0085")
	return dots == "" && strings.Contains(segment, ".") && (len(segment) < 3 || strings.TrimRight(segment, ".") != "")
}
