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

// fields are the fields of a request in JSON.
type fields map[string]any

// server is the server that gets all requests.
type server struct {
	addr, namespace string
	http            *http.Client
}

// newServer returns the server that the environment names, as for Vault's own CLI.
func newServer() (*server, error) {
	config := api.DefaultConfig() // reads VAULT_ADDR, VAULT_CACERT and the like
	if config.Error != nil {
		return nil, config.Error
	}
	// A redirect would send the token to another address. A node that redirects is not judged.
	client := *config.HttpClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Timeout = time.Minute
	return &server{addr: strings.TrimSuffix(config.Address, "/"), http: &client}, nil
}

// caller is one token and its owner, as far as the server names it.
type caller struct {
	at       *server
	token    string
	Accessor string   `json:"accessor,omitempty"`
	Entity   string   `json:"entity,omitempty"` // the name, or the ID if the server does not tell the name
	Policies []string `json:"policies,omitempty"`

	entityID string
	metadata map[string]any // the entity's own, not that of its groups
	aliases  []any
}

// answered is the server's answer to one request.
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

// send sends one plain HTTP request, without retries. path is the part after /v1/. For GET, LIST and DELETE the
// fields are sent in the query, where the engine reads them.
func (c *caller) send(ctx context.Context, method, path string, sent fields) (*answered, error) {
	const tries = 5
	for try := 1; ; try++ {
		a, err := c.once(ctx, method, path, sent)
		if err != nil || a.status != http.StatusTooManyRequests || try == tries {
			return a, err
		}
		select { // a rate limit says nothing about a wall
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
	_ = json.Unmarshal(a.body, a) // metrics are not JSON, and their status is enough
	return a, nil
}

// unwrapped returns the answer that a wrapping token stands for. It returns other answers as they are.
func (c *caller) unwrapped(ctx context.Context, a *answered) (*answered, error) {
	if a.WrapInfo == nil || a.WrapInfo.Token == "" {
		return a, nil
	}
	bearer := &caller{at: c.at, token: a.WrapInfo.Token}
	return bearer.send(ctx, http.MethodPost, "sys/wrapping/unwrap", nil)
}
