package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// storedRetiredID is an entry under tombs/: {"schema":1}. Its existence is the information.
type storedRetiredID struct{ header }

func retiredIDPath(keyID string) string { return familyTombs + "/" + keyID }

// Claimable reports whether an imported key ID may be used for the tenant's key: no other key has it or has had it. A
// claim that a failed write of the same key has left does not count.
func (st *Store) Claimable(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	name apikey.Name,
	keyID string,
) (bool, error) {
	own := claim{at: location{familyKeys, t.Name, kind, string(name)}, uid: t.UID}
	switch has, err := st.claimed(ctx, s, keyID); {
	case errors.Is(err, ErrCorrupt), errors.Is(err, refusal.Unavailable), err == nil && has != nil && *has != own:
		return false, nil
	case err != nil:
		return false, err
	}
	tomb, err := s.Get(ctx, retiredIDPath(keyID))
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", familyTombs, err)
	}
	return tomb == nil, nil
}

// retireIDs records the key IDs of imported versions that next lacks, so that they are never used again. Call it
// before the versions are removed. IDs made here are random and need no record.
func (st *Store) retireIDs(ctx context.Context, s logical.Storage, old, next *apikey.Key) error {
	if old == nil {
		return nil
	}
	for i := range old.Versions {
		v := &old.Versions[i]
		//mutate:true:1 "imports of an ID that is spent" ./paths TestImportedIDsAreNeverReused
		if !v.Marks.Get().Imported || next != nil && next.Version(v.KeyID) != nil {
			continue
		}
		raw, err := encode(storedRetiredID{header{schema}})
		if err != nil {
			return err
		}
		entry := &logical.StorageEntry{Key: retiredIDPath(v.KeyID), Value: raw}
		if err := uninterrupted(ctx, func(ctx context.Context) error { return s.Put(ctx, entry) }); err != nil {
			return fmt.Errorf("writing %s: %w", familyTombs, err)
		}
	}
	return nil
}
