// Package store keeps typed records in Vault's storage, with caches and locks. Each change of state is one Put of one
// record. Only this package knows storage paths. It makes no decisions about keys.
package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Sizes of the caches that the settings do not size: tenants, and key IDs that no key has (small, because strangers
// can fill it).
const (
	tenantsCached = 10_000
	absentCached  = 10_000
)

// Store is safe for concurrent use. Each call gets the storage as an argument, because Vault passes it with each
// request.
type Store struct {
	writes     *writes
	config     records[tenant.Config]
	tenants    records[tenant.Tenant]
	keys       records[apikey.Key] // named and leased keys
	roles      records[apikey.Role]
	ids        *cache[claim]
	unknownIDs *cache[struct{}]
	idLocks    *locks
	purgeLocks *locks // of what a purge keeps; taken inside a record's lock
	counts     counts
	cursor     dueCursor
	usage      usage
}

// New returns an empty store. It reads no storage.
func New() *Store {
	size, writes := tenant.DefaultConfig().CacheEntries, new(writes)
	return &Store{
		writes: writes,
		config: records[tenant.Config]{
			encode: encodeConfig, decode: decodeConfig, absent: tenant.DefaultConfig,
			writes: writes,
			cache:  newCache[*tenant.Config](1), locks: new(locks),
		},
		tenants: records[tenant.Tenant]{
			encode: encodeTenant, decode: decodeTenant,
			writes: writes,
			cache:  newCache[*tenant.Tenant](tenantsCached), locks: new(locks),
		},
		keys: records[apikey.Key]{
			encode: encodeKey, decode: decodeKey, forCache: forCache, sealed: true,
			writes: writes,
			cache:  newCache[*apikey.Key](size), locks: new(locks),
		},
		roles: records[apikey.Role]{
			encode: encodeRole, decode: decodeRole, absent: func() *apikey.Role { return &apikey.Role{} },
			writes: writes,
			cache:  newCache[*apikey.Role](size), locks: new(locks),
		},
		ids:        newCache[claim](size),
		unknownIDs: newCache[struct{}](absentCached),
		idLocks:    new(locks),
		purgeLocks: new(locks),
		usage:      usage{most: mostUses, busy: make(chan struct{}, 1), life: rand.Text()},
	}
}

// forCache returns the part of a key to cache. It leaves out the history and who revealed a secret, which few
// requests read. It keeps the entity of a leased key, which lists show, and names: all keys share one copy of a name.
func forCache(k *apikey.Key) *apikey.Key {
	c := *k
	c.History = nil
	c.Versions = slices.Clone(k.Versions)
	for i := range c.Versions {
		by := k.Versions[i].RevealedTo.Get()
		kept := apikey.Actor{Name: by.Name}
		//mutate:true "who took a secret, out of memory" TestWhoDidWhatStaysOutOfMemory
		if k.Lease != nil {
			kept.EntityID = by.EntityID
		}
		c.Versions[i].RevealedTo = apikey.Intern(kept)
	}
	return &c
}

// Invalidate drops the cached entry at a storage path. Vault calls it after a write of another node. It takes
// constant time.
func (st *Store) Invalidate(path string) {
	at, ok := parsePath(path)
	if !ok {
		return
	}
	switch at.family {
	case familyConfig:
		st.config.cache.drop(path)
	case familyTenants:
		st.tenants.cache.drop(path)
	case familyKeys, familyLeased:
		st.keys.cache.drop(path)
	case familyRoles:
		st.roles.cache.drop(path)
	case familyIDs:
		st.ids.drop(at.name)
		st.unknownIDs.drop(at.name)
	}
}

// Cached returns how many keys are cached.
func (st *Store) Cached() int { return st.keys.cache.size() }

// Config returns the mount's settings, the defaults if none were written.
func (st *Store) Config(ctx context.Context, s logical.Storage) (*tenant.Config, error) {
	return st.config.get(ctx, s, location{family: familyConfig})
}

// UpdateConfig changes the mount's settings; see [records.update].
func (st *Store) UpdateConfig(
	ctx context.Context,
	s logical.Storage,
	change func(*tenant.Config) (*tenant.Config, error),
) (*tenant.Config, error) {
	return st.config.update(ctx, s, location{family: familyConfig}, change, nil)
}

// Resize sets the sizes of the caches from the settings. It is cheap if nothing changed.
func (st *Store) Resize(c *tenant.Config) {
	st.keys.cache.resize(c.CacheEntries)
	st.ids.resize(c.CacheEntries)
	st.roles.cache.resize(c.CacheEntries)
}

// Tenant returns the record of a tenant in any state, nil if there is none.
func (st *Store) Tenant(ctx context.Context, s logical.Storage, name tenant.Name) (*tenant.Tenant, error) {
	return st.tenants.get(ctx, s, location{family: familyTenants, tenant: name})
}

// OpenTenant returns the record of a tenant that is not deleted, or a refusal.
func (st *Store) OpenTenant(ctx context.Context, s logical.Storage, name tenant.Name) (*tenant.Tenant, error) {
	t, err := st.Tenant(ctx, s, name)
	if err == nil && (t == nil || t.State() == tenant.Deleted) {
		err = NoTenant(name)
	}
	return t, err
}

// Again returns the present record of a tenant, or a refusal if it is deleted or gone.
func (st *Store) Again(ctx context.Context, s logical.Storage, t *tenant.Tenant) (*tenant.Tenant, error) {
	now, err := st.Tenant(ctx, s, t.Name)
	return stillOpen(now, err, t)
}

func stillOpen(now *tenant.Tenant, err error, t *tenant.Tenant) (*tenant.Tenant, error) {
	if err == nil && (now == nil || now.UID != t.UID || now.State() == tenant.Deleted) {
		return nil, NoTenant(t.Name)
	}
	return now, err
}

// NoTenant returns the refusal for a tenant that does not exist or is deleted.
func NoTenant(name tenant.Name) error {
	return refusal.Errorf(
		refusal.NotFound,
		"tenant: %q is not open; the provider's administrator opens tenants at admin/tenants/%[1]s",
		string(name),
	)
}

// UpdateTenant changes a tenant's record. Change gets nil if there is none.
func (st *Store) UpdateTenant(
	ctx context.Context,
	s logical.Storage,
	name tenant.Name,
	change func(*tenant.Tenant) (*tenant.Tenant, error),
) (*tenant.Tenant, error) {
	c, err := st.Config(ctx, s)
	if err != nil {
		return nil, err
	}
	at := location{family: familyTenants, tenant: name}
	return st.tenants.update(ctx, s, at, change, func(old, changed *tenant.Tenant) error {
		due := changed.DueAt(c.Retention)
		if due.IsZero() || old != nil && due.Equal(old.DueAt(c.Retention)) && changed.State() == old.State() {
			return nil
		}
		return st.putDue(ctx, s, slot{due, unmarked}, at, changed.UID)
	})
}

// Tenants returns the names of all tenants, sorted, including deleted ones.
func (st *Store) Tenants(ctx context.Context, s logical.Storage) ([]string, error) {
	return list(ctx, s, location{family: familyTenants})
}

func list(ctx context.Context, s logical.Storage, at location) ([]string, error) {
	return listFolder(ctx, s, at.family, at.folder())
}

func listFolder(ctx context.Context, s logical.Storage, family, folder string) ([]string, error) {
	names, err := s.List(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", family, err)
	}
	slices.Sort(names) // not all storage sorts, and pages need the order
	return names, nil
}
