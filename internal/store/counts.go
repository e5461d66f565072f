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

// counts are how many keys and leased keys each tenant has. A count is made from one
// list per kind when it is first needed after a start, and kept afterwards.
type counts struct {
	m sync.Map // family and tenant UID -> *count
}

type count struct {
	mu     sync.Mutex
	known  bool                // n has been counted
	n      int                 // entries, those being made included
	making int                 // places taken whose records may not be in storage yet
	ended  map[string]struct{} // key IDs of entries that are there and take no place any more
	looked bool                // ended holds those of before the start too
}

func (c *counts) of(family, uid string) *count {
	v, _ := c.m.LoadOrStore(family+"/"+uid, new(count))
	return v.(*count)
}

// load counts, unless records are being made: a list would miss them. What a list lacks is gone and has not ended any
// more: a deletion that was told as failed may have landed.
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

// countEnded finds the leased keys that had ended before the start, so that nobody is refused
// because of them. It happens once, and only for who seems to have reached the limit.
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

// end notes that an entry takes no place any more, once however often it is called. The
// caller holds the lock.
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

// reserve takes one place under the limit; the caller gives it back by calling undo when
// the entry was not made after all. Look is called before anybody is refused; it may be
// nil.
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

// leastEnded is for how many ended leased keys there is room beside the living, however few may live: programs under
// test are started again and again.
const leastEnded = 64

// Why there is no place left: as many live as may, or all places of those that ended are taken. Keys that are no leased
// ones all live.
var (
	errFull  = errors.New("no place is left")
	errEnded = errors.New("ended ones are in the place")
)

// forget has the tenant counted anew: after a failure, storage alone knows.
func (c *count) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.making = max(0, c.making-1)
	c.known = false
}

// recount has the tenant's entries counted anew.
func (c *counts) recount(family, uid string) {
	n := c.of(family, uid)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known = false
}

// ReserveKey takes one of the tenant's places for keys.
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

// ReserveLeased takes one of the tenant's places for leased keys: as many as the limit may live, and there is room for
// as many more, or for leastEnded, since those that have ended stay for a while.
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
			"max_leased: with those that have ended, the tenant has the %d leased keys that it may have; "+
				"each that has ended is erased within the hour: try again then, take leases that live longer, or "+
				"have the limit raised",
			limit+max(limit, leastEnded),
		)
	}
	return undo, err
}

// destroy deletes a key's record and gives its place up, if that was not done before. Who
// counts meanwhile waits: it would see the record or not, and could not know.
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
	}
	n.n = max(0, n.n-1)
	return nil
}

// forget drops what is known of a tenant that is gone.
func (c *counts) forget(uid string) {
	c.m.Delete(familyKeys + "/" + uid)
	c.m.Delete(familyLeased + "/" + uid)
}

// changed notes what a written key means for its tenant's places. Counts of after a
// start include leased keys that had ended before: they may be over the truth, never
// under, and are made exact before anybody is refused.
func (c *counts) changed(family string, t *tenant.Tenant, before, k *apikey.Key) {
	n := c.of(family, t.UID)
	n.mu.Lock()
	defer n.mu.Unlock()
	if before == nil {
		n.making = max(0, n.making-1)
	}
	if k.Lease != nil && !k.Lease.EndedAt.IsZero() {
		n.end(k.Newest().KeyID)
	}
}
