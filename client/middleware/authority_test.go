package middleware

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/signing"
)

// TestMiddlewareTrailers has no Verint- trailer reach the handler, declared or not, nor any where signed headers are
// asked for.
func TestMiddlewareTrailers(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		for _, scheme := range []signing.Scheme{signing.Vrnt1, signing.RFC9421} {
			for _, only := range []bool{false, true} {
				var opts []Option
				if only {
					opts = append(opts, WithSignedHeadersOnly())
				}
				g := newGate(t, scheme, h2, opts...)
				g.seen = func(w http.ResponseWriter, r *http.Request) {
					before := len(r.Trailer)
					body, err := io.ReadAll(r.Body)
					answers(
						w,
						"%s %v %v %v %v",
						body,
						err,
						before,
						r.Trailer.Values("X-Sum"),
						r.Trailer.Values("Verint-Username"),
					)
				}
				r := g.request(t, "POST", "/", struct{ io.Reader }{strings.NewReader("hello")})
				bySignature(
					t,
					scheme,
					r,
					"Transfer-Encoding: chunked\nContent-Digest: "+signing.DigestBody([]byte("hello"))+"\n",
				)
				r.Trailer = http.Header{"X-Sum": {"1"}, "Verint-Username": {"admin"}}
				want := "hello <nil> 1 [1] []"
				if only {
					want = "hello <nil> 0 [] []"
				}
				if resp, got := sent(t, g.Client(), r); resp.StatusCode != 200 || got != want {
					t.Errorf("HTTP/2 %v, %s, signed alone %v: %s %q", h2, scheme, only, resp.Status, got)
				}
			}
		}
	}
	g := newGate(t, signing.Vrnt1, false)
	g.seen = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answers(w, "%v", r.Trailer)
	}
	text := signedRaw(
		t,
		signing.Vrnt1,
		"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTrailer: X-Sum\n",
		"2\r\nhi\r\n0\r\nX-Sum: 1\r\nVerint-UserName: admin\r\n\r\n",
	)
	if status, _, body := g.wire(t).says(t, "POST", text); status != 200 || body != "map[X-Sum:[1]]" {
		t.Errorf("not declared: %d %s", status, body)
	}
}

// TestMiddlewareHostBesideAuthority keeps a Host from the handler that HTTP/2 lets stand beside :authority.
func TestMiddlewareHostBesideAuthority(t *testing.T) {
	for _, opts := range [][]Option{nil, {WithSignedHeadersOnly("Host")}} {
		raw := signedRaw(t, signing.RFC9421, "GET / HTTP/1.1\nHost: api.example\n", "")
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Host"] = []string{"evil.test"}
		w := httptest.NewRecorder()
		New(new(keyJudge), opts...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answers(w, "%s%v", r.Host, r.Header["Host"])
		})).ServeHTTP(w, r)
		if w.Code != 200 || w.Body.String() != "api.example[]" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// TestMiddlewareAuthority signs for one host and sends to another, over both protocols.
func TestMiddlewareAuthority(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		for host, status := range map[string]int{
			"api.example": 200, "API.example:443": 200, "api.example:80": 200, "api.example:8443": 401,
			"evil.test": 401,
		} {
			g := newGate(t, signing.RFC9421, h2)
			g.seen = func(w http.ResponseWriter, r *http.Request) { answers(w, "%s%d", r.Host, r.ProtoMajor) }
			r := g.request(t, "OPTIONS", "/x?y", nil)
			r.Host = "api.example"
			bySignature(t, signing.RFC9421, r, "")
			r.Host = host
			resp, got := sent(t, g.Client(), r)
			if resp.StatusCode != status || (resp.ProtoMajor == 2) != h2 ||
				status == 200 && got != fmt.Sprintf("%s%d", host, resp.ProtoMajor) {
				t.Errorf("HTTP/2 %v, %s: %s %s", h2, host, resp.Status, got)
			}
		}
		g := newGate(t, signing.RFC9421, h2)
		for method, c := range map[string]*http.Client{"signed": g.client, "not": g.Client()} {
			resp, got := sent(t, c, g.request(t, "HEAD", "/x", nil))
			if got != "" || (resp.StatusCode == 200) != (method == "signed") ||
				(resp.Header.Get("Content-Type") == "application/problem+json") != (method == "not") {
				t.Errorf("HEAD, HTTP/2 %v, %s: %s %q", h2, method, resp.Status, got)
			}
		}
	}
}
