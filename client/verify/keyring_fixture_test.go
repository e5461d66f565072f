package verify

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maypok86/otter/v2"

	"vault-plugin-secrets-apikeys/client/clienttest"
	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
	"vault-plugin-secrets-apikeys/signing"
)

// ring is a keyring of an engine that allows it, and what is between them.
type ring struct {
	t      *testing.T
	engine *clienttest.Engine
	*Keyring

	mu    sync.Mutex
	asked map[string]int // by key ID
	now   int            // fetches under way
	most  int            // and how many there were at once
	slow  time.Duration  // how long a fetch takes
	odd   func(*http.Request) (*http.Response, error)
}

// ringed runs a test with a keyring of tenant acme, whose key "billing" may be fetched, in a bubble.
func ringed(t *testing.T, opts []KeyringOption, test func(t *testing.T, r *ring, key clienttest.Key)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &ring{t: t, engine: clienttest.New(t), asked: map[string]int{}}
		r.engine.Tenant("acme")
		r.engine.AllowLocal("acme")
		r.Keyring = r.another(opts...)
		test(t, r, r.engine.Key("acme", "external/keys/billing", map[string]any{"replay": "off"}))
	})
}

func (r *ring) another(opts ...KeyringOption) *Keyring {
	vault := r.engine.ClientOver(r, "")
	k, err := NewKeyring(vault, "apikeys/", opts...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = k.Close() })
	return k
}

// RoundTrip passes a fetch on, and counts it.
func (r *ring) RoundTrip(req *http.Request) (*http.Response, error) {
	_, id, _ := strings.Cut(req.URL.Path, "/keyring/")
	r.mu.Lock()
	r.asked[id]++
	r.now++
	r.most = max(r.most, r.now)
	slow, odd := r.slow, r.odd
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.now--
		r.mu.Unlock()
	}()
	if slow > 0 {
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-time.After(slow):
		}
	}
	if odd != nil {
		return odd(req)
	}
	return r.engine.Transport().RoundTrip(req)
}

// sizeOf returns how many values a cache holds.
func sizeOf[V any](c *otter.Cache[string, V]) int {
	c.CleanUp()
	return c.EstimatedSize()
}

func (r *ring) set(slow time.Duration, odd func(*http.Request) (*http.Response, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slow, r.odd = slow, odd
}

func (r *ring) fetches(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[id]
}

func (r *ring) mostAtOnce() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

// call returns a call signed now.
func (r *ring) call(key clienttest.Key) Call {
	r.t.Helper()
	return Call{Request: signedText(r.t, key, "GET /orders HTTP/1.1\nHost: api.example\n", time.Now())}
}

func signedText(t testing.TB, key clienttest.Key, text string, at time.Time) string {
	t.Helper()
	head, err := signing.ParseHeadString(text)
	if err != nil {
		t.Fatal(err)
	}
	added, err := signing.SignHead(key.Signer.Scheme(), head, key.ID, key.Secret, at)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range added {
		text += h.Name + ": " + h.Value + "\n"
	}
	return text
}

// finds checks the verdict on a call, or on an error which it is.
func (r *ring) finds(c Call, want Code, failure error) Verdict {
	r.t.Helper()
	v, err := r.Verify(r.t.Context(), c)
	if v.Code != want || !errors.Is(err, failure) || v.Valid != (want == Valid) {
		r.t.Fatalf("%q, %v; want %q, %v", v.Code, err, want, failure)
	}
	return v
}

func refuses(status int, text string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		resp := vaulttest.Says(status, text)
		resp.Request = r
		return resp, nil
	}
}

// answersFor answers each fetch as if the key were that of the answer.
func answersFor(answer map[string]any) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		data := maps.Clone(answer)
		_, data["key_id"], _ = strings.Cut(req.URL.Path, "/keyring/")
		resp := vaulttest.Replies(map[string]any{"data": data})
		resp.Request = req
		return resp, nil
	}
}
