package paths

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/paths/field"
)

var purgeAnswer = schema{
	"kind":      text("internal or external."),
	"name":      text("The key's name, which is free now."),
	"purged_at": stamp("When the key was purged."),
	"key_ids": field.Schema(framework.TypeStringSlice,
		"The key IDs of its versions, which are nobody's now; T/ids tells of them for retention."),
}

func (h *Handlers) purgeResources() []resource {
	return []resource{{
		scope: tenants, pattern: "/" + capture("kind") + "/keys/" + capture("name") + "/purge", suffix: "key-purge",
		fields: reasonField,
		operations: only(logical.UpdateOperation, h.keyPurge,
			"Erase a deleted key now, for good, and free its name.", purgeAnswer),
		synopsis: "Erase the secrets of a deleted key before its retention has passed.",
		description: "Nobody can restore the key then. Its calls are unknown_key, and its name is free; an imported " +
			"key ID stays spent. T/ids and admin/ids tell when it was purged and why, for retention. Refused where " +
			"config allow_purge is off, in suspended tenants, and beyond max_keys purges a day (UTC).",
	}}
}

func (h *Handlers) keyPurge(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, err
	}
	reason, err := r.text("reason", apikey.MaxReason)
	if err != nil {
		return nil, err
	}
	var was *apikey.Key
	var purged apikey.Purged
	mark := afterRenewal(ctx, r, func(k *apikey.Key) (_ *apikey.Key, err error) {
		if k == nil {
			return nil, refusal.Errorf(refusal.NotFound, "key: tenant %q has no key %q",
				string(r.tenant.Name), string(name))
		}
		was = k
		purged, err = h.markPurged(ctx, r, k, reason)
		return k, err
	})
	left, err := h.store.Purge(ctx, r.Storage, r.tenant, kind, name, mark)
	if err != nil {
		return nil, err
	}
	if left != nil { // what has been done is not answered with an error
		r.warn("the key is purged; of its index something is left, which the engine removes: %s",
			publicError(h.log, "index of a purged key not removed", left))
	}
	return reply(map[string]any{
		"kind": string(kind), "name": string(name), "purged_at": field.RFC3339(purged.At), "key_ids": was.KeyIDs(),
	})
}

// markPurged judges whether k may be purged, and keeps what is told of it afterwards.
func (h *Handlers) markPurged(ctx context.Context, r *request, k *apikey.Key, reason string) (apikey.Purged, error) {
	//mutate:false "purges of a suspended tenant" TestPurgeIsRefused
	if err := r.active(); err != nil {
		return apikey.Purged{}, err
	}
	//mutate:false "purges where the provider lets nobody purge" TestPurgeIsRefused
	if !r.config.AllowPurge {
		return apikey.Purged{}, refusal.Errorf(refusal.Forbidden,
			"purge: this mount has config allow_purge off; the key is erased by itself at %s",
			field.RFC3339(k.GoneAt(r.config.Retention)))
	}
	purged, err := k.Purge(reason, r.actor(), r.now)
	if err != nil {
		return purged, err
	}
	return purged, h.store.MarkPurged(ctx, r.Storage, r.tenant, k, purged, r.tenant.Caps(r.config).MaxKeys)
}
