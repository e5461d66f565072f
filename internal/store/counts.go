package store

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// counts holds the numbers of keys and leased keys of each tenant. A number is counted with one list per kind when it
// is first needed after a start, and kept up to date from then on.
type counts struct {
	m sync.Map // family and tenant UID -> *count
}

type count struct {
	mu     sync.Mutex
	known  bool                // n is valid
	n      int                 // entries, including those being made
	making int                 // reserved places whose records may not be in storage yet
	ended  map[string]struct{} // key IDs of entries that exist but take no place
	looked bool                // ended includes those from before the start
	roles  roleCounts          // of leased keys
}

func (c *counts) of(family, uid string) *count {
	v, _ := c.m.LoadOrStore(family+"/"+uid, new(count))
	return v.(*count)
}

// load counts the entries, unless records are being made, which a list could miss. Entries that are not listed are
// removed from ended: a deletion that was reported as failed may have succeeded.
func (c *count) load(ctx context.Context, s logical.Storage, family string, t *tenant.Tenant) error {
	if c.known || c.making > 0 {
		return nil
	}
	n, ended := 0, make(map[string]struct{})
	for _, kind := range apikey.Kinds {
		names, err := list(ctx, s, location{family: family, tenant: t.Name, kind: kind})
		if err != nil {
			return err
		}
		n += len(names)
		for _, name := range names {
			if _, over := c.ended[name]; over {
				ended[name] = struct{}{}
			}
		}
	}
	//mutate:skip:2 "ended keys that are gone" TestCountsAfterADeletionToldAsFailed
	c.n, c.ended, c.known = n, ended, true
	return nil
}

// live returns how many places are taken.
func (c *count) live() int { return c.n - len(c.ended) }

// countEnded finds the leased keys that had ended before the start, so that they count against no limit. It runs
// once, when a tenant seems to have reached its limit.
func (c *count) countEnded(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	ended func(kind apikey.Kind, keyID string) (bool, error),
) error {
	for _, kind := range apikey.Kinds {
		ids, err := list(ctx, s, location{family: familyLeased, tenant: t.Name, kind: kind})
		if err != nil {
			return err
		}
		for _, keyID := range ids {
			over, err := ended(kind, keyID)
			if err != nil {
				return err
			}
			if over {
				c.end(keyID)
			}
		}
	}
	c.looked = true
	return nil
}

// end notes that an entry takes no place any more. Calling it twice does no harm. The caller holds the lock.
func (c *count) end(keyID string) {
	if c.ended == nil {
		c.ended = make(map[string]struct{})
	}
	c.ended[keyID] = struct{}{}
}

// Counts returns how many keys and live leased keys the tenant has.
func (st *Store) Counts(ctx context.Context, s logical.Storage, t *tenant.Tenant) (keys, leased int, err error) {
	if keys, err = st.counts.read(ctx, s, familyKeys, t); err == nil {
		leased, err = st.counts.read(ctx, s, familyLeased, t)
	}
	return keys, leased, err
}

func (c *counts) read(ctx context.Context, s logical.Storage, family string, t *tenant.Tenant) (int, error) {
	n := c.of(family, t.UID)
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.load(ctx, s, family, t)
	return n.live(), err
}

// reserve takes one place under the limit. The caller calls undo if it does not make the entry. Look is called before
// a refusal, to find ended entries; it may be nil. The error is errFull or errEnded if there is no place.
func (c *counts) reserve(
	ctx context.Context,
	s logical.Storage,
	family string,
	t *tenant.Tenant,
	limit int,
	look func(*count) error,
) (undo func(), err error) {
	n := c.of(family, t.UID)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.load(ctx, s, family, t); err != nil {
		return nil, err
	}
	if n.live() >= limit && look != nil && !n.looked {
		if err := look(n); err != nil {
			return nil, err
		}
	}
	//mutate:false "how many keys there may be" TestLimits
	if n.live() >= limit {
		return nil, errFull
	}
	//mutate:false "how many ended leased keys are kept" TestEndedLeasesAreBounded|TestBoundOfEndedLeasesUnderLoad
	if n.n >= limit+max(limit, leastEnded) {
		return nil, errEnded
	}
	n.n++
	n.making++
	return n.forget, nil
}

// leastEnded is the least number of ended leased keys that a tenant may have beside its live ones, even with a low
// limit: programs under test restart often.
const leastEnded = 64

// Why there is no place. Only leased keys end.
var (
	errFull  = errors.New("all places are taken")
	errEnded = errors.New("all places of ended entries are taken")
)

// forget makes the next call count again: after a failure, only storage knows the number.
func (c *count) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.making = max(0, c.making-1)
	c.known = false
}

// recount makes the next call count the tenant's entries again.
func (c *counts) recount(family, uid string) {
	n := c.of(family, uid)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known, n.roles.exact = false, false
}

// ReserveKey takes one of the tenant's places for keys. The caller calls undo if it does not make the key. It is a
// refusal if limit keys exist.
func (st *Store) ReserveKey(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	limit int,
) (undo func(), err error) {
	undo, err = st.counts.reserve(ctx, s, familyKeys, t, limit, nil)
	if errors.Is(err, errFull) {
		err = refusal.Errorf(
			refusal.Invalid,
			"max_keys: the tenant has the %d keys it may have, deleted ones that can be restored included; "+
				"use one of them, or have the limit raised",
			limit,
		)
	}
	return undo, err
}

// ReserveLeased takes one of the tenant's places for leased keys; undo is as in [Store.ReserveKey]. Ended leased keys
// stay in storage for a while, so that there is room for as many of them as limit, and for leastEnded at least.
func (st *Store) ReserveLeased(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	limit int,
) (undo func(), err error) {
	undo, err = st.counts.reserve(ctx, s, familyLeased, t, limit, func(n *count) error {
		return n.countEnded(ctx, s, t, func(kind apikey.Kind, keyID string) (bool, error) {
			k, err := st.keys.get(ctx, s, location{familyLeased, t.Name, kind, keyID})
			return k == nil || k.UID != t.UID || !k.Lease.EndedAt.IsZero(), err
		})
	})
	if errors.Is(err, errFull) {
		err = refusal.Errorf(refusal.Invalid, "max_leased: the tenant has the %d leased keys it may have; "+
			"revoke leases that are not used any more, or have the limit raised", limit)
	}
	if errors.Is(err, errEnded) {
		err = refusal.Errorf(
			refusal.Invalid,
			"max_leased: the tenant has the %d leased keys that it may have, ended ones included; "+
				"each that has ended is erased within the hour: try again then, take leases that live longer, or "+
				"have the limit raised",
			limit+max(limit, leastEnded),
		)
	}
	return undo, err
}

// destroy deletes a key's record and gives up its place, unless it had ended. Other calls wait for the lock
// meanwhile, because a list could contain the record or not.
func (c *counts) destroy(family string, k *apikey.Key, remove func() error) error {
	n := c.of(family, k.UID)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := remove(); err != nil {
		n.known = false
		return err
	}
	if family == familyLeased {
		delete(n.ended, k.Newest().KeyID)
		n.roles.gone(k)
	}
	n.n = max(0, n.n-1)
	return nil
}

// forget deletes the counts of an erased tenant.
func (c *counts) forget(uid string) {
	c.m.Delete(familyKeys + "/" + uid)
	c.m.Delete(familyLeased + "/" + uid)
}

// changed updates the counts after a key was written. After a start, they include leased keys that had ended before,
// so that they may be too high, but never too low. They are made exact before a refusal.
func (c *counts) changed(family string, t *tenant.Tenant, before, k *apikey.Key) {
	n := c.of(family, t.UID)
	n.mu.Lock()
	defer n.mu.Unlock()
	if before == nil {
		n.making = max(0, n.making-1)
		n.roles.made(k)
	}
	n.roles.changed(k)
	if k.Lease != nil && !k.Lease.EndedAt.IsZero() {
		n.end(k.Newest().KeyID)
	}
}
