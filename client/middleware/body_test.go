package middleware

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/client/judge"
	"vault-plugin-secrets-apikeys/signing"
)

// TestMiddlewareBodies keeps from the handler a body that is not what was signed.
func TestMiddlewareBodies(t *testing.T) {
	long := strings.Repeat("x", 101)
	for name, row := range map[string]struct {
		opts         []Option
		scheme       signing.Scheme
		signed, body string
		chunked      bool
		code         int
		problem      string
	}{
		"as signed": {scheme: signing.RFC9421, signed: "hi", body: "hi", code: 200},
		"chunked":   {scheme: signing.RFC9421, signed: "hi", body: "hi", chunked: true, code: 200},
		"another": {
			scheme: signing.RFC9421, signed: "hi", body: "ho", code: 401,
			problem: "digest_mismatch",
		},
		"another, chunked": {
			scheme: signing.RFC9421, signed: "hi", body: "ho", chunked: true, code: 401,
			problem: "digest_mismatch",
		},
		"none": {scheme: signing.RFC9421, signed: "hi", body: "", code: 401, problem: "digest_mismatch"},
		"long": {scheme: signing.RFC9421, signed: long, body: long, code: 413, problem: "body_too_large"},
		"long, chunked": {
			scheme: signing.RFC9421, signed: long, body: long, chunked: true, code: 413,
			problem: "body_too_large",
		},
		"just not long": {scheme: signing.RFC9421, signed: long[1:], body: long[1:], chunked: true, code: 200},
		"unsigned":      {scheme: signing.Vrnt1, signed: "hi", body: long, code: 200},
		"unsigned, refused": {
			opts: []Option{WithSignedBody()}, scheme: signing.Vrnt1, signed: "hi", body: "hi",
			code: 401, problem: "body_not_signed",
		},
		"unsigned, chunked": {
			opts: []Option{WithSignedBody()}, scheme: signing.Vrnt1, signed: "hi", body: "hi",
			chunked: true, code: 401, problem: "body_not_signed",
		},
		"unsigned, and none": {opts: []Option{WithSignedBody()}, scheme: signing.Vrnt1, code: 200},
	} {
		head := "POST / HTTP/1.1\nHost: a\nContent-Digest: " + signing.DigestBody([]byte(row.signed)) + "\n"
		body := row.body
		if row.chunked {
			head += "Transfer-Encoding: chunked\n"
			body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		} else {
			head += fmt.Sprintf("Content-Length: %d\n", len(body))
		}
		if row.scheme == signing.RFC9421 && row.body == "" {
			// Nothing announced, so that the signer would leave the digest out: sign it as if something were.
			head = strings.Replace(head, "Content-Length: 0", "Content-Length: 2", 1)
		}
		raw := signedRaw(t, row.scheme, head, body)
		if row.scheme == signing.RFC9421 && row.body == "" {
			raw = strings.Replace(raw, "Content-Length: 2", "Content-Length: 0", 1)
		}
		called := false
		w := serve(
			t,
			New(
				new(keyJudge),
				append(row.opts, WithMaxBody(100))...)(
				http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					got, err := io.ReadAll(r.Body)
					called = err == nil && string(got) == row.body
				}),
			),
			raw,
		)
		if w.Code != row.code || called != (row.code == 200) || !strings.Contains(w.Body.String(), row.problem) {
			t.Errorf("%s: %d %s, let through: %v", name, w.Code, w.Body, called)
		}
	}
	cut := signedRaw(
		t,
		signing.RFC9421,
		"POST / HTTP/1.1\nHost: a\nContent-Length: 2\nContent-Digest: "+signing.DigestBody([]byte("hi"))+"\n",
		"h",
	)
	if w := serve(t, New(new(keyJudge))(http.NotFoundHandler()), cut); w.Code != 400 {
		t.Errorf("cut: %d %s", w.Code, w.Body)
	}
	blind := &keyJudge{find: func(v *judge.Verdict) error { v.ContentDigest = ""; return nil }}
	whole := signedRaw(
		t,
		signing.RFC9421,
		"POST / HTTP/1.1\nHost: a\nContent-Length: 2\nContent-Digest: "+signing.DigestBody([]byte("hi"))+"\n",
		"hi",
	)
	if w := serve(t, New(blind)(http.NotFoundHandler()), whole); w.Code != 401 {
		t.Errorf("a judge that tells no digest: %d %s", w.Code, w.Body)
	}
	odd := &keyJudge{find: func(v *judge.Verdict) error { v.ContentDigest = "x"; return nil }}
	if w := serve(t, New(odd)(http.NotFoundHandler()), whole); w.Code != 503 {
		t.Errorf("a judge that tells no good digest: %d %s", w.Code, w.Body)
	}
}

// TestMiddlewareOptions tries the hooks: where a call came from, and the last word.
func TestMiddlewareOptions(t *testing.T) {
	judge := new(keyJudge)
	from := func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("X-From")) }
	authorize := func(r *http.Request, who Principal) error {
		switch r.URL.Query().Get("as") {
		case who.Name:
			return nil
		case "later":
			return fmt.Errorf("wrapped: %w", &Problem{Status: 503, Code: "later"})
		case "odd":
			return &Problem{Status: 200}
		}
		return errors.New("hidden reason")
	}
	// The last three say nothing, and leave what is.
	h := New(judge, WithChallenge("Other"), WithClientIP(from), WithAuthorizer(authorize),
		WithChallenge(""), WithClientIP(nil), WithLogger(nil))(http.NotFoundHandler())
	for as, want := range map[string]string{
		"billing": "404 page", "later": `"code":"later"`, "x": `"code":"forbidden"`, "odd": `"status":403`,
	} {
		w := serve(t, h, signedRaw(t, signing.Vrnt1, "GET /?as="+as+" HTTP/1.1\nHost: a\nX-From: 192.0.2.7\n", ""))
		if body := w.Body.String(); !strings.Contains(body, want) || strings.Contains(body, "hidden") ||
			(w.Header().Get("Retry-After") == "5") != (as == "later") {
			t.Errorf("%s: %d %s %v", as, w.Code, body, w.Header())
		}
		if judge.last().ClientIP.String() != "192.0.2.7" {
			t.Error(judge.last())
		}
	}
	if w := serve(t, h, "GET / HTTP/1.1\r\nHost: a\r\nX-From: ::1\r\n\r\n"); w.Code != 401 ||
		w.Header().Get("WWW-Authenticate") != "Other" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if _, ok := PrincipalFrom(t.Context()); ok {
		t.Error("somebody called")
	}
	defer func() {
		if recover() == nil {
			t.Error("no judge, no panic")
		}
	}()
	New(nil)
}
