package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/paths/field"
)

const keyInfos = "state, scheme, owner, current_key_id, expires_at, next_rotation, last_used_at (of any version, " +
	"of those that are on record no more as far as that was noted; left out where it is not known), unrevealed, " +
	"rotation_error"

var keyListAnswer = listAnswer(keyInfos + ", description")

// keyStates are the states that reading a key shows, and that keys are listed by.
var keyStates = []apikey.State{apikey.Active, apikey.Disabled, apikey.Revoked, apikey.Deleted}

var keyListFields = join(pageFields, schema{
	"owner": text("Only those with this owner, to the letter; empty: only those without one."),
	"state": field.ChoiceSchema("Only those in this state.", keyStates),
})

func (h *Handlers) keyList(ctx context.Context, r *request, walk *turn) (*logical.Response, error) {
	kind, err := r.kind()
	if err != nil {
		return nil, err
	}
	f, err := r.filter(keyStates)
	if err != nil {
		return nil, err
	}
	names, err := h.store.Keys(ctx, r.Storage, r.tenant, kind)
	if err != nil {
		return nil, err
	}
	keys := listing[apikey.Key]{names: names, read: func(name string) (*apikey.Key, error) {
		return ignoreNotFound(h.store.Key(ctx, r.Storage, r.tenant, kind, apikey.Name(name)))
	}}
	if !f.none() {
		keys.lets = func(k *apikey.Key) bool { return f.lets(k, k.State()) }
	}
	p, err := keys.page(ctx, r, walk)
	if err != nil {
		return nil, err
	}
	used, err := h.lastUses(ctx, r, walk, p.found)
	if err != nil {
		return nil, err
	}
	return p.list(func(k *apikey.Key) (map[string]any, error) { return used.add(keyInfo(k, r.now), k), nil })
}

func keyInfo(k *apikey.Key, now time.Time) map[string]any {
	info := map[string]any{
		"state": string(k.State()), "scheme": string(k.Scheme), "description": k.Description, "owner": k.Owner,
		"current_key_id": "", "expires_at": nil, "next_rotation": field.RFC3339(k.NextRotation()),
		"unrevealed":     k.Unrevealed(now),
		"rotation_error": "",
	}
	if v := k.Current(now); v != nil {
		info["current_key_id"], info["expires_at"] = v.KeyID, field.RFC3339(v.ExpiresAt)
	}
	if k.Failed != nil {
		info["rotation_error"] = k.Failed.Error
	}
	return info
}
