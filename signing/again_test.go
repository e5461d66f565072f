package signing

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestTransportRedirects(t *testing.T) {
	other := newJudge(t, false, nil)
	for status, row := range map[int]struct{ method, body string }{
		301: {"GET", ""}, 302: {"GET", ""}, 303: {"GET", ""}, 307: {"POST", "hello"}, 308: {"POST", "hello"},
	} {
		for _, h2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d %v", status, h2), func(t *testing.T) {
				j := newJudge(t, h2, func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/here":
						http.Redirect(w, r, "/there?x", status)
					case "/away":
						http.Redirect(w, r, other.URL+"/", status)
					}
				})
				client := &http.Client{Transport: j.transport(t, RFC9421)}
				resp, err := client.Do(newRequest(t, "POST", j.URL+"/here", strings.NewReader("hello")))
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				want := []string{"POST /here 5", fmt.Sprintf("%s /there?x %d", row.method, len(row.body))}
				if got := j.seen(); !slices.Equal(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
				//nolint:bodyclose // There is none.
				_, err = client.Do(newRequest(t, "POST", j.URL+"/away", strings.NewReader("hello")))
				if !errors.Is(err, ErrHost) && !errors.Is(err, ErrUnsignable) {
					t.Error(err)
				}
				if calls := other.seen(); len(calls) > 0 {
					t.Errorf("the other host got %q", calls)
				}
			})
		}
	}
}

// TestTransportKeptConnections has the server close a connection each time it is used again: once before it reads the
// call, and once after it has accepted it, when net/http sends a GET again by itself and the call is a replay.
func TestTransportKeptConnections(t *testing.T) {
	var dropped sync.Map
	j := newJudge(t, false, func(_ http.ResponseWriter, r *http.Request) {
		if _, again := dropped.LoadOrStore(r.URL.Path, true); !again && strings.HasPrefix(r.URL.Path, "/drop") {
			panic(http.ErrAbortHandler)
		}
	})
	client := &http.Client{Transport: j.transport(t, Vrnt1)}
	for i := range 50 {
		for _, path := range []string{"/kept", "/drop"} {
			resp, err := client.Do(newRequest(t, "GET", fmt.Sprintf("%s%s/%d", j.URL, path, i), nil))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("%s %d: %d", path, i, resp.StatusCode)
			}
		}
	}
	if !slices.Contains(j.seen(), "replayed") {
		t.Error("no call was sent twice")
	}
	// Between calls a closed connection is not noticed until it is used.
	for range 50 {
		resp, err := client.Do(newRequest(t, "PUT", j.URL+"/put", strings.NewReader("hello")))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.StatusCode)
		}
		client.CloseIdleConnections()
	}
}

func TestTransportManyAtOnce(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		j := newJudge(t, h2, nil)
		client := &http.Client{Transport: j.transport(t, RFC9421)}
		before := runtime.NumGoroutine()
		var wait sync.WaitGroup
		for i := range 16 {
			wait.Go(func() {
				for n := range 50 {
					resp, err := client.Do(
						newRequest(
							t,
							"POST",
							fmt.Sprintf("%s/%d/%d", j.URL, i, n),
							onlyReader{strings.NewReader("hello")},
						),
					)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						t.Error(resp.Status)
					}
				}
			})
		}
		wait.Wait()
		client.CloseIdleConnections()
		j.CloseClientConnections()
		j.Close()
		for runtime.NumGoroutine() > before+2 {
			runtime.Gosched() // The test's own time limit ends it if they stay.
		}
		if calls := j.seen(); len(calls) != 16*50 {
			t.Errorf("%d calls", len(calls))
		}
	}
}
