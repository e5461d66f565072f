package middleware

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"vault-plugin-secrets-apikeys/client/judge"
	"vault-plugin-secrets-apikeys/signing"
)

// verifiedBody is a body that was read, and is what was signed.
type verifiedBody []byte

// attach makes a request begin with the body again.
func (b verifiedBody) attach(r *http.Request) {
	r.Body = io.NopCloser(bytes.NewReader(b))
	r.ContentLength = int64(len(b))
	r.TransferEncoding = nil
}

// trailers gives the handler the trailers that it may see: the names from the start, and the values once the body has
// been read, as net/http does. No scheme signs them, so none may be taken for a Verint- header.
func (g *gate) trailers(r, admitted *http.Request) {
	if admitted.Trailer = nil; g.signedHeadersOnly || len(r.Trailer) == 0 {
		return
	}
	t := &trailerBody{r.Body, r, make(http.Header)}
	t.fill() // with the names; with the values if the body was read to check it
	admitted.Trailer, admitted.Body = t.seen, t
}

// trailerBody is a body with trailers behind it.
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
func (g *gate) body(w http.ResponseWriter, r *http.Request, v judge.Verdict) (verifiedBody, *Problem) {
	if v.ContentDigest == "" {
		// An rfc9421 call that announces a body covers its digest. Without one, the judge has taken it for another
		// call.
		if r.ContentLength != 0 && (g.signedBody || v.Scheme == string(signing.RFC9421)) {
			return nil, bodyNotSigned()
		}
		return nil, nil
	}
	digest, err := signing.ParseContentDigest(v.ContentDigest)
	if err != nil {
		g.log.WarnContext(r.Context(), "call not judged", "key_id", v.KeyID, "error", err)
		return nil, unavailable()
	}
	if r.ContentLength > g.maxBody {
		return nil, bodyTooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.maxBody))
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
