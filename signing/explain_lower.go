package signing

import (
	"strings"
	"unicode"
)

// otherLowers are how languages and locales put a text in lower case. The schemes
// change A to Z alone.
var otherLowers = []func(string) string{
	strings.ToLower,
	fullLower,
	func(s string) string { return strings.ToLowerSpecial(unicode.TurkishCase, s) },
	latin1Lower,
}

// fullLower lowers as Java, JavaScript and Python do: with the two mappings of
// Unicode's SpecialCasing that hold in all locales.
func fullLower(s string) string {
	in := []rune(s)
	var out strings.Builder
	for i, c := range in {
		final := i > 0 && unicode.IsLetter(in[i-1]) && (i+1 == len(in) || !unicode.IsLetter(in[i+1]))
		switch {
		case c == 'İ':
			out.WriteString("i\u0307")
		case c == 'Σ' && final:
			out.WriteRune('ς')
		default:
			out.WriteRune(unicode.ToLower(c))
		}
	}
	return out.String()
}

// latin1Lower lowers bytes as tolower of C does in a locale of ISO 8859-1.
func latin1Lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if b[i] = lower(c); 0xc0 <= c && c <= 0xde && c != 0xd7 {
			b[i] = c + 0x20
		}
	}
	return string(b)
}
