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
	h.ForgetCalls()
	if b.System().Tainted() || !b.WriteSafeReplicationState() {
		h.RestFromSweeping()
		return nil
	}
	return h.Sweep(ctx, req.Storage)
}
