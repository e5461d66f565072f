package backend

import (
	"context"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/sweep"
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

// Factory returns the engine. Vault's catalogue calls it once with an empty config, and then once for each
// mount while storage is read-only. It allocates and does nothing else.
func Factory(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
	e := &Engine{store: store.New(), calls: new(replay.Table)}
	e.sweeper = sweep.New(e.store, e.calls.Forget)
	handlers := paths.New(e.store, e.calls, e.sweeper, Version)
	storage := conf.StorageView
	e.Backend = &framework.Backend{
		Help:           strings.TrimSpace(help),
		BackendType:    logical.TypeLogical,
		RunningVersion: Version,
		PathsSpecial:   &logical.Paths{SealWrapStorage: store.SealWrapped},
		Paths:          handlers.Paths(),
		Secrets:        []*framework.Secret{handlers.Secret()},
		Invalidate:     func(_ context.Context, path string) { e.store.Invalidate(path) },
		InitializeFunc: e.initialize,
		PeriodicFunc:   e.periodic,
		Clean:          func(ctx context.Context) { e.unload(ctx, storage) },
	}
	if conf.System != nil {
		shared := *conf
		shared.System = &systemView{SystemView: conf.System}
		conf = &shared
	}
	if err := e.Setup(ctx, conf); err != nil {
		return nil, err
	}
	handlers.Attach(e.System(), e.Logger())
	e.sweeper.Attach(e.maySweep, e.Logger().Error)
	return e, nil
}
