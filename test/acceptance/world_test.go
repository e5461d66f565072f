//go:build acceptance

package acceptance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// world is a server with the plugin mounted at apikeys/, audited, and everybody who may be named in a test.
type world struct {
	*devserver.Server
	bin string // holds vault and sign, to be put on PATH

	mu      sync.Mutex
	people  map[string]devserver.Person
	tokens  map[string]string
	tenants int
	secrets needles // what was handed out, and must not be found in a log
}

// policyScript is what puts the policies on a server.
const policyScript = "../../scripts/policies.sh"

// newWorld starts a server: the one named by VAULT_BIN or BAO_BIN, or what Find finds.
func newWorld(ctx context.Context, durable bool) (*world, error) {
	bin, err := devserver.Find("../../build/server/vault")
	if err != nil {
		return nil, err
	}
	server, err := devserver.Start(ctx, devserver.Options{Bin: bin, Durable: durable})
	if err != nil {
		return nil, err
	}
	w := &world{
		Server: server, bin: filepath.Join(server.Dir, "bin"),
		people: map[string]devserver.Person{}, tokens: map[string]string{"root": server.RootToken, "nobody": ""},
		secrets: needles{},
	}
	w.know(tour.Provider())
	w.know(furtherProvider())
	if err := w.furnish(ctx); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return w, nil
}

// furtherProvider returns those of the provider who are not in the tour.
func furtherProvider() []devserver.Person {
	return []devserver.Person{
		{Name: "migrator", Policies: policies.Named("migrator")},
		{Name: "local-gateway", Policies: policies.Named("local-verifier")},
	}
}

// ownWorld starts a server for one test, after which it must leave no process behind. A durable one can be restarted.
func ownWorld(t *testing.T, durable bool) *world {
	t.Helper()
	w, err := newWorld(context.Background(), durable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.sound(), w.Stop()); err != nil {
			t.Error(err)
		}
		if err := syscall.Kill(-w.PID(), 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("a process was left behind: %v", err)
		}
	})
	return w
}

func (w *world) furnish(ctx context.Context) error {
	plugin := devserver.Plugin{
		File:    cmp.Or(os.Getenv("PLUGIN"), "../../build/vault-plugin-secrets-apikeys"),
		Version: os.Getenv("PLUGIN_VERSION"), Mount: "apikeys",
	}
	sign := filepath.Join(w.Dir, "sign")
	build := exec.CommandContext(ctx, "go", "build", "-o", sign, "../../bootstrap/tour/sign")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building sign: %w: %s", err, output)
	}
	return errors.Join(
		tour.Commands(w.bin, w.Bin, sign),
		w.EnableAudit(ctx),
		w.Install(ctx, plugin),
		w.LoadPolicies(ctx, policyScript, policies.Mount, policies.Prefix),
		w.EnableLogins(ctx),
	)
}

// know makes people known, who are enrolled when their token is first asked for.
func (w *world) know(people []devserver.Person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, person := range people {
		w.people[person.Name] = person
	}
}

// token returns the token of anybody known; spa, operator, monitor, gateway, local-gateway, migrator, root and nobody
// are from the start.
func (w *world) token(ctx context.Context, name string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if token, ok := w.tokens[name]; ok {
		return token, nil
	}
	person, ok := w.people[name]
	if !ok {
		return "", fmt.Errorf("nobody is called %s", name)
	}
	if err := w.Enrol(ctx, person); err != nil {
		return "", err
	}
	token, err := w.Login(ctx, name)
	if err != nil {
		return "", err
	}
	w.tokens[name] = token
	return token, nil
}

// unused returns a name for a tenant that begins with prefix and was not used before.
func (w *world) unused(prefix string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenants++
	return fmt.Sprintf("%s-%d", prefix, w.tenants)
}

// open has the SPA open a tenant whose name begins with prefix, and makes its staff known.
func (w *world) open(ctx context.Context, prefix string) (string, error) {
	return w.openNamed(ctx, w.unused(prefix))
}

// openNamed has the SPA open a tenant of a name, and makes its staff known.
func (w *world) openNamed(ctx context.Context, tenant string) (string, error) {
	w.know(tour.Staff(tenant))
	token, err := w.token(ctx, "spa")
	if err != nil {
		return "", err
	}
	_, err = w.Client(token).
		Logical().
		WriteWithContext(ctx, "apikeys/admin/tenants/"+tenant, map[string]any{"display_name": tenant})
	return tenant, err
}

// tenant opens a tenant for a test.
func (w *world) tenant(t *testing.T, prefix string) string {
	t.Helper()
	tenant, err := w.open(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// client returns a client that acts as somebody for a test.
func (w *world) client(t *testing.T, name string) *api.Client {
	t.Helper()
	token, err := w.token(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return w.Client(token)
}

// irrevocable returns an error when a lease could not be ended, as Vault tries for a while and then gives up.
func (w *world) irrevocable(ctx context.Context) error {
	query := map[string][]string{"type": {"irrevocable"}}
	count, err := w.Root().Logical().ReadWithDataWithContext(ctx, "sys/leases/count", query)
	if err != nil {
		return err
	}
	if count == nil || fmt.Sprint(count.Data["lease_count"]) != "0" {
		return errors.New("there are leases that cannot be revoked")
	}
	return nil
}

// sound returns an error for what must never be found once the tests are over.
func (w *world) sound() error {
	return errors.Join(w.leaks(), w.irrevocable(context.Background()))
}
