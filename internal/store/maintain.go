package store

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// maintain is what is to become of a record: another one, or nothing at all.
type maintain func(k *apikey.Key, t *tenant.Tenant) (next *apikey.Key, gone bool, err error)

// ApplyDue looks after the key of an entry, under its lock: tend gets the record and its
// tenant and says what becomes of it. The record is written, or destroyed with all that
// leads to it, and the entry moved to the record's next time. An entry that leads nowhere
// goes. It reports false when the record is due later in this minute.
func (st *Store) ApplyDue(ctx context.Context, s logical.Storage, e DueEntry, tend maintain) (bool, error) {
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
		if err := st.steady(ctx, s, e.at, nil); err != nil {
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
		if next, gone, err = tend(k, t); err != nil {
			return false, err
		}
	}
	if gone {
		if err := st.destroy(ctx, s, e.at, k); err != nil {
			return false, err
		}
		return true, st.dropDue(ctx, s, e)
	}
	if next == k { // entries of what may still come must not be dropped
		if err := st.steady(ctx, s, e.at, k); err != nil {
			return false, err
		}
	}
	return st.writeMaintained(ctx, s, e, k, next, missing(e, k, next, c, t))
}

// missing returns the slots of what is due next that may not be in the index: those of the
// entry's own class, which has come to its end, and those that came with the change. All,
// for an entry of the old form, about which nothing is known.
func missing(e DueEntry, k, next *apikey.Key, c *tenant.Config, t *tenant.Tenant) []slot {
	there := slots(k, active(k.Policy(c, t)))
	return slices.DeleteFunc(slots(next, next.Policy(c, t)), func(in slot) bool {
		own := e.of == unmarked || (e.of == chore) == (in.of == chore)
		return !own && slices.ContainsFunc(there, in.same)
	})
}

// writeMaintained writes what has become of k, and the entries that are missing then.
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

// owner returns the tenant that k belongs to, nil when it is gone, and the settings.
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

// destroy deletes a record and then what leads to it: what a failure leaves of that leads
// nowhere, and is found by the walk.
func (st *Store) destroy(ctx context.Context, s logical.Storage, at location, k *apikey.Key) error {
	if err := st.retireIDs(ctx, s, k, nil); err != nil {
		return err
	}
	err := st.counts.destroy(at.family, k, func() error { return st.keys.remove(ctx, s, at) })
	if err != nil {
		return err
	}
	for i := range k.Versions {
		if err := st.unclaim(ctx, s, k.Versions[i].KeyID, at); err != nil {
			return err
		}
	}
	st.usage.forget(at, k, nil)
	return nil
}
