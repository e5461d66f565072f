package middleware

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-apikeys/signing"
)

var errNoHead = errors.New("a request that cannot be written as a head")

// headText writes a request as the head it came with, as far as judging it can need that: the headers that a signature
// can be in or covers, sorted by name in lower case, and what says whether a body follows, which net/http keeps
// elsewhere. The head parses.
func headText(r *http.Request) (string, error) {
	lines := framing(r)
	if r.Host != "" {
		lines = append(lines, [2]string{"Host", r.Host})
	}
	signed := strings.Join(r.Header["Signature-Input"], ", ")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		values := r.Header[name]
		if !isJudged(lower(name), values, signed) {
			continue
		}
		for _, value := range values {
			lines = append(lines, [2]string{name, value})
		}
	}
	slices.SortStableFunc(lines, func(a, b [2]string) int { return strings.Compare(lower(a[0]), lower(b[0])) })
	text := r.Method + " " + r.RequestURI + " " + r.Proto + "\n"
	for _, line := range lines {
		text += line[0] + ": " + line[1] + "\n"
	}
	head, err := signing.ParseHeadString(text)
	if err != nil {
		return "", err
	}
	// A line end inside one of the parts would make more of them.
	if head.Method() != r.Method || head.Target() != r.RequestURI || head.Version() != r.Proto ||
		len(head.Headers()) != len(lines) {
		return "", errNoHead
	}
	return text, nil
}

// framing returns the line that announces the body, if any. A body of unknown length has none over HTTP/2, so the head
// says chunked, as HTTP/1.1 would.
func framing(r *http.Request) [][2]string {
	const transferEncoding, contentLength = "Transfer-Encoding", "Content-Length"
	switch {
	case len(r.TransferEncoding) > 0:
		return [][2]string{{transferEncoding, strings.Join(r.TransferEncoding, ", ")}}
	case r.ContentLength < 0:
		return [][2]string{{transferEncoding, "chunked"}}
	case r.ContentLength > 0 || len(r.Header[contentLength]) > 0:
		return [][2]string{{contentLength, strconv.FormatInt(r.ContentLength, 10)}}
	}
	return nil
}

// isJudged reports whether a header of that name, in lower case, belongs in the head; signed is the Signature-Input.
func isJudged(name string, values []string, signed string) bool {
	switch name {
	case "host", "content-length", "transfer-encoding":
		return false // net/http has them elsewhere
	case "signature", "signature-input", "content-digest":
		return true
	case "authorization":
		// The token of another scheme stays here, unless there are two headers, which the parser has to refuse.
		scheme, _, _ := strings.Cut(strings.Join(values, ""), " ")
		if len(values) > 1 || lower(scheme) == lower(vrnt1Challenge) {
			return true
		}
	}
	return isVerint(name) || strings.Contains(signed, `"`+name+`"`)
}

func isVerint(name string) bool { return strings.HasPrefix(name, "verint-") }

// lower maps A-Z alone, as the schemes do.
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, s)
}
