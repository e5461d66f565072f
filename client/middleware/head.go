package middleware

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-apikeys/client/judge"
	"vault-plugin-secrets-apikeys/signing"
)

var errNoHead = errors.New("a request that cannot be written as a head")

// headText writes a request as the head it came with, in so far as judging it can need that: headers that a signature
// can be in or covers, sorted by name in lower case, and what says whether a body follows, which net/http keeps elsewhere. The head
// parses.
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
	if head.Method() != r.Method || head.Target() != r.RequestURI || head.Version() != r.Proto || len(head.Headers()) != len(lines) {
		return "", errNoHead
	}
	return text, nil
}

// framing returns the line that announces the body, if any. A body of unknown length has none over HTTP/2; the head
// says chunked then, as HTTP/1.1 would.
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
		// Somebody else's token stays here, unless there are two, which is for the parser to refuse.
		scheme, _, _ := strings.Cut(strings.Join(values, ""), " ")
		if len(values) > 1 || lower(scheme) == lower(defaultChallenge) {
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

// checked is a body that was read, and is what was signed.
type verifiedBody []byte

// into has a request begin with the body again.
func (b verifiedBody) attach(r *http.Request) {
	r.Body = io.NopCloser(bytes.NewReader(b))
	r.ContentLength = int64(len(b))
	r.TransferEncoding = nil
}

// trailers gives the handler those that it may see: the names from the start, and the values once the body has been read, as
// net/http does. No scheme signs them, and one that is taken for a header must not be a Verint- header.
func (m *Middleware) trailers(r, admitted *http.Request) {
	if admitted.Trailer = nil; m.SignedHeadersOnly || len(r.Trailer) == 0 {
		return
	}
	t := &trailerBody{r.Body, r, make(http.Header)}
	t.fill() // with names, or after a body that was checked with values
	admitted.Trailer, admitted.Body = t.seen, t
}

// trailing is a body with trailers behind it.
type trailerBody struct {
	io.ReadCloser
	from *http.Request
	seen http.Header
}

// Read reads the body, and at its end sees which trailers have come, declared or not.
func (t *trailerBody) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		t.fill()
	}
	return n, err
}

func (t *trailerBody) fill() {
	for name, values := range t.from.Trailer {
		if !isVerint(lower(name)) {
			t.seen[name] = values
		}
	}
}

// body reads and checks the body whose digest is signed; nil is one that the handler reads itself.
func (m *Middleware) body(w http.ResponseWriter, r *http.Request, v judge.Verdict) (verifiedBody, *Problem) {
	if v.ContentDigest == "" {
		// An rfc9421 call that announces a body covers its digest; without one, the judge has taken it for another.
		if r.ContentLength != 0 && (m.RequireSignedBody || v.Scheme == string(signing.RFC9421)) {
			return nil, bodyNotSigned()
		}
		return nil, nil
	}
	digest, err := signing.ParseContentDigest(v.ContentDigest)
	if err != nil {
		m.Log.WarnContext(r.Context(), "call not judged", "key_id", v.KeyID, "error", err)
		return nil, unavailable()
	}
	if r.ContentLength > m.MaxBody {
		return nil, bodyTooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, m.MaxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, bodyTooLarge()
	}
	if err != nil {
		return nil, bodyUnread()
	}
	if !digest.Matches(body) {
		return nil, digestMismatch()
	}
	return body, nil
}
