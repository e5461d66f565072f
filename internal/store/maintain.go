package store

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// maintain decides what becomes of a key: it returns another record, the same one, or gone to destroy it.
type maintain func(k *apikey.Key, t *tenant.Tenant) (next *apikey.Key, gone bool, err error)

// ApplyDue handles a due entry of a key, under the key's lock: change gets the record and its tenant. ApplyDue then
// writes the record, or destroys it with its index entries, and moves the entry to the record's next time. It drops
// an entry that leads nowhere. It reports false if the record is due later in this minute.
func (st *Store) ApplyDue(ctx context.Context, s logical.Storage, e DueEntry, change maintain) (bool, error) {
	unlock, err := st.keys.lock(ctx, e.at)
	if err != nil {
		return false, err
	}
	defer unlock()
	k, err := st.keys.load(ctx, s, e.at)
	if err != nil {
		return false, err
	}
	if k == nil {
		if err := st.settleLocked(ctx, s, e.at, nil); err != nil {
			return false, err
		}
		return true, st.dropDue(ctx, s, e)
	}
	t, c, err := st.owner(ctx, s, k)
	if err != nil {
		return false, err
	}
	next, gone := k, t == nil
	if !gone {
		if next, gone, err = change(k, t); err != nil {
			return false, err
		}
	}
	if gone {
		if err := st.destroy(ctx, s, e.at, k); err != nil {
			return false, err
		}
		return true, st.dropDue(ctx, s, e)
	}
	if next == k { // an unsettled write may still need its entries
		if err := st.settleLocked(ctx, s, e.at, k); err != nil {
			return false, err
		}
	}
	return st.writeMaintained(ctx, s, e, k, next, missing(e, k, next, c, t))
}

// missing returns the slots of next that the index may lack: those of the entry's own class, which is handled now,
// and those that are new. After an entry of the old form it returns all slots, because the index is unknown.
func missing(e DueEntry, k, next *apikey.Key, c *tenant.Config, t *tenant.Tenant) []slot {
	inIndex := slots(k, active(k.Policy(c, t)))
	return slices.DeleteFunc(slots(next, next.Policy(c, t)), func(in slot) bool {
		own := e.of == unmarked || (e.of == chore) == (in.of == chore)
		return !own && slices.ContainsFunc(inIndex, in.same)
	})
}

// writeMaintained writes the changed key and the missing entries.
func (st *Store) writeMaintained(
	ctx context.Context,
	s logical.Storage,
	e DueEntry,
	k, next *apikey.Key,
	missing []slot,
) (bool, error) {
	if next != k {
		if err := st.claimNew(ctx, s, e.at, k, next); err != nil {
			return false, err
		}
		if err := st.retireIDs(ctx, s, k, next); err != nil {
			return false, err
		}
	}
	stays := false
	for _, in := range missing {
		if duePath(in.due, e.at, in.of) == duePath(e.minute, e.at, e.of) {
			stays = true // later in this minute
			continue
		}
		if err := st.putDue(ctx, s, in, e.at, next.UID); err != nil {
			return false, err
		}
	}
	if next != k {
		if err := st.keys.put(ctx, s, e.at, next); err != nil {
			return false, err
		}
		st.usage.forget(e.at, k, next)
	}
	if stays {
		return false, nil
	}
	err := st.dropDue(ctx, s, e)
	return err == nil, err
}

// owner returns the tenant of k, nil if it is erased, and the settings.
func (st *Store) owner(ctx context.Context, s logical.Storage, k *apikey.Key) (*tenant.Tenant, *tenant.Config, error) {
	c, err := st.Config(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	t, err := st.Tenant(ctx, s, k.Tenant)
	if err == nil && t != nil && t.UID != k.UID {
		t = nil
	}
	return t, c, err
}

// destroy deletes a record and then its index entries. If that fails, the walk finds the rest, which leads nowhere.
func (st *Store) destroy(ctx context.Context, s logical.Storage, at location, k *apikey.Key) error {
	if err := st.remove(ctx, s, at, k); err != nil {
		return err
	}
	return st.unclaimAll(ctx, s, at, k)
}

// remove deletes a record, with its place and its uses.
func (st *Store) remove(ctx context.Context, s logical.Storage, at location, k *apikey.Key) error {
	if err := st.retireIDs(ctx, s, k, nil); err != nil {
		return err
	}
	err := st.counts.destroy(at.family, k, func() error { return st.keys.remove(ctx, s, at) })
	if err == nil {
		st.usage.forget(at, k, nil)
	}
	return err
}

// unclaimAll deletes the entries of the key IDs of a record that is gone.
func (st *Store) unclaimAll(ctx context.Context, s logical.Storage, at location, k *apikey.Key) error {
	for i := range k.Versions {
		if err := st.unclaim(ctx, s, k.Versions[i].KeyID, at); err != nil {
			return err
		}
	}
	return nil
}
