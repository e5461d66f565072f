package backend

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// initialize is what Vault calls before the first request, once the mount's storage is writable: uses are collected
// from now on. Where that cannot be marked, the mount serves all the same, and the next sweep tries again.
func (e *Engine) initialize(ctx context.Context, req *logical.InitializationRequest) error {
	if !e.mayWrite() {
		return nil
	}
	if err := e.store.BeginUsage(ctx, req.Storage, time.Now()); err != nil {
		e.Logger().Warn("uses are not marked as being collected yet", "error", err)
	}
	return nil
}

// periodic is what Vault calls once a minute, and once more when the mount is going away: then, and on a node that may
// not write, nothing is swept. It is asked anew each time.
func (e *Engine) periodic(ctx context.Context, req *logical.Request) (err error) {
	defer e.recovered(&err)
	// Calls too old to come again go here: tenants that make no more calls would keep theirs.
	//mutate:skip "calls of tenants that are silent" TestSilentTenantsAreForgotten
	e.calls.Expire(tenant.MaxWindow, time.Now())
	if !e.mayWrite() {
		e.sweeper.Reset()
		return nil
	}
	return e.sweeper.Tick(ctx, req.Storage, time.Now())
}

// unloading is how long uses may take to be written when the mount is unloaded: Vault waits with all its mounts locked.
const unloading = time.Second

// unload stops what goes on by itself, and writes the uses that are not written yet, where this node may write.
func (e *Engine) unload(ctx context.Context, s logical.Storage) {
	e.sweeper.Close()
	if s == nil {
		return
	}
	until := time.Now().Add(unloading)
	done := make(chan struct{})
	go func() { // nothing else bounds what Vault is asked
		defer close(done)
		if err := e.closeUsage(ctx, s, until); err != nil {
			e.Logger().Warn("uses since the last minute may be lost; keys that are not used count as used until now",
				"error", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Until(until)):
	}
}

func (e *Engine) closeUsage(ctx context.Context, s logical.Storage, until time.Time) (err error) {
	defer e.recovered(&err)
	if !e.maySweep() {
		return nil
	}
	return e.store.CloseUsage(ctx, s, until)
}

// recovered turns a panic into an error. The value of a panic may quote what it failed on, so only where it happened is
// logged.
func (e *Engine) recovered(err *error) {
	if p := recover(); p != nil {
		e.Logger().Error("the engine has panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		*err = logical.CodedError(http.StatusInternalServerError, "internal error; the server's log says where")
	}
}

func (e *Engine) mayWrite() bool { return !e.System().Tainted() && e.WriteSafeReplicationState() }

// maySweep is asked while a sweep goes on. It asks Vault anew: an answer of a second ago would let a node write on that
// has lost the right to.
func (e *Engine) maySweep() bool {
	if v, ok := e.System().(*systemView); ok {
		v.last.Store(nil)
	}
	return e.mayWrite()
}
