package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// FindPurged returns what is kept of a valid key ID that no key has, or nil: it was never purged, or so long ago that
// nothing is told of it, or its tenant is gone. Ask [Store.Find] first: what a purge that failed has left does not
// count. The tenant may be deleted.
func (st *Store) FindPurged(
	ctx context.Context, s logical.Storage, keyID string, now time.Time,
) (*PurgedID, *tenant.Tenant, error) {
	p, err := loadPurged(ctx, s, keyID)
	if err != nil || p == nil {
		return nil, nil, err
	}
	c, err := st.Config(ctx, s)
	if err != nil || p.Forgotten(c.Retention, now) {
		return nil, nil, err
	}
	t, err := st.Tenant(ctx, s, p.Tenant)
	//mutate:false:3 "purged keys of a former tenant" ./paths TestPurgedKeysOfAFormerTenant
	if err != nil || t == nil || t.UID != p.UID {
		return nil, nil, err
	}
	return p, t, nil
}

func loadPurged(ctx context.Context, s logical.Storage, keyID string) (*PurgedID, error) {
	entry, err := s.Get(ctx, purgedPath(keyID))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", familyPurged, err)
	}
	if entry == nil {
		return nil, nil
	}
	return decodePurged(entry.Value)
}

// PurgedIDs returns every key ID of which a purge has left something, sorted.
func (st *Store) PurgedIDs(ctx context.Context, s logical.Storage) ([]string, error) {
	return listFolder(ctx, s, familyPurged, purgedPath(""))
}

// DropPurged deletes what is kept of a key ID if nothing is told of it any more.
func (st *Store) DropPurged(ctx context.Context, s logical.Storage, keyID string, now time.Time) error {
	path := purgedPath(keyID)
	unlock, err := st.purgeLocks.lock(ctx, path) // the key may be purged right now
	if err != nil {
		return err
	}
	defer unlock()
	p, err := loadPurged(ctx, s, keyID)
	if err != nil || p == nil {
		return err
	}
	c, err := st.Config(ctx, s)
	if err != nil {
		return err
	}
	t, err := st.Tenant(ctx, s, p.Tenant)
	if err != nil || t != nil && t.UID == p.UID && !p.Forgotten(c.Retention, now) {
		return err
	}
	return deletePurged(ctx, s, path)
}

func deletePurged(ctx context.Context, s logical.Storage, path string) error {
	if err := uninterrupted(ctx, func(ctx context.Context) error { return s.Delete(ctx, path) }); err != nil {
		return fmt.Errorf("deleting %s: %w", familyPurged, err)
	}
	return nil
}
