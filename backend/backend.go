// Package backend is the plugin as Vault sees it: one framework.Backend. The factory wires it from store, table of
// calls, sweeper and paths; what Vault asks of a mount apart from requests is in lifecycle.go.
package backend

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/sweep"
	"vault-plugin-secrets-apikeys/paths"
)

// Engine is the plugin's backend: the framework's, and what works behind the paths.
type Engine struct {
	*framework.Backend
	store   *store.Store
	calls   *replay.Table
	sweeper *sweep.Sweeper
}

// HandleRequest answers a request. What the caller gave bypasses the framework's own check, whose refusals quote the
// value: somebody may have pasted a secret into the wrong field, and the audit log has refusals in clear. The paths
// check it anyway.
func (e *Engine) HandleRequest(ctx context.Context, req *logical.Request) (*logical.Response, error) {
	if slices.Contains(vaultsOwn, req.Operation) {
		return e.Backend.HandleRequest(ctx, req)
	}
	unseen := *req
	unseen.Data = nil
	return e.Backend.HandleRequest(paths.WithFields(ctx, req.Data), &unseen)
}

// vaultsOwn are the operations that carry no caller's fields.
var vaultsOwn = []logical.Operation{
	logical.RenewOperation, logical.RevokeOperation, logical.RollbackOperation, logical.RotationOperation,
	logical.HelpOperation,
}
