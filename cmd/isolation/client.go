package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// fields are those of a request, as JSON has them.
type fields map[string]any

// server is where all requests go.
type server struct {
	addr, namespace string
	http            *http.Client
}

// newServer returns the server that the environment names, as Vault's own CLI would reach it.
func newServer() (*server, error) {
	config := api.DefaultConfig() // reads VAULT_ADDR, VAULT_CACERT and the like
	if config.Error != nil {
		return nil, config.Error
	}
	// A redirect would carry a token to wherever it leads; a node that redirects is not judged.
	client := *config.HttpClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Timeout = time.Minute
	return &server{addr: strings.TrimSuffix(config.Address, "/"), http: &client}, nil
}

// caller is one token, and who is behind it as far as the server tells.
type caller struct {
	at       *server
	token    string
	Accessor string   `json:"accessor,omitempty"`
	Entity   string   `json:"entity,omitempty"` // its name, or its ID where the name is not told
	Policies []string `json:"policies,omitempty"`

	entityID string
	metadata map[string]any // the entity's own, not that of its groups
	aliases  []any
}

// answered is what the server has answered to one request.
type answered struct {
	status   int
	body     []byte
	Data     fields   `json:"data"`
	Errors   []string `json:"errors"`
	WrapInfo *struct {
		Token string `json:"token"`
	} `json:"wrap_info"`
}

func (a *answered) ok() bool { return a.status >= 200 && a.status < 300 }

func (a *answered) text(name string) string {
	s, _ := a.Data[name].(string)
	return s
}

func (a *answered) says() string { return strings.Join(a.Errors, "; ") }

// send sends one request as nothing but HTTP, without a client that tries again; path is that after /v1/. Of GET, LIST
// and DELETE the fields go into the query, where the engine takes them from.
func (c *caller) send(ctx context.Context, method, path string, sent fields) (*answered, error) {
	const tries = 5
	for try := 1; ; try++ {
		a, err := c.once(ctx, method, path, sent)
		if err != nil || a.status != http.StatusTooManyRequests || try == tries {
			return a, err
		}
		select { // A rate limit says nothing about a wall.
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *caller) once(ctx context.Context, method, path string, sent fields) (*answered, error) {
	target, body := c.at.addr+"/v1/"+path, io.Reader(nil)
	switch method {
	case http.MethodPost, http.MethodPatch:
		if sent == nil {
			sent = fields{}
		}
		text, err := json.Marshal(sent)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	default:
		query := url.Values{}
		for name, value := range sent {
			query.Set(name, fmt.Sprint(value))
		}
		if len(query) > 0 {
			target += "?" + query.Encode()
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Vault-Request", "true")
	req.Header.Set("X-Vault-Token", c.token)
	if c.at.namespace != "" {
		req.Header.Set("X-Vault-Namespace", c.at.namespace)
	}
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := c.at.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answered{status: resp.StatusCode}
	const longest = 16 << 20
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, longest)); err != nil {
		return nil, err
	}
	_ = json.Unmarshal(a.body, a) // Metrics are no JSON, and the status says enough.
	return a, nil
}

// unwrapped returns the answer that a wrapping token stands for; an answer that is not wrapped is that itself.
func (c *caller) unwrapped(ctx context.Context, a *answered) (*answered, error) {
	if a.WrapInfo == nil || a.WrapInfo.Token == "" {
		return a, nil
	}
	bearer := &caller{at: c.at, token: a.WrapInfo.Token}
	return bearer.send(ctx, http.MethodPost, "sys/wrapping/unwrap", nil)
}
