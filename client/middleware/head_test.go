package middleware

import (
	"bufio"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// signedRaw returns a request as bytes, signed with the judge's key over what its head says.
func signedRaw(t *testing.T, scheme signing.Scheme, head, body string) string {
	t.Helper()
	h, err := signing.ParseHeadString(head)
	if err != nil {
		t.Fatal(err)
	}
	added, err := signing.SignHead(scheme, h, "tEsTkId1", judgeSecret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	h, err = h.With(added)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(h.String(), "\n", "\r\n") + "\r\n" + body
}

// serve has a request that came as these bytes handled.
func serve(t *testing.T, h http.Handler, raw string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(t.Context()))
	return w
}

// TestMiddlewareHeaders keeps from the handler what was not signed and could be taken for it.
func TestMiddlewareHeaders(t *testing.T) {
	const head = "POST / HTTP/1.1\nHost: api.example\nX-Other: 1\nVerint-UserName: Agent7\nContent-Type: " +
		"text/plain\nCookie: a=b\n" +
		"Content-Length: 2\n"
	digest := "Content-Digest: " + signing.DigestBody([]byte("hi")) + "\n"
	for _, row := range []struct {
		name   string
		opts   []Option
		scheme signing.Scheme
		want   string
	}{
		{"vrnt-1", nil, signing.Vrnt1, "Authorization Content-Digest Content-Length Content-Type Cookie " +
			"Verint-Username X-Other"},
		{"rfc9421", nil, signing.RFC9421, "Content-Digest Content-Length Content-Type Cookie Signature " +
			"Signature-Input X-Other"},
		{"vrnt-1 alone", []Option{WithSignedHeadersOnly()}, signing.Vrnt1, "Content-Length Verint-Username"},
		{
			"rfc9421 and one",
			[]Option{WithSignedHeadersOnly("content-TYPE", "verint-username")},
			signing.RFC9421,
			"Content-Digest Content-Length Content-Type",
		},
	} {
		called := false
		w := serve(t, New(new(keyJudge), row.opts...)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			called = true
			var names []string
			for name := range r.Header {
				names = append(names, name)
			}
			if got := strings.Join(slices.Sorted(slices.Values(names)), " "); got != row.want {
				t.Errorf("%s: %s", row.name, got)
			}
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != "hi" || r.ContentLength != 2 {
				t.Errorf("%s: %q %v", row.name, body, err)
			}
		})), signedRaw(t, row.scheme, head+digest, "hi"))
		if !called {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
}

// TestMiddlewareCoveredHeaders lets a Verint- header through that an rfc9421 call covers.
func TestMiddlewareCoveredHeaders(t *testing.T) {
	const input = `sig1=("@method" "@authority" "@path" "verint-username" "x-odd");` +
		`created=1700000000;keyid="tEsTkId1";nonce="12345678"`
	base := "\"@method\": GET\n\"@authority\": api.example\n\"@path\": /\n\"verint-username\": Agent7\n\"x-odd\": 1, " +
		"2\n\"@signature-params\": " + input[5:]
	tag := signing.MAC(judgeSecret, []byte(base))
	raw := "GET / HTTP/1.1\r\nX-Odd: 1\r\nVerint-A: 1\r\nHost: api.example\r\nVerint-UserName: Agent7\r\nX-Odd: " +
		"2\r\nX-Tab: a\tb\r\n" +
		"Signature-Input: " + input + "\r\nSignature: sig1=:" + base64.StdEncoding.EncodeToString(
		tag[:],
	) + ":\r\n\r\n"
	judge := new(keyJudge)
	called := false
	w := serve(t, New(judge, WithSignedHeadersOnly())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = len(r.Header) == 2 && r.Header.Get("Verint-UserName") == "Agent7" && len(r.Header.Values("X-Odd")) == 2
	})), raw)
	if !called {
		t.Errorf("%d %s, judged %v", w.Code, w.Body, judge.calls)
	}
}

// TestHeadText says the same of a call as the head that came, sorted.
func TestHeadText(t *testing.T) {
	for name, row := range map[string]struct{ raw, want string }{
		"plain": {
			"GET /a%20b//?q HTTP/1.1\r\nVerint-B: 2\r\nhost: A.example:80\r\nverint-a: 1\r\nAccept: x\r\n\r\n",
			"GET /a%20b//?q HTTP/1.1\nHost: A.example:80\nVerint-A: 1\nVerint-B: 2\n",
		},
		"length": {
			"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
			"PUT / HTTP/1.1\nContent-Length: 3\nHost: a\n",
		},
		"no length": {
			"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
			"PUT / HTTP/1.1\nContent-Length: 0\nHost: a\n",
		},
		"chunked": {
			"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"PUT / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n",
		},
		"both": {
			"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"PUT / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n",
		},
		"another token": {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n", "GET / HTTP/1.1\nHost: a\n"},
		"our token": {
			"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: vrnt-1-hmac-sha256 x\r\n\r\n",
			"GET / HTTP/1.1\nAuthorization: vrnt-1-hmac-sha256 x\nHost: a\n",
		},
		"old": {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\n"},
	} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(row.raw)))
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := headText(r); err != nil || got != row.want {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
	r := httptest.NewRequest("POST", "/", struct{ io.Reader }{strings.NewReader("x")})
	r.Proto = "HTTP/2.0"
	if got, err := headText(r); err != nil ||
		got != "POST / HTTP/2.0\nHost: example.com\nTransfer-Encoding: chunked\n" {
		t.Errorf("HTTP/2: %v\n%s", err, got)
	}
}

// TestMiddlewareBadHeads answers what cannot be written as a head with 400, and asks nobody.
func TestMiddlewareBadHeads(t *testing.T) {
	judge := new(keyJudge)
	h := New(judge)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("let through") }))
	ours := "Authorization: Vrnt-1-HMAC-SHA256 x\r\n"
	unsigned := serve(t, h, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").Body.String()
	for name, raw := range map[string]string{
		"authority form": "CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
		"absolute form":  "GET http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"asterisk":       "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"two signatures": "GET / HTTP/1.1\r\nHost: a\r\n" + ours + ours + "\r\n",
		"two tokens":     "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n" + ours + "\r\n",
		"two users":      "GET / HTTP/1.1\r\nHost: a\r\nVerint-UserName: a\r\nVerint-Username: b\r\n\r\n",
		"a tab":          "GET / HTTP/1.1\r\nHost: a\r\nVerint-UserName: a\tb\r\n\r\n",
		"a long one":     "GET / HTTP/1.1\r\nHost: a\r\nVerint-UserName: " + strings.Repeat("x", 33<<10) + "\r\n\r\n",
		"many":           "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("Signature: a\r\n", 200) + "\r\n",
		"not ASCII":      "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		// As for any malformed call, and so as for an unknown key.
		if w := serve(t, h, raw); w.Code != 401 || w.Body.String() != unsigned {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	for name, change := range map[string]func(*http.Request){
		"target": func(r *http.Request) { r.RequestURI = "/ HTTP/1.1\nHost: b\nX: y" },
		"value":  func(r *http.Request) { r.Header["Verint-A"] = []string{"x\nVerint-B: y"} },
		"host":   func(r *http.Request) { r.Host = "a\nVerint-B: y" },
		"method": func(r *http.Request) { r.Method = "GET /x HTTP/1.1\nA: b\nPOST" },
	} {
		r := httptest.NewRequest("GET", "/", nil)
		change(r)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 401 {
			t.Errorf("line end in %s: %d %s", name, w.Code, w.Body)
		}
	}
	if len(judge.calls) > 0 {
		t.Errorf("asked about %v", judge.calls)
	}
}
