package signing

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// recorder is a base that sends nothing, and keeps what it was to send.
type recorder struct{ sent []*http.Request }

func (b *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	b.sent = append(b.sent, r)
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// sentBy returns what a transport over a [recorder] made of a request.
func sentBy(t *testing.T, tr *Transport, r *http.Request) (*http.Request, error) {
	t.Helper()
	base := new(recorder)
	tr.Base = base
	resp, err := tr.RoundTrip(r)
	if err != nil {
		if len(base.sent) > 0 {
			t.Error("an error, and it was sent")
		}
		return nil, err
	}
	_ = resp.Body.Close()
	return base.sent[0], nil
}

// TestTransportHosts names hosts in all the ways in which a URL and a Host header can.
func TestTransportHosts(t *testing.T) {
	for _, row := range []struct {
		hosts, url, host string // host is Request.Host; "" leaves it the URL's
		want             error
	}{
		{"api.example", "https://api.example/", "", nil},
		{"api.example", "https://API.Example/", "", nil},
		{"API.EXAMPLE", "https://api.example/", "", nil},
		{"api.example", "https://api.example:443/", "", nil},
		{"api.example:443", "https://api.example/", "", nil},
		{"api.example", "https://api.example/", "api.example:443", nil},
		{"api.example", "https://api.example:/", "", nil},
		{"api.example:8443", "https://api.example:8443/", "", nil},
		{"[2001:db8::1]", "https://[2001:DB8::1]:443/", "", nil},
		{"192.0.2.1 api.example", "https://192.0.2.1/", "api.example", nil},

		{"", "https://api.example/", "", ErrHost},
		{"api.example", "https://api.example:8443/", "", ErrHost},
		{"api.example", "https://api.example:80/", "", ErrHost},
		{"api.example:80", "https://api.example/", "", ErrHost},
		{"api.example:8443", "https://api.example/", "", ErrHost},
		{"api.example", "https://api.example:0443/", "", ErrHost},
		{"api.example", "https://api.example./", "", ErrHost},
		{"api.example.", "https://api.example/", "", ErrHost},
		{"api.example", "https://www.api.example/", "", ErrHost},
		{"api.example", "https://api.example.evil.test/", "", ErrHost},
		{"example", "https://api.example/", "", ErrHost},
		{"*.example", "https://api.example/", "", ErrHost},
		{"api.example", "https://api.example@evil.test/", "", ErrHost},
		{"api.example", "https://api.example:443@evil.test/", "", ErrHost},
		{"api.example", "https://evil.test/?https://api.example/", "", ErrHost},
		{"api.example", "https://evil.test/", "api.example", ErrHost},
		{"api.example", "https://api.example/", "evil.test", ErrHost},
		{"api.example", "https://api.example/", "api.example:80", ErrHost},
		{"api.example", "https://api.example/", "api.example.", ErrHost},
		{"api.example", "https://api.example/", "api.example/evil.test", ErrHost},
		{"api.example", "https://api.example/", "api.example, evil.test", ErrHost},
		{"api.example", "https://api.example/", "api.example evil.test", ErrHost},
		{"api.example", "https://api.example/", "api.example\r\nX: y", ErrHost},
		{"kelvin.example", "https://\u212aelvin.example/", "", ErrHost}, // which Unicode has as a k
		{"api.example", "http://api.example/", "", ErrUnsignable},
		{"127.0.0.2.example", "http://127.0.0.2.example/", "", ErrUnsignable},
		{"localhost.", "http://localhost./", "", ErrUnsignable},
		{"[fe80::1%25eth0]", "https://[fe80::1%25eth0]/", "", ErrHost},
		{"[fe80::1%eth0]", "https://[fe80::1%25eth0]/", "", ErrUnsignable},
	} {
		key, err := NewKey(RFC9421, judgeKeyID, judgeKey)
		if err != nil {
			t.Fatal(err)
		}
		r := newRequest(t, "GET", row.url, nil)
		if row.host != "" {
			r.Host = row.host
		}
		sent, err := sentBy(t, &Transport{Signer: key, Hosts: strings.Fields(row.hosts)}, r)
		if !errors.Is(err, row.want) {
			t.Errorf("%+v: %v", row, err)
		}
		if row.want != nil && sent != nil {
			t.Errorf("%+v: it was sent to %s as %s", row, sent.URL.Host, sent.Host)
		}
	}
}

// A user in the URL does not reach the base: net/http makes it another Authorization, which is not signed over.
func TestTransportUserInfo(t *testing.T) {
	for _, scheme := range []Scheme{Vrnt1, RFC9421} {
		j := newJudge(t, false, nil)
		client := &http.Client{Transport: j.transport(t, scheme)}
		//nolint:bodyclose // There is none.
		_, err := client.Do(newRequest(t, "GET", strings.Replace(j.URL, "//", "//api.example:secret@", 1)+"/", nil))
		if !errors.Is(err, ErrSigned) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", scheme, err)
		}
		if calls := j.seen(); len(calls) > 0 {
			t.Errorf("%s: %q", scheme, calls)
		}
	}
}

// Redirects to what looks like the same host are not signed, and not sent.
func TestTransportRedirectsElsewhere(t *testing.T) {
	other := newJudge(t, false, nil)
	_, port, _ := strings.Cut(other.Listener.Addr().String(), ":")
	for _, where := range []string{
		other.URL + "/", "http://localhost:" + port + "/", "//127.0.0.1:" + port + "/",
		"http://HERE@127.0.0.1:" + port + "/", "http://127.0.0.1.:" + port + "/",
		"http://127.0.0.1/", "https://HERE/",
	} {
		j := newJudge(t, false, nil)
		here := j.Listener.Addr().String()
		where = strings.ReplaceAll(where, "HERE", here)
		j.Config.Handler = http.RedirectHandler(where, http.StatusTemporaryRedirect)
		tr := j.transport(t, RFC9421)
		tr.Hosts = []string{here, "api.example"}
		//nolint:bodyclose // There is none.
		_, err := (&http.Client{Transport: tr}).Do(newRequest(t, "PUT", j.URL+"/", strings.NewReader("hello")))
		if where == "https://"+here+"/" { // It is named, but speaks no TLS: nothing signed leaves in the clear.
			if err == nil || len(j.seen()) > 0 {
				t.Errorf("%s: %v", where, err)
			}
			continue
		}
		if !errors.Is(err, ErrHost) && !errors.Is(err, ErrUnsignable) {
			t.Errorf("%s: %v", where, err)
		}
	}
	if calls := other.seen(); len(calls) > 0 {
		t.Errorf("the other host got %q", calls)
	}
}

// Each time that the same request is given, another call goes out.
func TestTransportSignsAnew(t *testing.T) {
	for _, scheme := range []Scheme{Vrnt1, RFC9421} {
		j := newJudge(t, false, nil)
		tr := j.transport(t, scheme)
		r := newRequest(t, "GET", j.URL+"/x", nil)
		for n := range 3 {
			resp, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
				t.Errorf("%s, try %d: %s", scheme, n, resp.Status)
			}
		}
		if got := j.seen(); !slices.Equal(got, slices.Repeat([]string{"GET /x 0"}, 3)) {
			t.Errorf("%s: %q", scheme, got)
		}
	}
}

// A request that is given again later carries the time of then, and another nonce.
func TestTransportSignsAnewLater(t *testing.T) {
	for _, scheme := range []Scheme{Vrnt1, RFC9421} {
		synctest.Test(t, func(t *testing.T) {
			key, err := NewKey(scheme, judgeKeyID, judgeKey)
			if err != nil {
				t.Fatal(err)
			}
			r := newRequest(t, "GET", "https://api.example/x", nil)
			nonces := map[string]bool{}
			for range 3 {
				sent, err := sentBy(t, &Transport{Signer: key, Hosts: []string{"api.example"}}, r)
				if err != nil {
					t.Fatal(err)
				}
				call, err := receivedCall(
					&http.Request{Method: "GET", RequestURI: "/x", Host: "api.example", Header: sent.Header},
				)
				if err != nil {
					t.Fatal(err)
				}
				if !call.Time.Equal(time.Now()) || !call.SignedBy(judgeKey) || nonces[call.Nonce] {
					t.Errorf("%s: %+v", scheme, call)
				}
				nonces[call.Nonce] = true
				time.Sleep(10 * time.Second)
			}
		})
	}
}

// What is signed names the host that the request goes to, however it is written.
func TestTransportAuthority(t *testing.T) {
	key, err := NewKey(RFC9421, judgeKeyID, judgeKey)
	if err != nil {
		t.Fatal(err)
	}
	for host, port := range map[string]string{"API.example": "", "api.example": ":443"} {
		r := newRequest(t, "GET", fmt.Sprintf("https://%s%s/x", host, port), nil)
		sent, err := sentBy(t, &Transport{Signer: key, Hosts: []string{"api.example"}}, r)
		if err != nil {
			t.Fatal(err)
		}
		call, err := receivedCall(
			&http.Request{Method: sent.Method, RequestURI: "/x", Host: "api.example", Header: sent.Header},
		)
		if err != nil || !call.SignedBy(judgeKey) {
			t.Errorf("%s%s: %v", host, port, err)
		}
	}
}
