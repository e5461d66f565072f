package enginetest

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// Vault stands for the server that the engine is mounted in. Every callback into it is
// counted. One that the engine has no business to make meets the nil view and panics.
type Vault struct {
	logical.SystemView

	mu        sync.Mutex
	Entities  map[string]*logical.Entity
	Groups    map[string][]*logical.Group // by entity
	State     consts.ReplicationState
	Longest   time.Duration // the mount's max_lease_ttl
	Away      bool          // lookups of identities fail
	Failing   string        // so does this one alone
	Panics    bool          // lookups of identities do
	GoingAway bool          // the mount is going away
	Hang      chan struct{} // lookups of identities wait until it is closed
	callbacks map[string]int
}

var errVaultAway = errors.New("vault is away")

func newVault() *Vault {
	return &Vault{
		Entities: make(map[string]*logical.Entity), Groups: make(map[string][]*logical.Group),
		Longest: 768 * time.Hour, callbacks: make(map[string]int),
	}
}

// Change alters what Vault knows or does.
func (v *Vault) Change(how func(v *Vault)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	how(v)
}

func (v *Vault) called(what string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.callbacks[what]++
}

// Made returns how often each callback was made so far.
func (v *Vault) Made() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.callbacks)
}

// lookup is the way of every question about identities.
func (v *Vault) lookup(what string) error {
	v.called(what)
	v.mu.Lock()
	hang, away, panics := v.Hang, v.Away || v.Failing == what, v.Panics
	v.mu.Unlock()
	if panics {
		panic(what)
	}
	if hang != nil {
		<-hang
	}
	if away {
		return errVaultAway
	}
	return nil
}

// EntityInfo returns what Vault knows of an entity.
func (v *Vault) EntityInfo(id string) (*logical.Entity, error) {
	if err := v.lookup("EntityInfo"); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.Entities[id], nil
}

// GroupsForEntity returns the groups that an entity is in.
func (v *Vault) GroupsForEntity(id string) ([]*logical.Group, error) {
	if err := v.lookup("GroupsForEntity"); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.Groups[id], nil
}

// ReplicationState returns the state of the cluster.
func (v *Vault) ReplicationState() consts.ReplicationState {
	v.called("ReplicationState")
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.State
}

// MaxLeaseTTL returns the longest lease that the mount allows.
func (v *Vault) MaxLeaseTTL() time.Duration {
	v.called("MaxLeaseTTL")
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.Longest
}

// Tainted reports whether the mount is going away.
func (v *Vault) Tainted() bool {
	v.called("Tainted")
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.GoingAway
}

// LocalMount returns false: the mount is replicated.
func (v *Vault) LocalMount() bool {
	v.called("LocalMount")
	return false
}

// PluginEnv returns the version of a server.
func (v *Vault) PluginEnv(context.Context) (*logical.PluginEnvironment, error) {
	return &logical.PluginEnvironment{VaultVersion: "1.2.3"}, nil
}

// GetConsumptionBillingManager returns nil: nothing bills.
func (v *Vault) GetConsumptionBillingManager() logical.ConsumptionBillingManager { return nil }
