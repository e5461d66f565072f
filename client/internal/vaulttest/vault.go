// Package vaulttest has what tests of the client packages share: a Vault in memory that answers as a test tells it to,
// an engine for examples, and measures of what is left behind.
package vaulttest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/api"
)

// Vault is an [http.RoundTripper] that answers in the place of a Vault server. Lock it to change it while it is in use.
type Vault struct {
	sync.Mutex

	// Odd answers first, unless it returns nil. The lock is not held.
	Odd func(r *http.Request, sent map[string]any) (*http.Response, error)
	// Answer answers the rest. The lock is held. Nil is 404.
	Answer func(r *http.Request, path string, sent map[string]any) *http.Response

	Asked  []string // method and path of each request
	Tokens []string // the token of each request
}

// Client returns a client of the fake with token "app".
func (v *Vault) Client(t testing.TB) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Address = "http://vault.test:8200"
	config.HttpClient = &http.Client{Transport: v, CheckRedirect: config.HttpClient.CheckRedirect}
	vault, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	vault.SetToken("app")
	return vault
}

// RoundTrip answers a request.
func (v *Vault) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := v.roundTrip(r)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

func (v *Vault) roundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var sent map[string]any
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(r.Body.Close(), json.Unmarshal(text, &sent)); err != nil && len(text) > 0 {
			return nil, err
		}
		if stringsOf(text) > 1000 {
			return Says(400, "refused JSON input due to high complexity"), nil // as OpenBao's listener does
		}
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	v.Lock()
	v.Asked = append(v.Asked, r.Method+" "+path)
	v.Tokens = append(v.Tokens, r.Header.Get("X-Vault-Token"))
	odd := v.Odd
	v.Unlock()
	if odd != nil {
		if resp, err := odd(r, sent); resp != nil || err != nil {
			return resp, err
		}
	}
	v.Lock()
	defer v.Unlock()
	if v.Answer == nil {
		return Says(404), nil
	}
	return v.Answer(r, path, sent), nil
}

// Count returns how many requests ended in that text, as "PATCH path" does.
func (v *Vault) Count(what string) (n int) {
	v.Lock()
	defer v.Unlock()
	for _, asked := range v.Asked {
		if strings.HasSuffix(asked, what) {
			n++
		}
	}
	return n
}

// Set changes the fake while it is in use.
func (v *Vault) Set(change func()) {
	v.Lock()
	defer v.Unlock()
	change()
}

// Away makes the fake not be there, or answer with a status, until it is [Vault.Back].
func (v *Vault) Away(status int) {
	v.Set(func() {
		v.Odd = func(*http.Request, map[string]any) (*http.Response, error) {
			if status == 0 {
				return nil, errors.New("connection refused")
			}
			return Says(status, "away"), nil
		}
	})
}

// Hang makes the fake not answer until the caller gives up.
func (v *Vault) Hang() {
	v.Set(func() {
		v.Odd = func(r *http.Request, _ map[string]any) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
	})
}

// Back ends what [Vault.Away] and [Vault.Hang] began.
func (v *Vault) Back() { v.Set(func() { v.Odd = nil }) }
