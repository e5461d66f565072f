//go:build acceptance

package acceptance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/signing"
)

// signer has a source sign calls, which a verifier of the tenant judges.
type signer struct {
	name   string
	source client.Source
	judge  *api.Client
	path   string // of verify
	head   *signing.Head

	calls, refused, again atomic.Int64
	keys                  sync.Map // IDs of those that have signed
}

// once signs one call and returns its key's ID and the verdict on it.
func (s *signer) once(ctx context.Context) (keyID, verdict string, err error) {
	added, err := s.source.Sign(ctx, s.head)
	if err != nil {
		return "", "", err
	}
	signed, err := s.head.With(added)
	if err != nil {
		return "", "", err
	}
	call, err := signing.ParseCall(signed)
	if err != nil {
		return "", "", err
	}
	answer, err := s.judge.Logical().JSONMergePatch(ctx, s.path, map[string]any{"request": signed.String()})
	if err != nil {
		return "", "", err
	}
	s.keys.Store(call.KeyID, true)
	return call.KeyID, fmt.Sprint(answer.Data["verdict"]), nil
}

// call is what an app does: a call that is refused for its key's sake is reported, and made again a few times.
func (s *signer) call(ctx context.Context) error {
	s.calls.Add(1)
	for try := range 50 {
		keyID, verdict, err := s.once(ctx)
		switch {
		case err != nil:
			return err
		case verdict == "valid":
			return nil
		// a key of seconds can end on a machine that stalls
		case verdict != "revoked" && verdict != "expired" || try == 49:
			return fmt.Errorf("%s", verdict)
		}
		s.again.Add(1)
		if source, ok := s.source.(interface{ Report(keyID string) }); ok {
			source.Report(keyID)
		}
		time.Sleep(time.Second / 10)
	}
	return nil
}

func (s *signer) count() (n int) {
	s.keys.Range(func(any, any) bool { n++; return true })
	return n
}

// TestClient signs without a break from the three kinds of source, while keys are rotated, leases run out or are
// revoked, and the token is renewed and replaced. No call is refused; those of a lease that somebody revokes are once,
// and go on with another key.
func TestClient(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "client")
	admin, root, app := shared.caller(t, tenant+"-admin"), shared.caller(t, "root"), shared.client(t, tenant+"-app")
	admin.must("POST", "apikeys/my/external/keys/static", fields{"reveal": "always"})
	admin.must("POST", "apikeys/my/external/keys/remote", fields{"reveal": "never"})
	admin.must("POST", "apikeys/my/external/roles/leased", fields{"ttl": "6s", "max_ttl": "12s"})
	admin.must("POST", "apikeys/my/external/roles/lasting", fields{"ttl": "1h"})

	creds := "apikeys/tenants/" + tenant + "/external/creds/"
	leased, err := client.NewLease(t.Context(), app, creds+"leased", client.WithDrain(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	lasting, err := client.NewLease(t.Context(), app, creds+"lasting")
	if err != nil {
		t.Fatal(err)
	}
	static, err := client.NewStatic(
		t.Context(),
		app,
		"apikeys/my/external/static-creds/static",
		client.WithPoll(time.Second),
	)
	if err != nil {
		t.Fatal(err)
	}
	head, err := signing.ParseHead([]byte("GET /orders?page=2 HTTP/1.1\nHost: api.example\nVerint-UserName: Agent7\n"))
	if err != nil {
		t.Fatal(err)
	}
	signers := []*signer{
		{name: "leased", source: leased},
		{name: "lasting", source: lasting},
		{name: "static", source: static},
		{name: "remote", source: client.NewRemote(app, "apikeys/my/external/sign/remote")},
	}
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	for _, s := range signers {
		s.judge, s.path, s.head = shared.client(t, tenant+"-verifier"), "apikeys/my/verify", head
		for range 2 {
			wait.Go(func() {
				for ctx.Err() == nil {
					if err := s.call(context.WithoutCancel(ctx)); err != nil {
						s.refused.Add(1)
						t.Errorf("%s: %v", s.name, err)
						return
					}
				}
			})
		}
	}

	rotations := 0
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); rotations++ {
		admin.must("POST", "apikeys/my/external/keys/static/rotate", fields{"overlap": "10m"})
		admin.must("POST", "apikeys/my/external/keys/remote/rotate", fields{"overlap": "10m"})
		time.Sleep(4 * time.Second)
		switch rotations {
		case 0:
			if _, err := app.Auth().Token().RenewSelfWithContext(t.Context(), 3600); err != nil {
				t.Error(err)
			}
		case 1:
			id := lasting.KeyID()
			root.must("POST", "sys/leases/revoke-prefix/"+creds+"lasting", nil)
			until(t, "another key is taken", func() error {
				if lasting.KeyID() == id {
					return fmt.Errorf("still %s", id)
				}
				return nil
			})
		case 2:
			token, err := shared.Login(t.Context(), tenant+"-app")
			if err != nil {
				t.Error(err)
			}
			app.SetToken(token)
		}
	}
	stop()
	wait.Wait()

	for _, s := range signers {
		least := map[string]int{"leased": 2, "lasting": 2, "static": rotations, "remote": rotations}[s.name]
		t.Logf(
			"%s: %d calls with %d keys, %d refused, %d made again",
			s.name,
			s.calls.Load(),
			s.count(),
			s.refused.Load(),
			s.again.Load(),
		)
		if s.calls.Load() < 100 || s.count() < least {
			t.Errorf("%s: %d calls, %d keys", s.name, s.calls.Load(), s.count())
		}
		if (s.name == "static" || s.name == "remote") && s.again.Load() > 0 {
			t.Errorf("%s: %d calls were refused at first", s.name, s.again.Load())
		}
		if err := s.source.Close(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	clientOverHTTP(t, tenant)
}

// clientOverHTTP has a client whose calls are all signed, and a server that asks the engine about each.
func clientOverHTTP(t *testing.T, tenant string) {
	t.Helper()
	gateway := shared.caller(t, "gateway")
	server := newGateway(t, func(head string) string { return gateway.verdict(head) })
	source, err := client.NewLease(
		t.Context(),
		shared.client(t, tenant+"-app"),
		"apikeys/tenants/"+tenant+"/external/creds/lasting",
	)
	if err != nil {
		t.Fatal(err)
	}
	calls := &http.Client{Transport: &signing.Transport{
		Signer: source, Hosts: []string{strings.TrimPrefix(server, "http://")}, Refused: source.Report,
	}}
	defer calls.CloseIdleConnections()
	for _, body := range []string{"", "hello"} {
		req, err := http.NewRequestWithContext(
			t.Context(),
			http.MethodPost,
			server+"/orders?x=%20",
			strings.NewReader(body),
		)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Verint-UserName", "Agent7")
		resp, err := calls.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %v", resp.Status, err)
		}
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
}
