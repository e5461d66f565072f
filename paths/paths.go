// Package paths is the API: one file per resource, named as the URL is. Handlers decode,
// call and encode; the rules are in the core.
package paths

import (
	"context"
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
	version  string // of the plugin
	calls    *replay.Table
	sweeper  *sweep.Sweeper
	maySweep func() bool
	verdicts verdicts
	shares   *shares
	identity *identity.Lookup
	system   logical.SystemView
	log      hclog.Logger
	sized    atomic.Pointer[tenant.Config] // the settings that the caches are sized by
	started  time.Time                     // calls stamped before may have been seen by another node or life
}

// New returns the operations on a store. They answer nothing until [Handlers.Serve].
func New(s *store.Store, version string) *Handlers {
	h := &Handlers{
		store: s, version: version, calls: new(replay.Table), verdicts: newVerdicts(), shares: newShares(runtime.GOMAXPROCS(0)), log: hclog.NewNullLogger(),
	}
	h.sweeper = sweep.New(s, h.calls.Forget)
	return h
}

// Serve attaches the operations to a Vault server. MaySweep reports whether this node may
// write, and is asked while a sweep goes on.
func (h *Handlers) Serve(system logical.SystemView, log hclog.Logger, maySweep func() bool) {
	h.system, h.log, h.started = system, log, time.Now()
	h.identity = identity.New(system)
	h.maySweep = maySweep
	h.sweeper.Serve(maySweep, log.Error)
}

// Sweep does what is due, as Vault asks once a minute; see [sweep.Sweeper.Tick].
func (h *Handlers) Sweep(ctx context.Context, s logical.Storage) (err error) {
	var none *logical.Response
	defer recovered(h.log, &none, &err)
	return h.sweeper.Tick(ctx, s, time.Now())
}

// Begin marks that uses are collected from now on. Where that fails, the mount serves all
// the same, and the next sweep tries again.
func (h *Handlers) Begin(ctx context.Context, s logical.Storage) {
	if err := h.store.BeginUsage(ctx, s, time.Now()); err != nil {
		h.log.Warn("uses are not marked as being collected yet", "error", err)
	}
}

// unloading is how long uses may take to be written when the mount is unloaded: Vault waits
// with all its mounts locked.
const unloading = time.Second

// Close stops what goes on by itself, as the mount is unloaded, and writes the uses that
// are not written yet, where this node may write.
func (h *Handlers) Close(ctx context.Context, s logical.Storage) {
	h.sweeper.Close()
	if s == nil {
		return
	}
	until := time.Now().Add(unloading)
	done := make(chan struct{})
	go func() { // nothing else bounds what Vault is asked
		defer close(done)
		if err := h.closeUsage(ctx, s, until); err != nil {
			h.log.Warn("uses since the last minute may be lost; keys that are not used count as used until now", "error", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Until(until)):
	}
}

func (h *Handlers) closeUsage(ctx context.Context, s logical.Storage, until time.Time) (err error) {
	var none *logical.Response
	defer recovered(h.log, &none, &err)
	if !h.maySweep() {
		return nil
	}
	return h.store.CloseUsage(ctx, s, until)
}

// RestFromSweeping is called in place of [Handlers.Sweep] where nothing may be written.
func (h *Handlers) RestFromSweeping() { h.sweeper.Pause() }

// ForgetCalls lets go of calls that are too old to come again, as Vault asks once a minute: tenants that make no more
// calls would keep theirs.
func (h *Handlers) ForgetCalls() { h.calls.Expire(tenant.MaxWindow, time.Now()) }

// verdicts counts what verification has found, since the start of the node.
type verdicts map[apikey.Verdict]*atomic.Int64

func newVerdicts() verdicts {
	v := make(verdicts)
	for _, verdict := range apikey.Verdicts {
		v[verdict] = new(atomic.Int64)
	}
	return v
}

func (v verdicts) count(verdict apikey.Verdict) { v[verdict].Add(1) }
