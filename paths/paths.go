// Package paths is the API: one file per resource, named as in the URL. Handlers decode, call and encode; the rules are
// in the core. What all resources use is in resource.go (descriptions), request.go, op.go, turn.go and errors.go;
// all.go lists the resources, which do not know each other but for the keys they are about.
package paths

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/identity"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/sweep"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Handlers are all operations of one mount.
type Handlers struct {
	store    *store.Store
	calls    *replay.Table
	sweeper  *sweep.Sweeper
	version  string // of the plugin
	verdicts verdicts
	shares   *shares
	identity *identity.Lookup
	system   logical.SystemView
	log      hclog.Logger
	sized    atomic.Pointer[tenant.Config] // the settings that the caches are sized by
	started  time.Time                     // calls stamped before may have been seen by another node or life
}

// New returns the operations on a store. They count the calls in the table, and show how the sweeper is doing. They
// answer nothing until [Handlers.Attach].
func New(s *store.Store, calls *replay.Table, sweeper *sweep.Sweeper, version string) *Handlers {
	return &Handlers{
		store: s, calls: calls, sweeper: sweeper, version: version,
		verdicts: newVerdicts(), shares: newShares(runtime.GOMAXPROCS(0)), log: hclog.NewNullLogger(),
	}
}

// Attach connects the operations to a Vault server.
func (h *Handlers) Attach(system logical.SystemView, log hclog.Logger) {
	h.system, h.log, h.started = system, log, time.Now()
	h.identity = identity.New(system)
}

// verdicts counts what verification has found since the start of the node.
type verdicts map[apikey.Verdict]*atomic.Int64

func newVerdicts() verdicts {
	v := make(verdicts)
	for _, verdict := range apikey.Verdicts {
		v[verdict] = new(atomic.Int64)
	}
	return v
}

func (v verdicts) count(verdict apikey.Verdict) { v[verdict].Add(1) }
