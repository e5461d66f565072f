package signing

import "strings"

// cutEnd reports whether the first line of raw ends with CRLF, and returns raw
// without its last ending and without one final blank line. An ending of the
// other kind stays in a line, where it is a control character.
func cutEnd(raw string) (crlf bool, text string) {
	eol := "\n"
	if i := strings.IndexByte(raw, '\n'); i > 0 && raw[i-1] == '\r' {
		eol, crlf = "\r\n", true
	}
	text, ended := strings.CutSuffix(raw, eol)
	if ended {
		text = strings.TrimSuffix(text, eol)
	}
	return crlf, text
}

// lineEnd returns where the line after the one that ends at end begins: beyond
// the text when there is none. It fails when the line does not end there, or
// otherwise than the first.
func lineEnd(text string, end int, crlf bool) (next int, ok bool) {
	switch {
	case end == len(text):
		return end + 1, true
	case crlf:
		return end + 2, text[end] == '\r' && end+1 < len(text) && text[end+1] == '\n'
	}
	return end + 1, text[end] == '\n'
}

// notEnd says why no line ends where rest begins.
func notEnd(rest string) error {
	if rest[0] == '\n' || strings.HasPrefix(rest, "\r\n") {
		return malformed("line endings of two kinds")
	}
	return malformed("control character")
}

// notField says why no header begins where line does.
func notField(line string) error {
	if line == "" {
		return malformed("text after a blank line")
	}
	switch line[0] {
	case '\r', '\n':
		return malformed("text after a blank line")
	case ' ', '\t':
		return malformed("folded line")
	}
	return malformed("header name not a token, or no colon after it")
}
