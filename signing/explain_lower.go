package signing

import (
	"slices"
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

// vrnt1Lowers lower names, values or both by other rules.
func vrnt1Lowers(headers []Header) (all []mistake[vrnt1Draft]) {
	for _, by := range otherLowers {
		for _, of := range []struct{ names, values bool }{{true, true}, {false, true}, {true, false}} {
			lowered := slices.Clone(headers)
			changed := false
			for i, h := range headers {
				if lowered[i] = (Header{string(appendLower(nil, h.Name)), string(appendLower(nil, h.Value))}); of.names {
					lowered[i].Name = by(h.Name)
				}
				if of.values {
					lowered[i].Value = by(h.Value)
				}
				changed = changed || !equalFold(lowered[i].Name, h.Name) || !equalFold(lowered[i].Value, h.Value)
			}
			all = append(all, mistake[vrnt1Draft]{otherLower, partCase, true, func(d *vrnt1Draft) bool {
				d.headers, d.keepName, d.keepValue = lowered, true, true
				return changed
			}})
		}
	}
	return all
}

// baseLowers lower the host, or names of headers, by other rules.
func baseLowers(h *Head) (all []baseMistake) {
	name, _ := h.lookup(host)
	bare, port := splitPort(name)
	if port == ":443" || port == ":80" {
		name = bare
	}
	for _, by := range otherLowers {
		all = append(all,
			onlyAlone(setLine(otherLower, partAuthority, "@authority", func(string) string { return by(name) })),
			baseMistake{otherLower, partNames, true, func(d *baseDraft) bool {
				lines := slices.Clone(d.lines)
				for _, sent := range h.Headers() {
					i := slices.IndexFunc(lines, func(line Header) bool { return equalFold(line.Name, sent.Name) })
					if i >= 0 {
						lines[i].Name = by(sent.Name)
					}
				}
				changed := !slices.Equal(lines, d.lines)
				d.lines = lines
				return changed
			}})
	}
	return all
}
