package store

import (
	"context"
	"slices"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Key returns the tenant's named key without its history, or a refusal.
func (st *Store) Key(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	name apikey.Name,
) (*apikey.Key, error) {
	k, err := st.keys.get(ctx, s, location{familyKeys, t.Name, kind, string(name)})
	return ownedKey(k, err, t, "key", string(name))
}

// Named returns the tenant's named key and the tenant, both in force at the same moment, or a refusal.
func (st *Store) Named(
	ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind, name apikey.Name,
) (*Match, error) {
	for {
		var all reads
		if found, err := st.named(ctx, s, t, kind, name, &all); err != nil || all.unchanged() {
			return found, err
		}
	}
}

func (st *Store) named(
	ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind, name apikey.Name, all *reads,
) (*Match, error) {
	k, err := st.keys.read(ctx, s, location{familyKeys, t.Name, kind, string(name)}, all)
	if k, err = ownedKey(k, err, t, "key", string(name)); err != nil {
		return nil, err
	}
	now, err := st.tenants.read(ctx, s, location{family: familyTenants, tenant: t.Name}, all)
	if now, err = stillOpen(now, err, t); err != nil {
		return nil, err
	}
	return &Match{Key: k, Tenant: now}, nil
}

// Leased returns the tenant's leased key, including the entity that asked for it, or a refusal.
func (st *Store) Leased(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	keyID string,
) (*apikey.Key, error) {
	k, err := st.keys.get(ctx, s, location{familyLeased, t.Name, kind, keyID})
	return ownedKey(k, err, t, "leased key", keyID)
}

// KeyWithHistory returns the tenant's named key with its history, from storage, or a refusal.
func (st *Store) KeyWithHistory(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	name apikey.Name,
) (*apikey.Key, error) {
	k, err := st.keys.load(ctx, s, location{familyKeys, t.Name, kind, string(name)})
	return ownedKey(k, err, t, "key", string(name))
}

func ownedKey(k *apikey.Key, err error, t *tenant.Tenant, what, name string) (*apikey.Key, error) {
	//mutate:false:2.2 "keys of a former tenant of the name" TestWhatCarriesAnotherUIDDoesNotExist
	if err == nil && (k == nil || k.UID != t.UID) {
		return nil, refusal.Errorf(refusal.NotFound, "%s: tenant %q has no %s %q", what, string(t.Name), what, name)
	}
	return k, err
}

// UpdateKey changes the tenant's named key. It writes the index entries before the record. Change gets nil if there
// is no key.
func (st *Store) UpdateKey(ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind, name apikey.Name,
	change func(*apikey.Key) (*apikey.Key, error),
) (*apikey.Key, error) {
	return st.updateKey(ctx, s, t, location{familyKeys, t.Name, kind, string(name)}, change)
}

// UpdateLeased changes the tenant's leased key. Change gets nil if there is no key.
func (st *Store) UpdateLeased(ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind, keyID string,
	change func(*apikey.Key) (*apikey.Key, error),
) (*apikey.Key, error) {
	return st.updateKey(ctx, s, t, location{familyLeased, t.Name, kind, keyID}, change)
}

func (st *Store) updateKey(ctx context.Context, s logical.Storage, t *tenant.Tenant, at location,
	change func(*apikey.Key) (*apikey.Key, error),
) (*apikey.Key, error) {
	st.makeRoom(ctx, s, t.Name)
	c, err := st.Config(ctx, s)
	if err != nil {
		return nil, err
	}
	unlock, err := st.keys.lock(ctx, at)
	if err != nil {
		return nil, err
	}
	defer unlock() // after counts.changed, because destroying the key counts too
	var before *apikey.Key
	k, err := st.keys.updateLocked(ctx, s, at, func(old *apikey.Key) (*apikey.Key, error) {
		//mutate:true:2 "writing over such keys" TestWhatCarriesAnotherUIDDoesNotExist
		if old != nil && old.UID == t.UID { // the record of a former tenant of that name does not count
			before = old
		}
		return change(before)
	}, func(_, changed *apikey.Key) error {
		return st.index(ctx, s, at, before, changed, c, t)
	})
	if err == nil && k != nil {
		st.counts.changed(at.family, t, before, k)
		//mutate:skip "uses of versions that are trimmed" TestUsesGoWithTheirVersions
		st.usage.forget(at, before, k)
	}
	return k, err
}

// index writes the entries that lead to the changed record: one for each new key ID, and one for each new slot, for
// the tenant's present state and for an active one. After a crash they may lead nowhere, which does no harm, because
// readers check the record.
func (st *Store) index(
	ctx context.Context, s logical.Storage, at location, old, changed *apikey.Key, c *tenant.Config, t *tenant.Tenant,
) error {
	if err := st.claimNew(ctx, s, at, old, changed); err != nil {
		return err
	}
	if err := st.retireIDs(ctx, s, old, changed); err != nil {
		return err
	}
	var there []slot
	if old != nil {
		there = indexed(old, old.Policy(c, t))
	}
	for _, in := range indexed(changed, changed.Policy(c, t)) {
		if slices.ContainsFunc(there, in.same) {
			continue
		}
		if err := st.putDue(ctx, s, in, at, changed.UID); err != nil {
			return err
		}
	}
	return nil
}

// claimNew claims the key IDs of changed that old lacks.
func (st *Store) claimNew(ctx context.Context, s logical.Storage, at location, old, changed *apikey.Key) error {
	for i := range changed.Versions {
		v := &changed.Versions[i]
		if old != nil && old.Version(v.KeyID) != nil {
			continue
		}
		if err := st.claim(ctx, s, v.KeyID, claim{at: at, uid: changed.UID}); err != nil {
			return err
		}
	}
	return nil
}

// Keys returns the names of the tenant's keys of a kind, sorted.
func (st *Store) Keys(ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind) ([]string, error) {
	return list(ctx, s, location{family: familyKeys, tenant: t.Name, kind: kind})
}

// LeasedIDs returns the key IDs of the tenant's leased keys of a kind, sorted.
func (st *Store) LeasedIDs(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
) ([]string, error) {
	return list(ctx, s, location{family: familyLeased, tenant: t.Name, kind: kind})
}

// Role returns the tenant's role, or a refusal if there is none or it is deleted.
func (st *Store) Role(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	name apikey.Name,
) (*apikey.Role, error) {
	r, err := st.role(ctx, s, t.Name, kind, name)
	//mutate:false:2.1 "roles of a former tenant" TestWhatCarriesAnotherUIDDoesNotExist
	if err == nil && (r.UID != t.UID || !r.DeletedAt.IsZero()) {
		return nil, NoRole(t.Name, name)
	}
	return r, err
}

// RoleOf returns the role of a leased key, nil if there is none. It includes deleted roles, because their revocations
// stay in force.
func (st *Store) RoleOf(ctx context.Context, s logical.Storage, k *apikey.Key) (*apikey.Role, error) {
	for {
		var alone reads
		if r, err := st.roleOf(ctx, s, k, &alone); err != nil || alone.unchanged() {
			return r, err
		}
	}
}

func (st *Store) roleOf(ctx context.Context, s logical.Storage, k *apikey.Key, all *reads) (*apikey.Role, error) {
	r, err := st.roles.read(ctx, s, location{familyRoles, k.Tenant, k.Kind, string(k.Name)}, all)
	//mutate:false:2 "the role of a leased key of a former tenant" TestRoleOfAnotherUIDRevokesNothing
	if err != nil || r.UID != k.UID {
		return nil, err
	}
	return r, nil
}

// NoRole returns the refusal for a role that does not exist.
func NoRole(t tenant.Name, name apikey.Name) error {
	return refusal.Errorf(refusal.NotFound, "role: tenant %q has no role %q", string(t), string(name))
}

// role returns the role in any state, an empty one if there is none.
func (st *Store) role(
	ctx context.Context,
	s logical.Storage,
	t tenant.Name,
	kind apikey.Kind,
	name apikey.Name,
) (*apikey.Role, error) {
	return st.roles.get(ctx, s, location{familyRoles, t, kind, string(name)})
}

// UpdateRole changes a role. Change gets nil if there is none, and the marker if it is deleted.
func (st *Store) UpdateRole(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	name apikey.Name,
	change func(*apikey.Role) (*apikey.Role, error),
) (*apikey.Role, error) {
	st.makeRoom(ctx, s, t.Name)
	return st.roles.update(
		ctx,
		s,
		location{familyRoles, t.Name, kind, string(name)},
		func(old *apikey.Role) (*apikey.Role, error) {
			if old != nil && old.UID != t.UID {
				old = nil
			}
			return change(old)
		},
		nil,
	)
}

// Roles returns the names of the tenant's roles of a kind, sorted, including markers of deleted ones.
func (st *Store) Roles(ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind) ([]string, error) {
	return list(ctx, s, location{family: familyRoles, tenant: t.Name, kind: kind})
}
