package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Destroy deletes the key at a place with its index entries, whatever its state. If the record is damaged, its key
// IDs are unknown, and the walk finds their entries.
func (st *Store) Destroy(ctx context.Context, s logical.Storage, e DueEntry) error {
	unlock, err := st.keys.lock(ctx, e.at)
	if err != nil {
		return err
	}
	defer unlock()
	k, err := st.keys.load(ctx, s, e.at)
	switch {
	case errors.Is(err, ErrCorrupt):
		return st.keys.remove(ctx, s, e.at)
	case err != nil:
		return err
	case k == nil:
		return st.settleLocked(ctx, s, e.at, nil) // an earlier write of it may still succeed
	default:
		return st.destroy(ctx, s, e.at, k)
	}
}

// EraseRoles deletes all roles under a tenant's name.
func (st *Store) EraseRoles(ctx context.Context, s logical.Storage, of tenant.Name) error {
	for _, kind := range apikey.Kinds {
		names, err := list(ctx, s, location{family: familyRoles, tenant: of, kind: kind})
		if err != nil {
			return err
		}
		for _, name := range names {
			at := location{familyRoles, of, kind, name}
			if err := st.eraseRole(ctx, s, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (st *Store) eraseRole(ctx context.Context, s logical.Storage, at location) error {
	unlock, err := st.roles.lock(ctx, at)
	if err != nil {
		return err
	}
	defer unlock()
	return st.roles.remove(ctx, s, at)
}

// EraseTenant deletes the record of a tenant whose erasure has begun, and its uses. The name is free then.
func (st *Store) EraseTenant(ctx context.Context, s logical.Storage, name tenant.Name) error {
	at := location{family: familyTenants, tenant: name}
	unlock, err := st.tenants.lock(ctx, at)
	if err != nil {
		return err
	}
	defer unlock()
	t, err := st.tenants.load(ctx, s, at)
	if err == nil && t == nil {
		return st.tenants.keep(ctx, s, at, nil, 0)
	}
	if err != nil || t.ErasedSince.IsZero() {
		return err
	}
	if err := st.eraseUsage(ctx, s, t.UID); err != nil {
		return err
	}
	if err := deletePurged(ctx, s, purgesPath(name)); err != nil {
		return err
	}
	if err := st.tenants.remove(ctx, s, at); err != nil {
		return err
	}
	st.counts.forget(t.UID)
	return nil
}

// DropTenantEntry deletes a tenant's due entry, and writes another one if the tenant is due later. Seen is the tenant
// that was handled; nil: there was none. It reports false if the tenant has changed since, because the entry may be
// about that change.
func (st *Store) DropTenantEntry(
	ctx context.Context,
	s logical.Storage,
	e DueEntry,
	seen *tenant.Tenant,
) (bool, error) {
	unlock, err := st.tenants.lock(ctx, e.at)
	if err != nil {
		return false, err
	}
	defer unlock()
	t, err := st.tenants.load(ctx, s, e.at)
	if err != nil {
		return false, err
	}
	c, err := st.Config(ctx, s)
	if err != nil {
		return false, err
	}
	if t != nil && (seen == nil || t.UID != seen.UID || t.Revision != seen.Revision) {
		return false, nil
	}
	if t != nil && t.State() == tenant.Deleted {
		due := t.DueAt(c.Retention)
		if duePath(due, e.at, e.of) == duePath(e.minute, e.at, e.of) {
			return false, nil // later in this minute
		}
		if err := st.putDue(ctx, s, slot{due, e.of}, e.at, t.UID); err != nil {
			return false, fmt.Errorf("moving %s: %w", familyDue, err)
		}
	}
	err = st.dropDue(ctx, s, e)
	return err == nil, err
}
