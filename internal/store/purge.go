package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// PurgedID is what is kept of a version of a purged key.
type PurgedID struct {
	apikey.Ref
	UID     string // of the tenant
	Version int
	apikey.Purged
}

func purgedPath(keyID string) string { return familyPurged + "/ids/" + keyID }

func purgesPath(name tenant.Name) string { return familyPurged + "/days/" + string(name) }

// MarkPurged counts a purge of k against the tenant's limit for a day, and then writes what is kept of k's versions.
// Call it in the change that removes k. What it writes counts only once k is gone, so that a crash does no harm. It
// is a refusal if the tenant has purged limit keys today.
func (st *Store) MarkPurged(
	ctx context.Context, s logical.Storage, t *tenant.Tenant, k *apikey.Key, p apikey.Purged, limit int,
) error {
	if err := st.countPurge(ctx, s, t, p.At, limit); err != nil {
		return err
	}
	for i := range k.Versions {
		v := &k.Versions[i]
		if err := st.markPurged(ctx, s, v.KeyID, &PurgedID{k.Ref, k.UID, v.Number, p}); err != nil {
			return err
		}
	}
	return nil
}

// countPurge counts one more purge. It is counted even if the purge then fails.
func (st *Store) countPurge(ctx context.Context, s logical.Storage, t *tenant.Tenant, now time.Time, limit int) error {
	path := purgesPath(t.Name)
	unlock, err := st.purgeLocks.lock(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	entry, err := s.Get(ctx, path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", familyPurged, err)
	}
	today := storedPurges{header{schema}, t.UID, now.UTC().Format(time.DateOnly), 0}
	if entry != nil {
		var was storedPurges
		if err := decode(familyPurged, entry.Value, &was); err != nil {
			return err
		}
		if was.UID == today.UID && was.Day == today.Day {
			today.Purges = was.Purges
		}
	}
	//mutate:false "how many keys are purged a day" ./paths TestPurgesOfADayAreLimited
	if today.Purges >= limit {
		return refusal.Errorf(refusal.Invalid, "max_keys: the tenant has purged the %d keys that it may in a day "+
			"(UTC); go on tomorrow, or wait until deleted keys are erased by themselves", limit)
	}
	today.Purges++
	raw, err := encode(today)
	if err != nil {
		return err
	}
	return putPurged(ctx, s, path, raw)
}

func (st *Store) markPurged(ctx context.Context, s logical.Storage, keyID string, p *PurgedID) error {
	unlock, err := st.purgeLocks.lock(ctx, purgedPath(keyID))
	if err != nil {
		return err
	}
	defer unlock()
	raw, err := encodePurged(p)
	if err != nil {
		return err
	}
	return putPurged(ctx, s, purgedPath(keyID), raw)
}

func putPurged(ctx context.Context, s logical.Storage, path string, raw []byte) error {
	entry := &logical.StorageEntry{Key: path, Value: raw}
	if err := uninterrupted(ctx, func(ctx context.Context) error { return s.Put(ctx, entry) }); err != nil {
		return fmt.Errorf("writing %s: %w", familyPurged, err)
	}
	return nil
}

// Purge removes the tenant's named key for good, with all that leads to it. Mark is called before, with the key or nil,
// and decides whether that may be. Left says what of the index could not be removed afterwards; it leads nowhere, and
// the sweep and the walk remove it.
func (st *Store) Purge(
	ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind, name apikey.Name,
	mark func(*apikey.Key) (*apikey.Key, error),
) (left, err error) {
	st.makeRoom(ctx, s, t.Name)
	at := location{familyKeys, t.Name, kind, string(name)}
	unlock, err := st.keys.lock(ctx, at)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := ctx.Err(); err != nil {
		return nil, err // the request ended during the wait for the lock
	}
	k, err := st.keys.load(ctx, s, at)
	if err != nil {
		return nil, err
	}
	//mutate:false "keys of a former tenant, to purge" ./paths TestWhatCarriesAnotherUIDIsNotPurged
	if k != nil && k.UID != t.UID {
		k = nil
	}
	if k, err = mark(k); err != nil {
		return nil, err
	}
	if err := st.remove(ctx, s, at, k); err != nil {
		return nil, err
	}
	return st.dropIndex(ctx, s, at, k, t), nil
}

// dropIndex deletes the index entries that led to k, which is gone: those of its key IDs, and of the due index.
func (st *Store) dropIndex(ctx context.Context, s logical.Storage, at location, k *apikey.Key, t *tenant.Tenant) error {
	if err := st.unclaimAll(ctx, s, at, k); err != nil {
		return err
	}
	c, err := st.Config(ctx, s)
	if err != nil {
		return err
	}
	before := *k
	before.DeletedAt = time.Time{} // the deletion has left the entries from before it
	for _, in := range append(indexed(k, k.Policy(c, t)), indexed(&before, k.Policy(c, t))...) {
		if err := st.dropDue(ctx, s, DueEntry{at, in.due, in.of}); err != nil {
			return err
		}
	}
	return nil
}
