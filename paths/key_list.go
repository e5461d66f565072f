package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
)

const keyInfos = "state, scheme, owner, current_key_id, expires_at, next_rotation, last_used_at (of any version; left out where it is not known), " +
	"unrevealed, rotation_error"

var (
	keyListAnswer    = listAnswer(keyInfos + ", description")
	leasedListAnswer = listAnswer(keyInfos + ", role, entity_id (who asked for it)")
)

func (h *Handlers) keyList(ctx context.Context, r *request) (*logical.Response, error) {
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
		return gone(h.store.Key(ctx, r.Storage, r.tenant, kind, apikey.Name(name)))
	}}
	if !f.none() {
		keys.lets = func(k *apikey.Key) bool { return f.lets(k, k.State()) }
	}
	p, err := keys.page(ctx, r)
	if err != nil {
		return nil, err
	}
	used, err := h.lastUses(ctx, r, p.found)
	if err != nil {
		return nil, err
	}
	return p.list(func(k *apikey.Key) (map[string]any, error) { return used.add(keyInfo(k, r.now), k), nil })
}

func keyInfo(k *apikey.Key, now time.Time) map[string]any {
	info := map[string]any{
		"state": string(k.State()), "scheme": string(k.Scheme), "description": k.Description, "owner": k.Owner,
		"current_key_id": "", "expires_at": nil, "next_rotation": rfc3339(k.NextRotation()), "unrevealed": k.Unrevealed(now),
		"rotation_error": "",
	}
	if v := k.Current(now); v != nil {
		info["current_key_id"], info["expires_at"] = v.KeyID, rfc3339(v.ExpiresAt)
	}
	if k.Failed != nil {
		info["rotation_error"] = k.Failed.Error
	}
	return info
}

// leasedKey is one with its state, which its role has a part in.
type leasedKey struct {
	*apikey.Key
	state apikey.State
}

func (h *Handlers) leasedList(ctx context.Context, r *request) (*logical.Response, error) {
	kind, err := r.kind()
	if err != nil {
		return nil, err
	}
	f, err := r.filter(leasedStates)
	if err != nil {
		return nil, err
	}
	ids, err := h.store.LeasedIDs(ctx, r.Storage, r.tenant, kind)
	if err != nil {
		return nil, err
	}
	keys := listing[leasedKey]{names: ids, read: h.leasedReader(ctx, r, kind)}
	if !f.none() {
		keys.lets = func(k *leasedKey) bool { return f.lets(k.Key, k.state) }
	}
	p, err := keys.page(ctx, r)
	if err != nil {
		return nil, err
	}
	found := make([]*apikey.Key, len(p.found))
	for i, k := range p.found {
		found[i] = k.Key
	}
	used, err := h.lastUses(ctx, r, found)
	if err != nil {
		return nil, err
	}
	return p.list(func(k *leasedKey) (map[string]any, error) { return used.add(leasedInfo(k, r.now), k.Key), nil })
}

// leasedReader reads leased keys, and each of their roles once.
func (h *Handlers) leasedReader(ctx context.Context, r *request, kind apikey.Kind) func(keyID string) (*leasedKey, error) {
	roles := make(map[apikey.Name]*apikey.Role)
	return func(keyID string) (*leasedKey, error) {
		k, err := gone(h.store.Leased(ctx, r.Storage, r.tenant, kind, keyID))
		if k == nil {
			return nil, err
		}
		role, known := roles[k.Name]
		if !known {
			if role, err = h.store.RoleOf(ctx, r.Storage, k); err != nil {
				return nil, err
			}
			roles[k.Name] = role
		}
		return &leasedKey{k, k.StateUnder(role, k.Newest(), r.now)}, nil
	}
}

// leasedInfo tells of a leased key what is told of others. It has no schedule, and was revealed by being issued.
func leasedInfo(k *leasedKey, now time.Time) map[string]any {
	v := k.Newest()
	info := map[string]any{
		"state": string(k.state), "scheme": string(k.Scheme), "owner": k.Owner, "current_key_id": "", "expires_at": rfc3339(v.ExpiresAt),
		"next_rotation": nil, "unrevealed": false, "rotation_error": "", "role": string(k.Name), "entity_id": askedBy(k.Key),
	}
	if k.Current(now) != nil && k.state != apikey.Revoked {
		info["current_key_id"] = v.KeyID
	}
	return info
}

// lastUses are when keys were used last, as far as that is known.
type lastUses map[*apikey.Key]time.Time

func (h *Handlers) lastUses(ctx context.Context, r *request, keys []*apikey.Key) (lastUses, error) {
	used := make(lastUses, len(keys))
	return used, h.store.UsesOf(r.tenant).EachLastUsed(ctx, r.Storage, keys, func(k *apikey.Key, last store.LastUse, err error) error {
		if damaged(err) {
			r.warn("when some keys were used is not known: %s", err)
			return r.walk.next(ctx)
		}
		if err != nil {
			return err
		}
		used[k] = last.At
		return r.walk.next(ctx)
	})
}

// add puts into what is told of k when it was used last: null for never, and nothing where that is not known.
func (l lastUses) add(info map[string]any, k *apikey.Key) map[string]any {
	if at, known := l[k]; known {
		info["last_used_at"] = usedAt(at, k.CreatedAt)
	}
	return info
}
