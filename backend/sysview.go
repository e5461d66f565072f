package backend

import (
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// stateAge is how long an answer about replication is reused. The framework asks for it with every request, and
// each answer costs a call into Vault.
const stateAge = time.Second

// systemView caches Vault's answers about replication for a second. It passes on all other calls.
type systemView struct {
	logical.SystemView
	last atomic.Pointer[replication]
}

type replication struct {
	state consts.ReplicationState
	local bool
	until time.Time
}

// ReplicationState returns the state, at most [stateAge] old.
func (v *systemView) ReplicationState() consts.ReplicationState { return v.replication().state }

// LocalMount reports whether the mount is not replicated, at most [stateAge] old.
func (v *systemView) LocalMount() bool { return v.replication().local }

func (v *systemView) replication() *replication {
	now := time.Now()
	if last := v.last.Load(); last != nil && now.Before(last.until) {
		return last
	}
	fresh := &replication{v.SystemView.ReplicationState(), v.SystemView.LocalMount(), now.Add(stateAge)}
	v.last.Store(fresh)
	return fresh
}
