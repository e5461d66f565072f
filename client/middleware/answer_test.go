package middleware

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/client/judge"
	"vault-plugin-secrets-apikeys/signing"
)

// TestMiddlewareSunset tells holders when the version that they sign with ends, if that is soon or there is another.
func TestMiddlewareSunset(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for name, row := range map[string]struct {
		left      time.Duration // 0: for ever
		successor string
		verdict   judge.Code
		within    time.Duration
		want      string
	}{
		"for ever":             {0, "", judge.Valid, 0, ""},
		"far":                  {15 * day, "", judge.Valid, 0, ""},
		"soon":                 {14 * day, "", judge.Valid, 0, "Sat, 14 Feb 2026 12:00:00 GMT"},
		"not so soon":          {14 * day, "", judge.Valid, day, ""},
		"replaced":             {90 * day, "tEsTkId2", judge.Valid, 0, "Fri, 01 May 2026 12:00:00 GMT"},
		"replaced for ever":    {0, "tEsTkId2", judge.Valid, 0, ""},
		"refused":              {day, "tEsTkId2", judge.OutOfScope, 0, "Sun, 01 Feb 2026 12:00:00 GMT"},
		"over":                 {-day, "tEsTkId2", judge.Expired, 0, ""},
		"told without a right": {day, "", judge.BadSignature, 0, ""},
	} {
		g := newGate(t, signing.Vrnt1, false, WithSunset(row.within))
		g.judge.find = func(v *judge.Verdict) error {
			v.Code, v.Valid = row.verdict, row.verdict == judge.Valid
			v.SuccessorKeyID, v.ServerTime = row.successor, now
			if row.left != 0 {
				v.ExpiresAt = now.Add(row.left).In(time.FixedZone("", 3600))
			}
			return nil
		}
		resp, _ := sent(t, g.client, g.request(t, "GET", "/", nil))
		if got := resp.Header.Get("Sunset"); got != row.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestMiddlewareStreams leaves answers alone: they come piece by piece, and connections can be taken over.
func TestMiddlewareStreams(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		g := newGate(t, signing.RFC9421, h2)
		next := make(chan bool)
		g.seen = func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			if r.URL.Path == "/taken" {
				conn, buffered, err := control.Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
				_ = buffered.Flush()
				_ = conn.Close()
				return
			}
			for n := range 3 {
				_, _ = fmt.Fprintln(w, n)
				if err := control.Flush(); err != nil {
					t.Error(err)
				}
				<-next
			}
		}
		resp, err := g.client.Do(g.request(t, "GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(resp.Body)
		for n := range 3 {
			if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintln(n) {
				t.Errorf("%q %v", line, err)
			}
			next <- true
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if !h2 {
			if _, text := sent(t, g.client, g.request(t, "GET", "/taken", nil)); text != "taken" {
				t.Error(text)
			}
		}
	}
}

// TestMiddlewareRedirects has each step signed and judged anew, body and all.
func TestMiddlewareRedirects(t *testing.T) {
	for _, scheme := range []signing.Scheme{signing.Vrnt1, signing.RFC9421} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			g := newGate(t, scheme, false)
			g.seen = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/old" {
					http.Redirect(w, r, "/new?x=1", code)
					return
				}
				w.Header().Set("X-Method", r.Method)
				_, _ = io.Copy(w, r.Body)
			}
			want := "GET "
			if code >= 307 {
				want = "PUT hello"
			}
			resp, text := sent(
				t,
				g.client,
				g.request(t, "PUT", "/old", strings.NewReader("hello"), "Verint-UserName", "x"),
			)
			if resp.StatusCode != 200 || resp.Header.Get("X-Method")+" "+text != want || len(g.judge.calls) != 2 {
				t.Errorf("%s, %d: %s %q after %d calls", scheme, code, resp.Status, text, len(g.judge.calls))
			}
			g.Close()
		}
	}
}

// TestMiddlewareWithVerifier puts all together for a crowd: signing client, server, middleware, verifier.
func TestMiddlewareWithVerifier(t *testing.T) {
	engine := clienttest.New(t)
	engine.Tenant("acme")
	key := engine.Key("acme", "external/keys/orders", map[string]any{"scheme": signing.Vrnt1})
	v, err := verify.NewVerifier(engine.Client(""), clienttest.Mount+"/verify")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t, signing.Vrnt1, true)
	g.Config.Handler = New(v)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	g.client.Transport.(*signing.Transport).Signer = key.Signer
	var wait sync.WaitGroup
	for n := range 32 {
		wait.Go(func() {
			for range 10 {
				body := fmt.Sprint("hello ", n)
				if resp, text := sent(
					t,
					g.client,
					g.request(t, "POST", "/", strings.NewReader(body)),
				); resp.StatusCode != 200 ||
					text != body {
					t.Errorf("%s %s", resp.Status, text)
				}
			}
		})
	}
	wait.Wait()
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	resp, _ := sent(t, g.client, g.request(t, "GET", "/", nil))
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Error(resp.Status)
	}
}
