//go:build cluster

package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
	"vault-plugin-secrets-apikeys/bootstrap/tour"
	"vault-plugin-secrets-apikeys/test/cluster/history"
)

const (
	nodes  = 3
	tenant = "acme"
)

// world is a cluster, the people and apps of one tenant, and what the clients know together.
type world struct {
	cluster  *devserver.Cluster
	recorder *history.Recorder
	hurry    atomic.Bool
	tokens   map[string]string // of spa, operator, gateway, root, and the tenant's admin, app and verifier

	mu     sync.Mutex
	keys   []*key
	holds  []*secret // that were handed out
	recent []*call   // that were sent, to be sent again
}

// newWorld starts a cluster for the test, after which it leaves no process behind.
func newWorld(ctx context.Context, t *testing.T, recorder *history.Recorder) *world {
	t.Helper()
	bin, err := devserver.Find("../../build/server/vault")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	cluster, err := devserver.StartCluster(ctx, bin, nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		all := []error{cluster.Stop()}
		for _, node := range cluster.Nodes {
			all = append(all, ended(node))
		}
		if err := errors.Join(all...); err != nil {
			t.Error(err)
		}
	})
	w := &world{cluster: cluster, recorder: recorder, tokens: map[string]string{"root": cluster.Nodes[0].RootToken}}
	if err := w.furnish(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) furnish(ctx context.Context) error {
	plugin := devserver.Plugin{
		File:    cmp.Or(os.Getenv("PLUGIN"), "../../build/vault-plugin-secrets-apikeys"),
		Version: os.Getenv("PLUGIN_VERSION"), Mount: "apikeys",
	}
	first := w.cluster.Nodes[0]
	if err := errors.Join(
		w.cluster.Install(ctx, plugin),
		first.LoadPolicies(ctx, "../../scripts/policies.sh", policies.Mount, policies.Prefix),
		first.EnableLogins(ctx),
	); err != nil {
		return err
	}
	tokens, err := first.Admit(ctx, append(tour.Provider(), tour.Staff(tenant)...))
	if err != nil {
		return err
	}
	maps.Copy(w.tokens, tokens)
	return w.open(ctx)
}

// open sets the mount up for keys that live for seconds, and opens the tenant with its roles.
func (w *world) open(ctx context.Context) error {
	for _, s := range []struct {
		who, path string
		fields    fields
	}{
		{
			"operator", "config",
			fields{"min_overlap": "10s", "max_keys": 100_000, "max_leased": 100_000, "max_versions": 20},
		},
		{"spa", "admin/tenants/" + tenant, fields{"display_name": "Acme"}},
		{
			tenant + "-admin", "my/internal/roles/brief",
			fields{"scheme": "vrnt-1", "ttl": roles["brief"], "max_ttl": "10m"},
		},
		{
			tenant + "-admin", "my/internal/roles/steady",
			fields{"scheme": "rfc9421", "ttl": roles["steady"], "max_ttl": "10m"},
		},
	} {
		a := w.send(
			ctx,
			w.cluster.Nodes[0],
			request{who: s.who, method: "POST", path: "apikeys/" + s.path, fields: s.fields},
		)
		if a.outcome() != history.Done {
			return fmt.Errorf("%s: %s", s.path, a.says())
		}
	}
	return nil
}

// key is a named key as the clients know it.
type key struct {
	name    string // as KIND/NAME
	scheme  string
	by      int // rotations by hand that are left
	current string
}

// secret is what was handed out: a version's or a leased key's.
type secret struct {
	keyID  string
	scheme string
	bytes  []byte
}

// held adds what was handed out, unless it is known.
func (w *world) held(s *secret) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, known := range w.holds {
		if known.keyID == s.keyID {
			return
		}
	}
	w.holds = append(w.holds, s)
}

// all returns what was handed out so far.
func (w *world) all() []*secret {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*secret(nil), w.holds...)
}

// secret returns any secret that was handed out, newer ones more often, or nil while there is none.
func (w *world) secret() *secret {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.holds) == 0 {
		return nil
	}
	from := 0
	if recent := 60; rand.N(4) > 0 && len(w.holds) > recent {
		from = len(w.holds) - recent
	}
	return w.holds[from+rand.N(len(w.holds)-from)]
}

// key returns any key of those that are changed by hand, newer ones more often.
func (w *world) key() *key {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := 0
	if recent := 12; len(w.keys) > recent {
		from = len(w.keys) - recent
	}
	if len(w.keys) == 0 {
		return nil
	}
	return w.keys[from+rand.N(len(w.keys)-from)]
}
