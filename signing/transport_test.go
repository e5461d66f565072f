package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// onlyReader hides what else a reader can do, so that its length is unknown.
type onlyReader struct{ io.Reader }

// watched is a body that tells how often it was closed.
type watched struct {
	io.Reader
	mu     sync.Mutex
	closed int
}

func (w *watched) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed++
	return nil
}

func (w *watched) closes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTransportBodies(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 10_000)
	for name, body := range map[string]func() io.Reader{
		"nil":     func() io.Reader { return nil },
		"no body": func() io.Reader { return http.NoBody },
		"bytes":   func() io.Reader { return bytes.NewReader([]byte("hello")) },
		"empty":   func() io.Reader { return bytes.NewReader(nil) },
		"stream":  func() io.Reader { return onlyReader{strings.NewReader("hello")} },
		"nothing": func() io.Reader { return onlyReader{strings.NewReader("")} },
		"long":    func() io.Reader { return onlyReader{bytes.NewReader(long)} },
	} {
		for _, h2 := range []bool{false, true} {
			for _, scheme := range []Scheme{Vrnt1, RFC9421} {
				t.Run(fmt.Sprintf("%s %v %s", name, h2, scheme), func(t *testing.T) {
					j := newJudge(t, h2, nil)
					client := &http.Client{Transport: j.transport(t, scheme)}
					for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"} {
						want := 0
						if b := body(); b != nil {
							all, _ := io.ReadAll(b)
							want = len(all)
						}
						r := newRequest(t, method, j.URL+"/a%2Fb/?q=%20x&y", body())
						r.Header.Set("Verint-UserName", "Agent7")
						r.Header.Set("verint-b", "x")
						before := r.Clone(t.Context())
						resp, err := client.Do(r)
						if err != nil {
							t.Fatal(err)
						}
						version, _ := io.ReadAll(resp.Body)
						if err := resp.Body.Close(); err != nil {
							t.Error(err)
						}
						if h2 && method != "HEAD" && string(version) != "2" {
							t.Errorf("HTTP/%s", version)
						}
						seen := []string{fmt.Sprintf("%s /a%%2Fb/?q=%%20x&y %d", method, want)}
						if got := j.seen(); !slices.Equal(got, seen) {
							t.Error(got)
						}
						if !cmp.Equal(r.Header, before.Header) || r.ContentLength != before.ContentLength ||
							resp.Request.Header.Get("Authorization")+resp.Request.Header.Get("Signature") != "" {
							t.Error("the request was changed")
						}
					}
				})
			}
		}
	}
}

func TestTransportRefuses(t *testing.T) {
	j := newJudge(t, false, nil)
	authority := j.Listener.Addr().String()
	key, err := NewKey(Vrnt1, judgeKeyID, judgeKey)
	if err != nil {
		t.Fatal(err)
	}
	failing := errors.New("failing")
	for name, row := range map[string]struct {
		change func(*Transport, *http.Request)
		want   error
		text   string
	}{
		"other host": {func(_ *Transport, r *http.Request) {
			r.URL.Host = "localhost:1"
			r.Host = ""
		}, ErrHost, "localhost:1"},
		"other Host":     {func(_ *Transport, r *http.Request) { r.Host = "other.example" }, ErrHost, "other.example"},
		"no host named":  {func(tr *Transport, _ *http.Request) { tr.Hosts = nil }, ErrHost, authority},
		"no signer":      {func(tr *Transport, _ *http.Request) { tr.Signer = nil }, ErrUnsignable, "no signer"},
		"no URL":         {func(_ *Transport, r *http.Request) { r.URL = nil }, ErrUnsignable, "no host"},
		"plain HTTP":     {func(_ *Transport, r *http.Request) { r.URL.Host = "api.example" }, ErrUnsignable, "plain HTTP"},
		"another scheme": {func(_ *Transport, r *http.Request) { r.URL.Scheme = "ftp" }, ErrUnsignable, "ftp"},
		"CONNECT":        {func(_ *Transport, r *http.Request) { r.Method = "CONNECT" }, ErrUnsignable, "CONNECT"},
		"asterisk": {func(_ *Transport, r *http.Request) {
			r.Method, r.URL.Opaque = "OPTIONS", "*"
		}, ErrMalformed, "origin form"},
		"absolute":       {func(_ *Transport, r *http.Request) { r.URL.Opaque = "//other/x" }, ErrMalformed, "origin form"},
		"fragment":       {func(_ *Transport, r *http.Request) { r.URL.Opaque = "/x#y" }, ErrMalformed, "origin form"},
		"line in URL":    {func(_ *Transport, r *http.Request) { r.URL.Opaque = "/x HTTP/1.1\nX: y" }, ErrUnsignable, "line ends"},
		"line in method": {func(_ *Transport, r *http.Request) { r.Method = "GET /x HTTP/1.1\nX:" }, ErrUnsignable, "line ends"},
		"line in value": {func(_ *Transport, r *http.Request) {
			r.Header.Set("Verint-A", "a\nVerint-B: b")
		}, ErrUnsignable, "line ends"},
		"line in name": {func(_ *Transport, r *http.Request) {
			r.Header["verint-a: a\nVerint-B"] = []string{"b"}
		}, ErrUnsignable, "line ends"},
		"trailers": {func(_ *Transport, r *http.Request) { r.Trailer = http.Header{"X": nil} }, ErrUnsignable, "trailers"},
		"two": {func(_ *Transport, r *http.Request) {
			r.Header["Verint-A"] = []string{"a", "b"}
		}, ErrUnsignable, "more than one Verint-A"},
		"two spellings": {func(_ *Transport, r *http.Request) {
			r.Header["verint-a"], r.Header["Verint-A"] = []string{"a"}, []string{"b"}
		}, ErrUnsignable, "more than one Verint-A"},
		"raw Host": {func(_ *Transport, r *http.Request) { r.Header["host"] = []string{"a"} }, ErrUnsignable, "canonical"},
		"raw length": {func(_ *Transport, r *http.Request) {
			r.Header["content-length"] = []string{"1"}
		}, ErrUnsignable, "canonical"},
		"odd order": {func(_ *Transport, r *http.Request) {
			r.Header["Verint-X"], r.Header["Verint-_"] = []string{"a"}, []string{"b"}
		}, ErrUnsignable, "not in order"},
		"signed":         {func(_ *Transport, r *http.Request) { r.SetBasicAuth("a", "b") }, ErrSigned, ""},
		"signed by 9421": {func(_ *Transport, r *http.Request) { r.Header.Set("Signature", "sig1=::") }, ErrSigned, ""},
		"long body":      {func(tr *Transport, _ *http.Request) { tr.MaxBody = 4 }, ErrBodySize, "4 bytes"},
		"long stream":    {func(tr *Transport, r *http.Request) { tr.MaxBody, r.ContentLength = 4, -1 }, ErrBodySize, "4 bytes"},
		"other length":   {func(_ *Transport, r *http.Request) { r.ContentLength = 6 }, ErrUnsignable, "5 bytes, and not of the 6"},
		"other digest": {func(_ *Transport, r *http.Request) {
			r.Header.Set("Content-Digest", DigestBody([]byte("other")))
		}, ErrUnsignable, "not that of its body"},
		"no digest": {func(_ *Transport, r *http.Request) { r.Header.Set("Content-Digest", "x") }, ErrMalformed, ""},
		"not ASCII": {func(tr *Transport, r *http.Request) {
			r.Host, tr.Hosts = "ü.example", append(tr.Hosts, "ü.example")
		}, ErrUnsignable, "punycode"},
		"failing body": {func(_ *Transport, r *http.Request) {
			r.Body = &watched{Reader: failingReader{failing}}
		}, failing, "reading the body"},
		"signer's error": {func(tr *Transport, _ *http.Request) { tr.Signer = stubSigner{nil, failing} }, failing, ""},
		"signer's header": {func(tr *Transport, _ *http.Request) {
			tr.Signer = stubSigner{[]Header{{"Host", "x"}}, nil}
		}, errTaken, ""},
		"signer's line": {func(tr *Transport, _ *http.Request) {
			tr.Signer = stubSigner{[]Header{{"A", "x\r"}}, nil}
		}, ErrMalformed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := &watched{Reader: strings.NewReader("hello")}
			r := newRequest(t, "POST", j.URL+"/x", body)
			r.ContentLength = 5
			tr := &Transport{Signer: key, Hosts: []string{authority, "localhost"}}
			row.change(tr, r)
			resp, err := tr.RoundTrip(r)
			if err == nil {
				_ = resp.Body.Close()
				t.Fatal("it was sent")
			}
			if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.text) {
				t.Error(err)
			}
			if b, ok := r.Body.(*watched); !ok || b.closes() != 1 {
				t.Error("the body was not closed once")
			}
			if calls := j.seen(); len(calls) > 0 {
				t.Error(calls)
			}
		})
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

type stubSigner struct {
	headers []Header
	err     error
}

func (s stubSigner) Sign(context.Context, *Head) ([]Header, error) { return s.headers, s.err }

// TestTransportGivenUp cancels a request whose body hangs: net/http would not wait for that, and neither does signing.
func TestTransportGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		r := newRequest(t, "POST", "https://api.example/", reader).WithContext(ctx)
		done := make(chan error)
		tr := &Transport{Signer: stubSigner{}, Hosts: []string{"API.example:443"}}
		go func() {
			resp, err := tr.RoundTrip(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := writer.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the body is open: %v", err)
		}
	})
}

func TestTransportTellsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	key, err := NewKey(RFC9421, judgeKeyID, judgeKey)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	client := &http.Client{Transport: &Transport{
		Signer:  key,
		Hosts:   []string{server.Listener.Addr().String()},
		Refused: func(keyID string) { told = append(told, keyID) },
	}}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/", "/no", "/"} {
		resp, err := client.Do(newRequest(t, "GET", server.URL+path, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if !slices.Equal(told, []string{judgeKeyID}) {
		t.Error(told)
	}
}

// A header without a name, which net/http would not send, is an error and no panic.
func TestNamelessHeader(t *testing.T) {
	key, err := NewKey(RFC9421, "tEsTkId1", testKey)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header[""] = []string{"x"}
	resp, err := (&Transport{Signer: key, Hosts: []string{"127.0.0.1:1"}}).RoundTrip(r)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("it was sent")
	}
}
