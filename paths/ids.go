package paths

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
)

var (
	adminIDAnswer = schema{"tenant": text("The tenant."), "kind": text("internal or external.")}
	ownIDAnswer   = schema{
		"kind": text("internal or external."), "name": text("The key's name; a leased key's is its role's."),
		"version": number("The version's number."), "state": text("The version's state."),
		"key_state": text("The key's state."),
		"leased":    flag("Whether it is a leased key."),
	}
)

func (h *Handlers) idResources() []resource {
	return []resource{
		{
			scope: platform, pattern: "admin/ids/" + capture("key_id"), suffix: "admin-id",
			operations:  only(logical.ReadOperation, h.adminID, "Whose is this key ID?", adminIDAnswer),
			synopsis:    "Which tenant and kind a key ID belongs to, and nothing more.",
			description: "For a key ID found in a log or a leak: whom to call.",
		},
		{
			scope: tenants, pattern: "/ids/" + capture("key_id"), suffix: "id",
			operations:  only(logical.ReadOperation, h.ownID, "Which key has this key ID?", ownIDAnswer),
			synopsis:    "The key, version and state behind a key ID of the tenant's own.",
			description: "A key ID of another tenant is as unknown as one that nobody has.",
		},
	}
}

func (h *Handlers) adminID(ctx context.Context, r *request) (*logical.Response, error) {
	found, _, err := h.byID(ctx, r, h.store.FindIncludingDeleted)
	if err != nil {
		return nil, err
	}
	return reply(map[string]any{"tenant": string(found.Key.Tenant), "kind": string(found.Key.Kind)})
}

func (h *Handlers) ownID(ctx context.Context, r *request) (*logical.Response, error) {
	found, keyID, err := h.byID(ctx, r, h.store.Find)
	if err != nil {
		return nil, err
	}
	if found.Tenant.UID != r.tenant.UID {
		return nil, noSuchID(keyID)
	}
	k, v := found.Key, found.Key.Version(keyID)
	return reply(map[string]any{
		"kind": string(k.Kind), "name": string(k.Name), "version": v.Number,
		"state":     string(k.StateUnder(found.Role, v, r.now)),
		"key_state": string(k.State()), "leased": k.Lease != nil,
	})
}

type finder func(ctx context.Context, s logical.Storage, keyID string) (*store.Match, error)

func (h *Handlers) byID(ctx context.Context, r *request, find finder) (*store.Match, string, error) {
	keyID, err := r.keyIDInPath()
	if err != nil {
		return nil, "", err
	}
	found, err := find(ctx, r.Storage, keyID)
	if err == nil && found == nil {
		err = noSuchID(keyID)
	}
	return found, keyID, err
}

func noSuchID(keyID string) error {
	return refusal.Errorf(refusal.NotFound, "key_id: nobody here has %s", keyID)
}
