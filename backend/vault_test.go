package backend_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// vault stands for the server that the engine is mounted in. Every callback into it is
// counted. One that the engine has no business to make meets the nil view and panics.
type vault struct {
	logical.SystemView

	mu        sync.Mutex
	entities  map[string]*logical.Entity
	groups    map[string][]*logical.Group // by entity
	state     consts.ReplicationState
	longest   time.Duration // the mount's max_lease_ttl
	away      bool          // lookups of identities fail
	failing   string        // so does this one alone
	panics    bool          // lookups of identities do
	tainted   bool          // the mount is going away
	hang      chan struct{} // lookups of identities wait until it is closed
	callbacks map[string]int
}

var errVaultAway = errors.New("vault is away")

func newVault() *vault {
	return &vault{
		entities: make(map[string]*logical.Entity), groups: make(map[string][]*logical.Group),
		longest: 768 * time.Hour, callbacks: make(map[string]int),
	}
}

// change alters what Vault knows or does.
func (v *vault) change(how func(v *vault)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	how(v)
}

func (v *vault) called(what string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.callbacks[what]++
}

// made returns how often each callback was made so far.
func (v *vault) made() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.callbacks)
}

// lookup is the way of every question about identities.
func (v *vault) lookup(what string) error {
	v.called(what)
	v.mu.Lock()
	hang, away, panics := v.hang, v.away || v.failing == what, v.panics
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

func (v *vault) EntityInfo(id string) (*logical.Entity, error) {
	if err := v.lookup("EntityInfo"); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.entities[id], nil
}

func (v *vault) GroupsForEntity(id string) ([]*logical.Group, error) {
	if err := v.lookup("GroupsForEntity"); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.groups[id], nil
}

func (v *vault) ReplicationState() consts.ReplicationState {
	v.called("ReplicationState")
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state
}

func (v *vault) MaxLeaseTTL() time.Duration {
	v.called("MaxLeaseTTL")
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.longest
}

func (v *vault) Tainted() bool {
	v.called("Tainted")
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.tainted
}

func (v *vault) LocalMount() bool {
	v.called("LocalMount")
	return false
}

func (v *vault) PluginEnv(context.Context) (*logical.PluginEnvironment, error) {
	return &logical.PluginEnvironment{VaultVersion: "1.2.3"}, nil
}

func (v *vault) GetConsumptionBillingManager() logical.ConsumptionBillingManager { return nil }
