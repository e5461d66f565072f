package middleware

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/client/judge"
	"vault-plugin-secrets-apikeys/signing"
)

// keyJudge judges calls by one key of each scheme, as an engine would, unless it is told to find something else.
type keyJudge struct {
	mu    sync.Mutex
	find  func(*judge.Verdict) error // changes what was found
	calls []judge.Call
}

var judgeSecret = []byte("not a secret at all")

func (j *keyJudge) Verify(_ context.Context, c judge.Call) (judge.Verdict, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, c)
	v := judge.Verdict{
		Code:       judge.Valid,
		Valid:      true,
		Tenant:     "acme",
		Kind:       "external",
		Name:       "billing",
		KeyID:      "tEsTkId1",
		Version:    3,
		State:      "current",
		Scheme:     "vrnt-1",
		User:       "agent7",
		Metadata:   map[string]string{"a": "b"},
		ServerTime: time.Now().Truncate(time.Second),
	}
	head, err := signing.ParseHeadString(c.Request)
	if err != nil {
		return judge.Verdict{}, err
	}
	call, err := signing.ParseCall(head)
	if err != nil {
		return judge.Verdict{Code: judge.Malformed}, nil
	}
	v.Scheme, v.ContentDigest = string(call.Scheme), call.ContentDigest
	switch {
	case call.KeyID != v.KeyID:
		return judge.Verdict{Code: judge.UnknownKey}, nil
	case !call.SignedBy(judgeSecret):
		return judge.Verdict{Code: judge.BadSignature}, nil
	}
	if j.find != nil {
		err = j.find(&v)
	}
	return v, err
}

func (j *keyJudge) last() judge.Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.calls[len(j.calls)-1]
}

// finds has the judge find a verdict.
func (j *keyJudge) finds(code judge.Code) {
	j.find = func(v *judge.Verdict) error {
		v.Code, v.Valid = code, code == judge.Valid
		return nil
	}
}

// gated is a server behind a middleware, and a client that signs for it.
type gated struct {
	*httptest.Server
	judge  *keyJudge
	client *http.Client
	seen   func(w http.ResponseWriter, r *http.Request) // the handler; nil echoes the body
}

func newGate(t *testing.T, scheme signing.Scheme, h2 bool, opts ...Option) *gated {
	t.Helper()
	g := &gated{judge: new(keyJudge)}
	g.Server = httptest.NewUnstartedServer(
		New(g.judge, opts...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if g.seen != nil {
				g.seen(w, r)
				return
			}
			_, _ = io.Copy(w, r.Body)
		})),
	)
	g.EnableHTTP2 = h2
	g.StartTLS()
	t.Cleanup(g.Close)
	key, err := signing.NewKey(scheme, "tEsTkId1", judgeSecret)
	if err != nil {
		t.Fatal(err)
	}
	g.client = &http.Client{Transport: &signing.Transport{
		Signer: key, Hosts: []string{strings.TrimPrefix(g.URL, "https://")}, Base: g.Client().Transport,
	}}
	return g
}

// request returns one to send; the header lines are in pairs.
func (g *gated) request(t *testing.T, method, target string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, g.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	return r
}

// sent sends a request and returns the answer with its body.
func sent(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// TestMiddleware lets calls of both schemes through, over HTTP/1.1 and HTTP/2, with every kind of body.
func TestMiddleware(t *testing.T) {
	for _, scheme := range []signing.Scheme{signing.Vrnt1, signing.RFC9421} {
		for _, h2 := range []bool{false, true} {
			g := newGate(t, scheme, h2)
			g.seen = func(w http.ResponseWriter, r *http.Request) {
				who, ok := PrincipalFrom(r.Context())
				if !ok || who.Tenant != "acme" || who.KeyID != "tEsTkId1" || who.Scheme != string(scheme) ||
					who.Metadata["a"] != "b" {
					t.Errorf("%v called", who)
				}
				if r.Proto == "HTTP/2.0" != h2 {
					t.Error(r.Proto)
				}
				_, _ = io.Copy(w, r.Body)
			}
			for _, body := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
				for name, reader := range map[string]io.Reader{
					"known": strings.NewReader(body), "unknown": struct{ io.Reader }{strings.NewReader(body)},
				} {
					r := g.request(
						t,
						"POST",
						"/a//b/%2f?x=%20&y",
						reader,
						"Verint-UserName",
						"Agent7",
						"Verint-A",
						"1",
						"Date",
						"now",
						"Cookie",
						"a=b",
					)
					resp, got := sent(t, g.client, r)
					if resp.StatusCode != 200 || got != body || resp.Header.Get("Sunset") != "" {
						t.Errorf(
							"%s, HTTP/2 %v, %s body of %d: %s %.100s",
							scheme,
							h2,
							name,
							len(body),
							resp.Status,
							got,
						)
					}
				}
			}
			if c := g.judge.last(); strings.Contains(c.Request, "ookie") ||
				c.ClientIP != netip.MustParseAddr("127.0.0.1") {
				t.Errorf("judged %s from %s", c.Request, c.ClientIP)
			}
			g.Close()
		}
	}
}

// TestMiddlewareVerdicts answers each verdict as docs/integrators.md says.
func TestMiddlewareVerdicts(t *testing.T) {
	g := newGate(t, signing.Vrnt1, false, WithRetryAfter(7*time.Second))
	g.seen = func(http.ResponseWriter, *http.Request) { t.Error("let through") }
	for verdict, status := range map[judge.Code]int{
		judge.TenantSuspended: 403, judge.Revoked: 401, judge.Disabled: 401, judge.Expired: 401, judge.TooOld: 401,
		judge.TooNew: 401, judge.SourceDenied: 403, judge.OutOfScope: 403, judge.Replayed: 401,
		"of a later engine": 503, "": 503,
	} {
		g.judge.finds(verdict)
		resp, text := sent(t, g.client, g.request(t, "GET", "/", nil))
		var p Problem
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		code := string(verdict)
		if status == 503 {
			code = "not_judged"
		}
		if err := decoder.Decode(&p); err != nil || resp.StatusCode != status || p.Status != status || p.Code != code ||
			p.Type != "about:blank" || p.Title != http.StatusText(status) || p.Detail == "" {
			t.Errorf("%s: %s %s", verdict, resp.Status, text)
		}
		h := resp.Header
		if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" ||
			(h.Get("WWW-Authenticate") == "Vrnt-1-HMAC-SHA256") != (status == 401) ||
			(h.Get("Retry-After") == "7") != (status == 503) {
			t.Errorf("%s: %v", verdict, h)
		}
	}
	for _, err := range []error{verify.ErrBusy, verify.ErrUnknown, errors.New("permission denied for hvs.x")} {
		g.judge.find = func(*judge.Verdict) error { return err }
		resp, text := sent(t, g.client, g.request(t, "GET", "/", nil))
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "7" || strings.Contains(text, "hvs") {
			t.Errorf("%v: %s %s", err, resp.Status, text)
		}
	}
}

// TestMiddlewareTellsStrangersNothing has three verdicts answered byte for byte alike.
func TestMiddlewareTellsStrangersNothing(t *testing.T) {
	g := newGate(t, signing.Vrnt1, false)
	g.seen = func(http.ResponseWriter, *http.Request) { t.Error("let through") }
	authorization := func(keyID string) string {
		return "Vrnt-1-HMAC-SHA256 salt=12345678,iat=2026-01-31T12:00:00Z,kid=" + keyID +
			",sig=vPVLD2A-ekM-xY7j-50rEtnphhAAKyFOUIviS8qu-c4"
	}
	type answer struct {
		status int
		header string
		body   string
	}
	var first *answer
	for name, value := range map[string]string{
		"none": "", "another": "Bearer x", "malformed": "Vrnt-1-HMAC-SHA256 x",
		"unknown": authorization("nobodys1"), "wrong": authorization("tEsTkId1"),
	} {
		for _, body := range []string{"", "x"} {
			r := g.request(t, "POST", "/", strings.NewReader(body))
			if value != "" {
				r.Header.Set("Authorization", value)
			}
			resp, text := sent(t, g.Client(), r)
			header := maps.Clone(resp.Header)
			header.Del("Date")
			var written bytes.Buffer
			if err := header.Write(&written); err != nil {
				t.Fatal(err)
			}
			got := answer{resp.StatusCode, written.String(), text}
			if first == nil {
				first = &got
			}
			if got != *first || got.status != 401 || strings.Contains(text, "code") {
				t.Errorf("%s: %+v, not %+v", name, got, first)
			}
		}
	}
}
