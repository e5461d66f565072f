package middleware

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/signing"
)

// wired is a connection to a gate's server, on which a test writes what no client of net/http would.
type wired struct {
	*tls.Conn
	answers *bufio.Reader
}

func (g *gated) wire(t *testing.T) wired {
	t.Helper()
	conn, err := (&tls.Dialer{
		Config: &tls.Config{RootCAs: g.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs},
	}).DialContext(t.Context(), "tcp", g.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return wired{conn.(*tls.Conn), bufio.NewReader(conn)}
}

// says sends text, and returns the answer to a request of that method.
func (w wired) says(t *testing.T, method, text string) (status int, header http.Header, body string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	return w.answer(t, method)
}

func (w wired) answer(t *testing.T, method string) (status int, header http.Header, body string) {
	t.Helper()
	resp, err := http.ReadResponse(w.answers, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.StatusCode == http.StatusContinue {
		return resp.StatusCode, resp.Header, ""
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// answers tells a test what a handler has seen.
func answers(w io.Writer, format string, seen ...any) { _, _ = fmt.Fprintf(w, format, seen...) }

// TestMiddlewareOnTheWire puts to a real server what clients rarely send.
func TestMiddlewareOnTheWire(t *testing.T) {
	signed := func(head, body string) string { return signedRaw(t, signing.RFC9421, head, body) }
	ours := signed("GET / HTTP/1.1\nHost: api.example\n", "")
	digest := "Content-Digest: " + signing.DigestBody([]byte("hi")) + "\n"
	for name, row := range map[string]struct {
		text, method string
		status       int
		says         string // in the body
	}{
		"plain": {ours, "GET", 200, "GET / 0"},
		"absolute form": {strings.Replace(
			ours, "GET /", "GET https://api.example/", 1,
		), "GET", 401, `"status":401`},
		"another's absolute form": {strings.Replace(
			ours, "GET /", "GET http://evil.test/", 1,
		), "GET", 401, `"status":401`},
		"CONNECT": {
			"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n", "CONNECT", 401, `"status":401`,
		},
		"OPTIONS *":           {"OPTIONS * HTTP/1.1\r\nHost: api.example\r\n\r\n", "OPTIONS", 401, `"status":401`},
		"OPTIONS":             {signed("OPTIONS /x HTTP/1.1\nHost: api.example\n", ""), "OPTIONS", 200, "OPTIONS /x 0"},
		"HEAD":                {signed("HEAD /x HTTP/1.1\nHost: api.example\n", ""), "HEAD", 200, ""},
		"HEAD, signed as GET": {strings.Replace(ours, "GET", "HEAD", 1), "HEAD", 401, ""},
		"GET, another path":   {strings.Replace(ours, "GET /", "GET /x", 1), "GET", 401, `"status":401`},
		"another Host":        {strings.Replace(ours, "Host: api", "Host: evil", 1), "GET", 401, `"status":401`},
		"Host with port": {strings.Replace(
			ours, "Host: api.example", "Host: API.example:443", 1,
		), "GET", 200, "GET / 0"},
		"two Hosts": {strings.Replace(ours, "Host: api.example\r\n", "Host: api.example\r\nHost: "+
			"evil.test\r\n", 1), "GET", 400, ""},
		"a path of two readings": {strings.Replace(ours, "GET /", "GET //evil.test/", 1), "GET", 401, `"status":401`},
		"body of a GET": {
			signed("GET / HTTP/1.1\nHost: a\nContent-Length: 2\n"+digest, "hi"), "GET", 200, "GET / 2",
		},
		"a body added": {
			strings.Replace(ours, "Host", "Content-Length: 2\r\nHost", 1) + "hi", "GET", 401, `"status":401`,
		},
		"a chunked body added": {
			strings.Replace(ours, "Host", "Transfer-Encoding: chunked\r\nHost", 1) + "2\r\nhi\r\n0\r\n\r\n", "GET", 401,
			`"status":401`,
		},
		"a length and chunks": { // net/http goes by the chunks, and so does what is judged
			signed(
				"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n"+digest+"Content-Length: 9\n",
				"2\r\nhi\r\n0\r\n\r\n",
			), "POST", 200, "POST / 2",
		},
		"far too long": {
			signed("POST / HTTP/1.1\nHost: a\nContent-Length: 1000000000\n"+digest, "hi"),
			"POST", 413, `"body_too_large"`,
		},
		"chunks without end": {
			signed(
				"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n"+digest,
				"65\r\n"+strings.Repeat("x", 101)+"\r\n",
			),
			"POST", 413, `"body_too_large"`,
		},
	} {
		g := newGate(t, signing.RFC9421, false, WithMaxBody(100))
		g.Config.DisableGeneralOptionsHandler = true
		g.seen = func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			answers(w, "%s %s %d", r.Method, r.RequestURI, len(body))
		}
		status, header, body := g.wire(t).says(t, row.method, row.text)
		if status != row.status || !strings.Contains(body, row.says) || row.method == "HEAD" && body != "" {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if status != 200 && strings.Contains(row.says, `"`) &&
			header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", name, header)
		}
	}
}

// TestMiddlewareExpect asks for the body of a call that is good, and of no other.
func TestMiddlewareExpect(t *testing.T) {
	g := newGate(t, signing.RFC9421, false)
	head := signedRaw(
		t,
		signing.RFC9421,
		"PUT / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 2\nContent-Digest: "+signing.DigestBody(
			[]byte("hi"),
		)+"\n",
		"",
	)
	w := g.wire(t)
	if status, _, _ := w.says(t, "PUT", head); status != http.StatusContinue {
		t.Fatalf("a good call: %d", status)
	}
	if status, _, body := w.says(t, "PUT", "hi"); status != 200 || body != "hi" {
		t.Errorf("with its body: %d %s", status, body)
	}
	if status, _, _ := g.wire(t).
		says(t, "PUT", strings.Replace(head, "PUT", "POST", 1)); status != http.StatusUnauthorized {
		t.Errorf("another call: %d", status)
	}
}

// TestMiddlewareUpgrade lets a good call change the protocol, and no other.
func TestMiddlewareUpgrade(t *testing.T) {
	g := newGate(t, signing.RFC9421, false)
	g.seen = func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = buffered.WriteString(
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get(
				"Upgrade",
			) + "\r\n\r\n",
		)
		_ = buffered.Flush()
		line, _ := buffered.ReadString('\n')
		_, _ = io.WriteString(conn, "echo "+line)
	}
	text := signedRaw(t, signing.RFC9421, "GET /chat HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: lines\n", "")
	w := g.wire(t)
	status, header, _ := w.says(t, "GET", text)
	if status != http.StatusSwitchingProtocols || header.Get("Upgrade") != "lines" {
		t.Fatalf("%d %v", status, header)
	}
	if _, err := io.WriteString(w, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := w.answers.ReadString('\n'); err != nil || line != "echo hello\n" {
		t.Errorf("%q %v", line, err)
	}
	if status, _, _ := g.wire(t).
		says(t, "GET", strings.Replace(text, "/chat", "/other", 1)); status != http.StatusUnauthorized {
		t.Errorf("another call: %d", status)
	}
}

// bySignature signs a request of net/http's own, which [signing.Transport] would not send.
func bySignature(t *testing.T, scheme signing.Scheme, r *http.Request, lines string) *http.Request {
	t.Helper()
	head, err := signing.ParseHeadString(
		r.Method + " " + r.URL.RequestURI() + " HTTP/1.1\nHost: " + r.Host + "\n" + lines,
	)
	if err != nil {
		t.Fatal(err)
	}
	added, err := signing.SignHead(scheme, head, "tEsTkId1", judgeSecret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range slices.Concat(head.Headers()[1:], added) {
		r.Header.Set(h.Name, h.Value)
	}
	return r
}
