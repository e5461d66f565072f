package sweep

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/storagetest"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

const day = 24 * time.Hour

var errBroken = errors.New("storage is broken")

// world is storage with the tenant acme, a node that sweeps it, and a clock that the test
// sets as it likes.
type world struct {
	t     *testing.T
	s     *broken
	st    *store.Store
	sweep *Sweeper
	acme  *tenant.Tenant
	now   time.Time
	gone  []string
}

// broken is storage that fails as often as a test wants.
type broken struct {
	storagetest.Storage
	fails func(op string) bool
}

// fail sets what is asked before each operation, and returns what was until now.
func (b *broken) fail(fails func(op string) bool) func(op string) bool {
	var before func(op string) error
	if fails != nil {
		before = func(op string) error {
			if fails(op) {
				return errBroken
			}
			return nil
		}
	}
	b.StepIn(before, nil)
	was := b.fails
	b.fails = fails
	return was
}

// writing returns the writes among operations.
func writing(ops []string) []string {
	return slices.DeleteFunc(ops, func(op string) bool {
		return strings.HasPrefix(op, "get ") || strings.HasPrefix(op, "list ")
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, s: new(broken), now: time.Now().UTC().Truncate(time.Second)}
	w.restart()
	acme, err := w.st.UpdateTenant(t.Context(), w.s, "acme", func(*tenant.Tenant) (*tenant.Tenant, error) {
		return tenant.New("acme", w.now), nil
	})
	w.must(err)
	w.acme = acme
	return w
}

// restart forgets what the node has in memory.
func (w *world) restart() {
	w.st = store.New()
	w.must(w.st.BeginUsage(w.t.Context(), &w.s.InmemStorage, w.now))
	w.sweep = New(w.st, func(uid string) { w.gone = append(w.gone, uid) })
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// tick sweeps at the clock's time.
func (w *world) tick() error { return w.sweep.Tick(w.t.Context(), w.s, w.now) }

// create makes a key that rotates by schedule.
func (w *world) create(name apikey.Name, ttl, overlap time.Duration) *apikey.Key {
	w.t.Helper()
	s := apikey.Settings{
		Scheme:     signing.HMACSHA256,
		TTL:        ttl,
		AutoRotate: true,
		Overlap:    overlap,
		Reveal:     apikey.RevealAlways,
	}
	return w.update(name, func(*apikey.Key) (*apikey.Key, error) {
		return apikey.New(
			apikey.Ref{Tenant: "acme", Kind: apikey.External, Name: name},
			w.acme.UID,
			s,
			apikey.NewKeyID(),
			apikey.Actor{},
			w.now,
		), nil
	})
}

func (w *world) update(name apikey.Name, change func(*apikey.Key) (*apikey.Key, error)) *apikey.Key {
	w.t.Helper()
	k, err := w.st.UpdateKey(w.t.Context(), w.s, w.acme, apikey.External, name, change)
	w.must(err)
	return k
}

// keys returns the keys in storage by name, past all caches.
func (w *world) keys() map[apikey.Name]*apikey.Key {
	w.t.Helper()
	fails := w.s.fail(nil)
	defer func() { w.s.fail(fails) }()
	names, err := w.st.Keys(w.t.Context(), w.s, w.acme, apikey.External)
	w.must(err)
	all := make(map[apikey.Name]*apikey.Key)
	for _, name := range names {
		k, err := w.st.KeyWithHistory(w.t.Context(), w.s, w.acme, apikey.External, apikey.Name(name))
		w.must(err)
		all[apikey.Name(name)] = k
	}
	return all
}

// due returns the entries of the due index.
func (w *world) due() []string {
	w.t.Helper()
	paths, err := logical.CollectKeysWithPrefix(w.t.Context(), &w.s.InmemStorage, "due/")
	w.must(err)
	return paths
}

// care is what the sweep would bring along for a key that is not watched.
func (w *world) care() apikey.MaintainInput {
	return apikey.MaintainInput{Config: tenant.DefaultConfig(), Tenant: w.acme, NewKeyID: apikey.NewKeyID()}
}

func contains(text string) func(op string) bool {
	return func(op string) bool { return strings.Contains(op, text) }
}

// withOperations returns a context that ends with the n-th operation of storage, which
// fails then.
func withOperations(ctx context.Context, s *broken, n int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	var left atomic.Int64
	left.Store(int64(n))
	s.fail(func(string) bool {
		if left.Add(-1) > 0 {
			return false
		}
		cancel()
		return true
	})
	return ctx, cancel
}
