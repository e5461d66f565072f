//go:build cluster

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
	apikeys "vault-plugin-secrets-apikeys/client"
	"vault-plugin-secrets-apikeys/signing"
	"vault-plugin-secrets-apikeys/test/cluster/history"
)

// store is the tenant of the apps. The accountant knows nothing of it.
const store = "store"

// apps sign without a pause, each with a source of package client, and gateways judge their calls with the same
// package. All reach Vault through a balancer.
type apps struct {
	w        *world
	balancer *balancer
	vault    *api.Client // the apps'
	admin    *api.Client
	root     *api.Client
	verifier *verify.Verifier
	keyring  *verify.Keyring
	head     *signing.Head

	mu       sync.Mutex
	tallies  map[string]*tally
	steady   []*signer            // from the first leader to the last
	brief    []*signer            // replaced with each leader
	revoking map[string]bool      // the keys whose leases somebody revokes
	revoked  map[string]time.Time // and since when that is acknowledged
	faults   []string
	rotated  int // rotations that were acknowledged
	renewed  int // times that the token was renewed
	tried    int // times that a lease was revoked
}

// newApps opens the tenant and starts the apps that stay.
func (w *world) newApps(ctx context.Context, t *testing.T) *apps {
	t.Helper()
	a := &apps{
		w:        w,
		balancer: newBalancer(ctx, t, w),
		tallies:  map[string]*tally{},
		revoking: map[string]bool{},
		revoked:  map[string]time.Time{},
	}
	t.Cleanup(func() { a.report(t) })
	var err error
	if a.head, err = signing.ParseHeadString("GET /orders?page=2 HTTP/1.1\nHost: api.example\n"); err != nil {
		t.Fatal(err)
	}
	if err := a.open(ctx); err != nil {
		t.Fatal(err)
	}
	// Each has the address of the balancer in its environment, and its token in a file.
	t.Setenv("VAULT_ADDR", a.balancer.address)
	for _, name := range []string{"VAULT_NAMESPACE", "VAULT_TOKEN"} {
		t.Setenv(name, "")
	}
	as := func(who string) *api.Client {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(w.tokens[who]), 0o600); err != nil {
			t.Fatal(err)
		}
		vault, err := apikeys.FromEnv(file)
		if err != nil {
			t.Fatal(err)
		}
		return vault
	}
	a.vault, a.admin, a.root = as(store+"-app"), as(store+"-admin"), as("root")
	if a.verifier, err = verify.NewVerifier(as("gateway"), "apikeys/verify"); err != nil {
		t.Fatal(err)
	}
	if a.keyring, err = verify.NewKeyring(as("local-gateway"), "apikeys"); err != nil {
		t.Fatal(err)
	}
	if err := a.begin(ctx); err != nil {
		t.Fatal(err)
	}
	return a
}

// open enrols the apps, and makes their roles and keys.
func (a *apps) open(ctx context.Context) error {
	first := a.w.cluster.Nodes[0]
	// The policy app leaves it to leases to run out.
	err := first.Root().
		Sys().
		PutPolicyWithContext(ctx, "give-back", `path "sys/leases/revoke" { capabilities = ["update"] }`)
	if err != nil {
		return err
	}
	for _, person := range append(
		tour.Staff(store), devserver.Person{Name: "local-gateway", Policies: policies.Named("local-verifier")},
	) {
		switch person.Name {
		case store + "-app":
			person.Policies = append(person.Policies, "give-back")
		case store + "-admin", "local-gateway":
		default:
			continue
		}
		if err := first.Enrol(ctx, person); err != nil {
			return err
		}
		if a.w.tokens[person.Name], err = first.Login(ctx, person.Name); err != nil {
			return err
		}
	}
	for _, s := range []struct {
		who, method, path string
		fields            fields
	}{
		{"operator", "PATCH", "config", fields{"allow_local_verify": true}},
		{"spa", "POST", "admin/tenants/" + store, fields{"allow_local_verify": true}},
		{store + "-admin", "POST", "my/external/keys/static", fields{"reveal": "always", "scheme": "rfc9421"}},
		{store + "-admin", "POST", "my/external/keys/remote", fields{"reveal": "never", "scheme": "vrnt-1"}},
		{store + "-admin", "POST", "my/external/roles/lasting", fields{"ttl": 60, "scheme": "rfc9421"}},
		{
			store + "-admin", "POST", "my/external/roles/brief",
			fields{"ttl": briefTTL, "max_ttl": briefMost, "scheme": "vrnt-1"},
		},
	} {
		answer := a.w.send(
			ctx,
			first,
			request{who: s.who, method: s.method, path: "apikeys/" + s.path, fields: s.fields},
		)
		if answer.outcome() != history.Done {
			return fmt.Errorf("%s: %s", s.path, answer.says())
		}
	}
	return nil
}

// begin starts the apps that stay, once the balancer knows a leader.
func (a *apps) begin(ctx context.Context) error {
	if err := a.balancer.ready(ctx); err != nil {
		return err
	}
	lasting, err := a.lease(ctx, "lasting")
	if err != nil {
		return err
	}
	static, err := apikeys.NewStatic(
		ctx,
		a.vault,
		"apikeys/my/external/static-creds/static",
		apikeys.WithPoll(time.Second),
	)
	if err != nil {
		return err
	}
	for name, source := range map[string]apikeys.Source{
		"lasting": lasting, "static": static, "remote": apikeys.NewRemote(a.vault, "apikeys/my/external/sign/remote"),
	} {
		a.steady = append(a.steady, a.start(name, source))
	}
	return nil
}

func creds(role string) string { return "apikeys/tenants/" + store + "/external/creds/" + role }

func (a *apps) lease(ctx context.Context, role string) (*apikeys.Lease, error) {
	return apikeys.NewLease(ctx, a.vault, creds(role))
}

// start has an app sign with a source.
func (a *apps) start(name string, source apikeys.Source) *signer {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tallies[name] == nil {
		a.tallies[name] = new(tally)
	}
	ctx, end := context.WithCancel(context.Background())
	s := &signer{apps: a, name: name, source: source, tally: a.tallies[name], end: end}
	s.signing.Go(func() { s.run(ctx) })
	return s
}

// finish ends apps, in the end of which their leases are given back.
func finish(signers []*signer) error {
	var all []error
	for _, s := range signers {
		s.end()
	}
	for _, s := range signers {
		s.signing.Wait()
		all = append(all, s.source.Close())
	}
	return errors.Join(all...)
}

// fault notes what should not be.
func (a *apps) fault(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, time.Now().Format(time.TimeOnly)+" "+fmt.Sprintf(format, args...))
}

// isRevoking reports whether somebody has begun to revoke the key's lease.
func (a *apps) isRevoking(keyID string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.revoking[keyID]
}

// isRevoked reports whether the key's lease had been revoked for certain by then.
func (a *apps) isRevoked(keyID string, by time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.revoked[keyID]
	return ok && at.Before(by)
}

// all returns the apps that sign.
func (a *apps) all() []*signer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append(append([]*signer(nil), a.steady...), a.brief...)
}

// keptGood returns how many goroutines keep a lease good.
func keptGood() (int, error) {
	var stacks strings.Builder
	const whole = 2 // the stack of each
	err := pprof.Lookup("goroutine").WriteTo(&stacks, whole)
	return strings.Count(stacks.String(), "client.(*Lease).run("), err
}

// leases returns how many leases of a role there are.
func (a *apps) leases(ctx context.Context, role string) (int, error) {
	answer, err := a.root.Logical().ListWithContext(ctx, "sys/leases/lookup/"+creds(role))
	if missing, ok := errors.AsType[*api.ResponseError](err); ok && missing.StatusCode == http.StatusNotFound {
		return 0, nil
	}
	if err != nil || answer == nil {
		return 0, err
	}
	keys, _ := answer.Data["keys"].([]any)
	return len(keys), nil
}
