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

// initialize is called by Vault before the first request, when the mount's storage is writable. It marks that
// uses are collected from now on. If that fails, the mount works all the same, and the next sweep tries again.
func (e *Engine) initialize(ctx context.Context, req *logical.InitializationRequest) error {
	if !e.mayWrite() {
		return nil
	}
	if err := e.store.BeginUsage(ctx, req.Storage, time.Now()); err != nil {
		e.Logger().Warn("uses are not marked as being collected yet", "error", err)
	}
	return nil
}

// periodic is called by Vault once a minute, and once more when the mount is removed. Nothing is swept then, nor
// on a node that may not write. Vault is asked each time.
func (e *Engine) periodic(ctx context.Context, req *logical.Request) (err error) {
	defer e.recovered(&err)
	// Forget calls that are too old to be replayed. Tenants that make no more calls would keep theirs.
	//mutate:skip "calls of tenants that are silent" TestSilentTenantsAreForgotten
	e.calls.Expire(tenant.MaxWindow, time.Now())
	if !e.mayWrite() {
		e.sweeper.Reset()
		return nil
	}
	return e.sweeper.Tick(ctx, req.Storage, time.Now())
}

// unloading bounds how long writing uses may take when the mount is unloaded: Vault waits and holds a lock on
// all its mounts.
const unloading = time.Second

// unload stops the engine's own work, and writes the uses that are not written yet if this node may write.
func (e *Engine) unload(ctx context.Context, s logical.Storage) {
	e.sweeper.Close()
	if s == nil {
		return
	}
	until := time.Now().Add(unloading)
	done := make(chan struct{})
	go func() { // nothing else bounds the calls into Vault
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

// recovered turns a panic into an error. The panic's value may quote its input, so only the stack is logged.
func (e *Engine) recovered(err *error) {
	if p := recover(); p != nil {
		e.Logger().Error("the engine has panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		*err = logical.CodedError(http.StatusInternalServerError, "internal error; the server's log says where")
	}
}

func (e *Engine) mayWrite() bool { return !e.System().Tainted() && e.WriteSafeReplicationState() }

// maySweep reports whether a sweep may go on. It asks Vault each time, because with an answer of a second ago a
// node could still write after it has lost the right to.
func (e *Engine) maySweep() bool {
	if v, ok := e.System().(*systemView); ok {
		v.last.Store(nil)
	}
	return e.mayWrite()
}
