package paths

import (
	"context"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/paths/field"
)

// tolerateUsageError lets an answer do without damaged uses: they must not keep anybody from revoking a key.
func (r *request) tolerateUsageError(uses store.Uses, err error) (store.Uses, error) {
	if damaged(err) {
		r.warn("when versions were used is not known: %s", err)
		err = nil
	}
	return uses, err
}

// damaged reports whether an entry exists and cannot be read.
func damaged(err error) bool { return store.Unreadable(err) }

// usedAt shows when something was used. That is kept to the minute, and must not seem to be before it existed.
func usedAt(at, since time.Time) any {
	if !at.IsZero() && at.Before(since) {
		at = since
	}
	return field.RFC3339(at)
}

// lastUses are when keys were used last, by versions on record or by such that were dropped since, where that is known.
type lastUses map[*apikey.Key]time.Time

func (h *Handlers) lastUses(ctx context.Context, r *request, walk *turn, keys []*apikey.Key) (lastUses, error) {
	used := make(lastUses, len(keys))
	return used, h.store.UsesOf(r.tenant).EachLastUsed(ctx, r.Storage, keys,
		func(k *apikey.Key, last store.LastUse, err error) error {
			if damaged(err) {
				r.warn("when some keys were used is not known: %s", err)
				return walk.next(ctx)
			}
			if err != nil {
				return err
			}
			used[k] = k.LastKnownUse(last.At)
			return walk.next(ctx)
		})
}

// add adds when k was used last: null for never, and nothing where that is not known.
func (l lastUses) add(info map[string]any, k *apikey.Key) map[string]any {
	if at, known := l[k]; known {
		info["last_used_at"] = usedAt(at, k.CreatedAt)
	}
	return info
}
