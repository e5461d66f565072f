package match

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AmbiguousSteps is how often [Ambiguous] reads a path at most, counting its tables.
const AmbiguousSteps = 10

// Ambiguous reports whether two readers could take a path for different ones. Readers decode once, twice or
// leniently, and some map characters to others that look like them. A path is ambiguous if it has an empty segment
// inside, an invalid escape, or one of the following, plain or encoded:
//   - a semicolon (it begins a parameter), a question or number sign (they end a path), a backslash, an encoded
//     slash, or a character that looks like one of these or like a percent sign;
//   - a control character;
//   - a percent sign that begins an escape again;
//   - bytes that are not UTF-8, such as overlong forms of a character;
//   - a segment that has only dots, characters that look like dots, blanks and invisible characters.
func Ambiguous(path string) bool {
	if len(path) > MaxPath || strings.ContainsAny(path, ";\\?#") || strings.Contains(path, "//") {
		return true
	}
	if isPlain(path) {
		return hasDots(path)
	}
	var buf [MaxPath]byte
	decoded, ok := decode(path, buf[:0])
	//mutate:false:3 "paths that are encoded twice" TestAmbiguousPaths
	//mutate:false:2 "paths that are no UTF-8" TestAmbiguousPaths
	return !ok || !utf8.Valid(decoded) || escapedAgain(decoded) || hasLookAlike(decoded)
}

// isPlain reports whether a path is visible ASCII without escapes.
func isPlain(path string) bool {
	for i := range len(path) {
		if c := path[i]; c == '%' || c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// hasDots reports whether a plain path has a segment of dots.
func hasDots(path string) bool {
	dots := true // the segment has only dots so far
	for i := range len(path) {
		switch path[i] {
		case '/':
			if dots && i > 0 && path[i-1] == '.' {
				return true
			}
			dots = true
		case '.':
		default:
			dots = false
		}
	}
	return dots && strings.HasSuffix(path, ".")
}

// decode appends the percent-decoded path to b. It fails for an invalid escape, and for an escaped character
// that ends a segment or a path.
func decode(path string, b []byte) ([]byte, bool) {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			if i+2 >= len(path) {
				return nil, false
			}
			high, low := unhex(path[i+1]), unhex(path[i+2])
			if c = high<<4 | low; high > 15 || low > 15 || c == '/' || c == '?' || c == '#' {
				return nil, false
			}
			i += 2
		}
		b = append(b, c)
	}
	return b, true
}

// unhex returns the value of a hexadecimal digit, or 16 for another byte.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	default:
		return 16
	}
}

// escapedAgain reports whether the decoded path could be decoded once more: %2e, or %u002e, which some readers
// know. The digits may be characters that only look like digits.
func escapedAgain(decoded []byte) bool {
	for i := 0; i+2 < len(decoded); i++ {
		if decoded[i] != '%' {
			continue
		}
		if next := decoded[i+1]; next == 'u' || next == 'U' || mayBeHex(next) && mayBeHex(decoded[i+2]) {
			return true
		}
	}
	return false
}

func mayBeHex(c byte) bool { return unhex(c) < 16 || c >= utf8.RuneSelf }

// hasLookAlike looks for characters that have a meaning in a path or look as if they had, and for segments of
// dots.
func hasLookAlike(decoded []byte) bool {
	nothing, other := false, false // the segment has so far: characters that readers may drop, and others
	for i := 0; i < len(decoded); {
		r, size := utf8.DecodeRune(decoded[i:])
		i += size
		switch {
		case r == '/':
			if nothing && !other {
				return true
			}
			nothing, other = false, false
		//mutate:false:4 "paths that look like others" TestAmbiguousPaths
		case r == ';' || r == '\\' || unicode.IsControl(r) || isOneOf(lookAlikes, r):
			return true
		//mutate:false:3 "dots among blanks" TestAmbiguousPaths
		case r == '.' || isOneOf(dotAlikes, r) || isInvisible(r):
			nothing = true
		default:
			other = true
		}
	}
	return nothing && !other
}

// Characters that become others in compatibility forms (NFKC), or in best-fit tables of a smaller character
// set.
var (
	// U+037E ; U+FF1F ? U+FF03 # U+00A5, U+20A9 \ in Japanese and Korean sets; signs such as U+2100 have a slash.
	lookAlikes = inOrder(
		"\u037e\uff1f\ufe56\uff03\ufe5f\uff1b\ufe54\ufe14\u204f\u00a5\u20a9\uffe5\uffe6" +
			"\uff3c\ufe68\u2216\u29f5\u29f9\u244a\uff0f\u2044\u2215\u29f8\u29f6\u2571\u2572" +
			"\u2100\u2101\u2105\u2106\uff05\ufe6a\u066a\u2047\u2048\u2049\ufe16",
	)
	dotAlikes = inOrder("\u2024\u2025\u2026\ufe52\uff0e\ufe19\ufe30\u3002\uff61\u00b7\u2219\u22c5\u30fb\uff65\ufe12")
)

func inOrder(s string) []rune {
	all := []rune(s)
	slices.Sort(all)
	return all
}

func isOneOf(all []rune, r rune) bool {
	if r < utf8.RuneSelf {
		return false
	}
	_, ok := slices.BinarySearch(all, r)
	return ok
}

// isInvisible reports whether readers may drop a character: blanks, formats, variation selectors and fillers.
func isInvisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' '
	}
	return unicode.IsSpace(r) ||
		unicode.In(r, unicode.Cf, unicode.Z, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}
