package signing

import "strings"

// cutEnd reports whether the first line of raw ends with CRLF. It returns raw without its last line ending and
// one final blank line. An ending of the other kind stays in a line, where it is a control character.
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

// lineEnd returns the offset of the line after the one that ends at end; beyond the text if there is none. ok
// is false if no line ends there, or it ends differently from the first.
func lineEnd(text string, end int, crlf bool) (next int, ok bool) {
	switch {
	case end == len(text):
		return end + 1, true
	case crlf:
		return end + 2, text[end] == '\r' && end+1 < len(text) && text[end+1] == '\n'
	}
	return end + 1, text[end] == '\n'
}

// notEnd returns why no line ends at the beginning of rest.
func notEnd(rest string) error {
	if rest[0] == '\n' || strings.HasPrefix(rest, "\r\n") {
		return malformed("line endings of two kinds")
	}
	return malformed("control character")
}

// notField returns why line is not a header.
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
