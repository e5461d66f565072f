package clienttest

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// people is what Vault tells the engine: who has a token, and how long a lease may be. Of each tenant there is one
// person.
type people struct {
	logical.StaticSystemView

	mu      sync.Mutex
	tenants map[string]*logical.Entity // by ID
}

const longestLease = 768 * time.Hour

// of returns the entity ID of a tenant's person.
func (p *people) of(tenant string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tenants == nil {
		p.tenants = make(map[string]*logical.Entity)
	}
	id := tenant + "-admin"
	p.tenants[id] = &logical.Entity{ID: id, Metadata: map[string]string{"tenant": tenant}}
	return id
}

func (p *people) EntityInfo(id string) (*logical.Entity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tenants[id], nil
}

func (p *people) GroupsForEntity(string) ([]*logical.Group, error) { return nil, nil }
func (p *people) MaxLeaseTTL() time.Duration                       { return longestLease }
func (p *people) DefaultLeaseTTL() time.Duration                   { return longestLease }
func (p *people) ReplicationState() consts.ReplicationState {
	return consts.ReplicationPerformanceDisabled
}

func (p *people) PluginEnv(context.Context) (*logical.PluginEnvironment, error) {
	return &logical.PluginEnvironment{VaultVersion: "0.0.0-test"}, nil
}
