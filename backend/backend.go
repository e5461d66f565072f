// Package backend is the plugin as Vault sees it: one framework.Backend. The factory connects the store, the
// replay table, the sweeper and the paths. lifecycle.go has Vault's calls for a mount that are not requests.
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

// Engine is the plugin's backend: the framework's backend, and what the paths depend on.
type Engine struct {
	*framework.Backend
	store   *store.Store
	calls   *replay.Table
	sweeper *sweep.Sweeper
}

// HandleRequest answers a request. The caller's fields bypass the framework's own check, because its refusals
// quote the value. Somebody may have put a secret into the wrong field, and the audit log shows refusals in the
// clear. The paths check the fields themselves.
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
