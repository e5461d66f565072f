package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/paths"
)

// periodic is what Vault calls once a minute, and once more when the mount is going away:
// then, and on a node that may not write, there is nothing to do. It is asked anew each
// time.
func periodic(ctx context.Context, b *framework.Backend, h *paths.Handlers, req *logical.Request) error {
	//mutate:skip "calls of tenants that are silent" TestSilentTenantsAreForgotten
	h.ForgetCalls()
	if !mayWrite(b) {
		h.RestFromSweeping()
		return nil
	}
	return h.Sweep(ctx, req.Storage)
}

// initialize is what Vault calls before the first request, once the mount's storage is
// writable.
func initialize(ctx context.Context, b *framework.Backend, h *paths.Handlers, req *logical.InitializationRequest) error {
	if mayWrite(b) {
		h.Begin(ctx, req.Storage)
	}
	return nil
}

func mayWrite(b *framework.Backend) bool {
	return !b.System().Tainted() && b.WriteSafeReplicationState()
}

// maySweep is asked while a sweep goes on. It asks Vault anew: an answer of a second ago
// would let a node write on that has lost the right to.
func maySweep(b *framework.Backend) bool {
	if v, ok := b.System().(*systemView); ok {
		v.last.Store(nil)
	}
	return mayWrite(b)
}
