//go:build acceptance

package acceptance

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vault-plugin-secrets-apikeys/client/middleware"
	"vault-plugin-secrets-apikeys/client/verify"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/signing"
)

// oneByOne asks about each call in a request of its own, as a gateway without a verifier would.
type oneByOne struct{ vault *api.Client }

func (o oneByOne) Verify(ctx context.Context, c verify.Call) (verify.Verdict, error) {
	answer, err := o.vault.Logical().JSONMergePatch(ctx, "apikeys/verify", map[string]any{"request": c.Request})
	if err != nil {
		return verify.Verdict{}, err
	}
	verdict, _ := answer.Data["verdict"].(string)
	return verify.Verdict{Code: verify.Code(verdict), Valid: answer.Data["valid"] == true}, nil
}

// gatewayClient returns a client of a gateway that keeps enough connections for many callers.
func gatewayClient(ctx context.Context) (*api.Client, error) {
	token, err := shared.token(ctx, "gateway")
	if err != nil {
		return nil, err
	}
	config := api.DefaultConfig()
	config.Address = shared.Addr
	if base, ok := config.HttpClient.Transport.(*http.Transport); ok {
		base.MaxIdleConnsPerHost = 256
	}
	vault, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	vault.SetToken(token)
	return vault, nil
}

// newKey opens a tenant and returns a key of it.
func newKey(ctx context.Context) (*signing.Key, error) {
	tenant, err := shared.open(ctx, "verifier")
	if err != nil {
		return nil, err
	}
	token, err := shared.token(ctx, tenant+"-admin")
	if err != nil {
		return nil, err
	}
	admin, path := shared.Client(token).Logical(), "apikeys/my/external/keys/busy"
	if _, err := admin.WriteWithContext(ctx, path, map[string]any{"scheme": "vrnt-1"}); err != nil {
		return nil, err
	}
	answer, err := admin.WriteWithContext(ctx, path+"/reveal", nil)
	if err != nil {
		return nil, err
	}
	id, _ := answer.Data["key_id"].(string)
	text, _ := answer.Data["key"].(string)
	secret, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return signing.NewKey(signing.Vrnt1, id, secret)
}

// gateway returns the client of a gateway, and a key whose calls it is to judge.
func gateway(tb testing.TB) (*api.Client, *signing.Key) {
	tb.Helper()
	vault, err := gatewayClient(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	key, err := newKey(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return vault, key
}

// callOf signs a call that is new.
func callOf(key *signing.Key) (verify.Call, error) {
	head, err := signing.ParseHeadString("GET /orders?page=2 HTTP/1.1\nHost: api.example\nVerint-UserName: agent7\n")
	if err != nil {
		return verify.Call{}, err
	}
	added, err := key.Sign(context.Background(), head)
	if err != nil {
		return verify.Call{}, err
	}
	signed, err := head.With(added)
	if err != nil {
		return verify.Call{}, err
	}
	return verify.Call{Request: signed.String()}, nil
}

// callsOf signs so many calls, all different.
func callsOf(key *signing.Key, n int) ([]verify.Call, error) {
	calls := make([]verify.Call, n)
	for i := range calls {
		var err error
		if calls[i], err = callOf(key); err != nil {
			return nil, err
		}
	}
	return calls, nil
}

// crowdOf has so many callers take the calls one after another, and wait for the verdict on each.
func crowdOf(callers int, calls []verify.Call, judge verify.Judge) error {
	var next atomic.Int64
	errs := make([]error, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(calls)) && errs[i] == nil; n = next.Add(1) - 1 {
				verdict, err := judge.Verify(context.Background(), calls[n])
				if err == nil && !verdict.Valid {
					err = fmt.Errorf("judged %s", verdict.Code)
				}
				errs[i] = err
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// TestVerifier has a crowd verified by a real server, and calls that are not good among them.
func TestVerifier(t *testing.T) {
	t.Parallel()
	vault, key := gateway(t)
	v, err := verify.NewVerifier(vault, "apikeys/verify")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			calls, err := callsOf(key, 500)
			if err == nil {
				err = crowdOf(16, calls, v)
			}
			if err != nil {
				t.Error(err)
			}
		})
		wait.Go(func() {
			for range 100 {
				verdict, err := v.Verify(t.Context(), verify.Call{Request: strings.Repeat("no head ", 100)})
				if err != nil || verdict.Code != verify.Malformed {
					t.Errorf("%v %v", verdict, err)
				}
			}
		})
	}
	wait.Wait()
	call, err := callOf(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []verify.Code{verify.Valid, verify.Replayed} {
		verdict, err := v.Verify(t.Context(), call)
		if err != nil || verdict.Code != want || verdict.KeyID != key.ID() || verdict.Name != "busy" {
			t.Errorf("%v %v, want %s", verdict, err, want)
		}
	}
	throughMiddleware(t, key, v)
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

// throughMiddleware has a server let calls of a signing client through, and no others.
func throughMiddleware(t *testing.T, key *signing.Key, judge verify.Judge) {
	t.Helper()
	gate := middleware.New(judge, middleware.WithSignedHeadersOnly())
	server := httptest.NewServer(gate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who, ok := middleware.PrincipalFrom(r.Context())
		if !ok || who.KeyID != key.ID() || who.Name != "busy" || r.Header.Get("Verint-UserName") != "Agent7" ||
			r.Header.Get("User-Agent") != "" {
			t.Errorf("%v called with %v", who, r.Header)
		}
	})))
	defer server.Close()
	signed := &http.Client{
		Transport: &signing.Transport{Signer: key, Hosts: []string{strings.TrimPrefix(server.URL, "http://")}},
	}
	defer signed.CloseIdleConnections()
	for status, caller := range map[int]*http.Client{
		http.StatusOK: signed, http.StatusUnauthorized: http.DefaultClient,
	} {
		for range 10 {
			req, err := http.NewRequestWithContext(
				t.Context(),
				http.MethodPost,
				server.URL+"/orders?x=%20",
				strings.NewReader("hello"),
			)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Verint-UserName", "Agent7")
			resp, err := caller.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil || resp.StatusCode != status {
				t.Errorf("%s, not %d: %v", resp.Status, status, err)
			}
		}
	}
}
