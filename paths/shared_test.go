package paths

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// directory is Vault's identity store: entity acme-7 belongs to tenant acme. Those of the
// tenant slow hang.
type directory struct {
	logical.SystemView
	asked atomic.Int64
	hang  chan struct{}
}

func (d *directory) EntityInfo(id string) (*logical.Entity, error) {
	d.asked.Add(1)
	of, _, _ := strings.Cut(id, "-")
	if of == "slow" {
		<-d.hang
	}
	return &logical.Entity{ID: id, Metadata: map[string]string{"tenant": of}}, nil
}

func (d *directory) GroupsForEntity(string) ([]*logical.Group, error) { return nil, nil }

// Whoever calls with ever new identities, or with one that Vault does not answer about,
// costs another caller a lookup, and never changes whose that caller is.
func TestIdentitiesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{hang: make(chan struct{})}
		i, c := newIdentity(d), tenant.DefaultConfig()
		for n := range identitiesCached + identitiesCached/5 {
			if n%10_000 == 0 {
				if name, err := i.tenantOf(t.Context(), "acme-1", c, time.Now()); name != "acme" || err != nil {
					t.Errorf("%q, %v", name, err)
				}
			}
			if name, err := i.tenantOf(t.Context(), fmt.Sprintf("evil-%d", n), c, time.Now()); name != "evil" || err != nil {
				t.Fatalf("%q, %v", name, err)
			}
		}
		if n := i.known.EstimatedSize(); n > identitiesCached {
			t.Errorf("%d identities in memory", n)
		}
		for n := range 1000 {
			go func() { _, _ = i.tenantOf(t.Context(), fmt.Sprintf("slow-%d", n), c, time.Now()) }()
		}
		synctest.Wait()
		began, asked := time.Now(), d.asked.Load()
		if name, err := i.tenantOf(t.Context(), "acme-1", c, time.Now()); name != "acme" || err != nil || time.Since(began) > 0 || d.asked.Load()-asked > 1 {
			t.Errorf("%q, %v, after %s and %d lookups", name, err, time.Since(began), d.asked.Load()-asked)
		}
		close(d.hang)
		synctest.Wait()
	})
}
