// Package backend is the plugin as Vault sees it: one framework.Backend, wired from the
// paths and the store.
package backend

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/paths"
)

// Version is set when the binary is built; Vault compares it with the one registered.
var Version = "v0.0.0-dev"

const help = `
The apikeys engine issues, rotates and checks HMAC API keys, one namespace per tenant.
Internal keys are for the provider's own software, external keys for integrators. A key
signs requests, so that their important parts cannot change on the way; "verify" says who
signed a request and whether it is good.
`

// Engine is the plugin's backend.
type Engine struct {
	*framework.Backend
}

// HandleRequest answers a request. What the caller gave goes round the framework's own
// check of it, whose refusals quote the value: somebody may have pasted a secret into the
// wrong field, and refusals stand in the audit log in clear. The paths check it anyway.
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
	logical.RenewOperation, logical.RevokeOperation, logical.RollbackOperation, logical.RotationOperation, logical.HelpOperation,
}

// Factory returns the engine. Vault's catalogue calls it once with an empty config, and
// then for each mount while storage is read-only: it allocates and nothing else.
func Factory(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
	records := store.New()
	handlers := paths.New(records, Version)
	b := &framework.Backend{
		Help:           strings.TrimSpace(help),
		BackendType:    logical.TypeLogical,
		RunningVersion: Version,
		PathsSpecial:   &logical.Paths{SealWrapStorage: store.SealWrapped},
		Paths:          handlers.Paths(),
		Secrets:        []*framework.Secret{handlers.Secret()},
		Invalidate:     func(_ context.Context, path string) { records.Invalidate(path) },
	}
	b.InitializeFunc = func(ctx context.Context, req *logical.InitializationRequest) error {
		return initialize(ctx, b, handlers, req)
	}
	b.Clean = func(ctx context.Context) { handlers.Close(ctx, conf.StorageView) }
	b.PeriodicFunc = func(ctx context.Context, req *logical.Request) error { return periodic(ctx, b, handlers, req) }
	if conf.System != nil {
		shared := *conf
		shared.System = &systemView{SystemView: conf.System}
		conf = &shared
	}
	if err := b.Setup(ctx, conf); err != nil {
		return nil, err
	}
	handlers.Serve(b.System(), b.Logger(), func() bool { return maySweep(b) })
	return &Engine{b}, nil
}
