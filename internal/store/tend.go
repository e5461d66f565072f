package store

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// tending is what is to become of a record: another one, or nothing at all.
type tending func(k *apikey.Key, t *tenant.Tenant) (next *apikey.Key, gone bool, err error)

// Tend looks after the key of an entry, under its lock: tend gets the record and its
// tenant and says what becomes of it. The record is written, or destroyed with all that
// leads to it, and the entry moved to the record's next time. An entry that leads nowhere
// goes. It reports false when the record is due later in this minute.
func (st *Store) Tend(ctx context.Context, s logical.Storage, e Entry, tend tending) (bool, error) {
	unlock := st.keys.lock(e.at)
	defer unlock()
	k, err := st.keys.load(ctx, s, e.at)
	if err != nil {
		return false, err
	}
	if k == nil {
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
	return st.tended(ctx, s, e, k, next, next.DueAt(next.Policy(c, t)))
}

// tended writes what has become of k, and moves the entry to the time at which it is due
// next.
func (st *Store) tended(ctx context.Context, s logical.Storage, e Entry, k, next *apikey.Key, due time.Time) (bool, error) {
	written := next != k
	if written {
		if err := st.claimNew(ctx, s, e.at, k, next); err != nil {
			return false, err
		}
		if err := st.entomb(ctx, s, k, next); err != nil {
			return false, err
		}
		if !due.IsZero() {
			if err := st.putDue(ctx, s, due, e.at, next.UID); err != nil {
				return false, err
			}
		}
		if err := st.keys.put(ctx, s, e.at, next); err != nil {
			return false, err
		}
		st.usage.forget(e.at, k, next)
	}
	if due.Truncate(time.Minute).Equal(e.minute) {
		return false, nil
	}
	if !due.IsZero() && !written {
		if err := st.putDue(ctx, s, due, e.at, next.UID); err != nil {
			return false, err
		}
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
	if err := st.entomb(ctx, s, k, nil); err != nil {
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
