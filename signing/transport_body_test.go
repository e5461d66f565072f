package signing

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestTransportClosesOnce holds bodies to what RoundTripper asks: closed once, whatever comes of the request.
func TestTransportClosesOnce(t *testing.T) {
	j := newJudge(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	tr := j.transport(t, RFC9421)
	for name, row := range map[string]struct {
		path   string
		length int64
		body   io.Reader
		fails  bool
	}{
		"known":        {"/", 5, strings.NewReader("hello"), false},
		"unknown":      {"/", -1, strings.NewReader("hello"), false},
		"unsaid":       {"/", 0, strings.NewReader("hello"), false},
		"empty":        {"/", 0, strings.NewReader(""), false},
		"refused":      {"/no", 5, strings.NewReader("hello"), false},
		"short":        {"/", 6, strings.NewReader("hello"), true},
		"long":         {"/", 4, strings.NewReader("hello"), true},
		"breaks":       {"/", -1, io.MultiReader(strings.NewReader("hel"), failingReader{io.ErrUnexpectedEOF}), true},
		"nothing left": {"/", 5, strings.NewReader(""), true},
	} {
		body := &watched{Reader: row.body}
		r := newRequest(t, "POST", j.URL+row.path, nil)
		r.Body, r.ContentLength, r.GetBody = body, row.length, nil
		resp, err := tr.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err != nil) != row.fails {
			t.Errorf("%s: %v", name, err)
		}
		if n := body.closes(); n != 1 {
			t.Errorf("%s: closed %d times", name, n)
		}
		if calls := j.seen(); (len(calls) > 0) == row.fails {
			t.Errorf("%s: %q", name, calls)
		}
	}
}

// TestTransportClosesOnceWhenBaseFails has the base fail after it took the body.
func TestTransportClosesOnceWhenBaseFails(t *testing.T) {
	key, err := NewKey(Vrnt1, judgeKeyID, judgeKey)
	if err != nil {
		t.Fatal(err)
	}
	failing := errors.New("failing")
	tr := &Transport{
		Signer: key,
		Hosts:  []string{"api.example"},
		Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			_ = r.Body.Close()
			return nil, failing
		}),
	}
	body := &watched{Reader: strings.NewReader("hello")}
	resp, err := tr.RoundTrip(newRequest(t, "POST", "https://api.example/", body))
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, failing) || body.closes() != 1 {
		t.Errorf("%v, closed %d times", err, body.closes())
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTransportBareRequests gives requests as nobody's constructor makes them.
func TestTransportBareRequests(t *testing.T) {
	j := newJudge(t, false, nil)
	u, err := url.Parse(j.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		r    *http.Request
		want string // "" is an error
	}{
		"nothing else": {&http.Request{URL: u}, "GET /x 0"},
		"a body without a length": {&http.Request{
			Method: "PUT", URL: u, Body: io.NopCloser(strings.NewReader("hello")),
		}, "PUT /x 5"},
		"chunked by name": {&http.Request{
			Method: "PUT", URL: u, Body: io.NopCloser(strings.NewReader("hello")), TransferEncoding: []string{"chunked"}, ContentLength: -1,
		}, "PUT /x 5"},
		"a length without a body": {&http.Request{Method: "PUT", URL: u, ContentLength: 5}, ""},
		"a length and NoBody": {&http.Request{
			Method: "PUT", URL: u, ContentLength: 5, Body: http.NoBody,
		}, "PUT /x 0"},
		"no length and no body": {&http.Request{Method: "PUT", URL: u, ContentLength: -1}, "PUT /x 0"},
		"a path that is not clean": {&http.Request{URL: &url.URL{
			Scheme: u.Scheme, Host: u.Host, Path: "/a b/ü/../%2f", RawQuery: "a=%20&b",
		}}, "GET /a%20b/%C3%BC/../%252f?a=%20&b 0"},
		"no path": {&http.Request{URL: &url.URL{Scheme: u.Scheme, Host: u.Host}}, "GET / 0"},
		"a query that is none": {&http.Request{
			URL: &url.URL{Scheme: u.Scheme, Host: u.Host, ForceQuery: true},
		}, "GET /? 0"},
		"a blank in the query": {&http.Request{URL: &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: "a b"}}, ""},
		"a fragment in the URL": {&http.Request{
			URL: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/x", Fragment: "y"},
		}, "GET /x 0"},
		"a fragment in a query": {&http.Request{URL: &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: "a#b"}}, ""},
		"a line end in a query": {&http.Request{
			URL: &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: "a\nVerint-X: y"},
		}, ""},
		"a method in lower case": {&http.Request{Method: "get", URL: u}, "get /x 0"},
	} {
		resp, err := j.transport(t, RFC9421).RoundTrip(row.r)
		if err == nil {
			_ = resp.Body.Close()
		}
		got := strings.Join(j.seen(), " ")
		if got != row.want || (err != nil) != (row.want == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestTransportUnbounded has a bound that one more would overflow.
func TestTransportUnbounded(t *testing.T) {
	j := newJudge(t, false, nil)
	tr := j.transport(t, RFC9421)
	tr.MaxBody = math.MaxInt64
	for _, length := range []int64{5, -1, 0} {
		r := newRequest(t, "POST", j.URL+"/", onlyReader{strings.NewReader("hello")})
		r.ContentLength = length
		resp, err := tr.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := j.seen(); !slices.Equal(got, []string{"POST / 5"}) {
			t.Errorf("%d: %q", length, got)
		}
	}
}

// TestTransportRedirectsDigests has a client with a digest of its own redirected: where the body is left behind, so is
// its digest.
func TestTransportRedirectsDigests(t *testing.T) {
	for status, want := range map[int]string{303: "GET /there 0", 307: "POST /there 5"} {
		j := newJudge(t, false, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/here" {
				http.Redirect(w, r, "/there", status)
			}
		})
		client := &http.Client{Transport: j.transport(t, RFC9421)}
		r := newRequest(t, "POST", j.URL+"/here", bytes.NewReader([]byte("hello")))
		r.Header.Set("Content-Digest", DigestBody([]byte("hello")))
		resp, err := client.Do(r)
		if err != nil {
			t.Errorf("%d: %v", status, err)
			continue
		}
		_ = resp.Body.Close()
		if got := j.seen(); !slices.Equal(got, []string{"POST /here 5", want}) {
			t.Errorf("%d: %q", status, got)
		}
	}
}
