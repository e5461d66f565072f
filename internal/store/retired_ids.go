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

// storedRetiredID is a tombs entry: {"schema":1}. That it is there is all.
type storedRetiredID struct{ header }

func retiredIDPath(keyID string) string { return familyTombs + "/" + keyID }

// Claimable reports whether a key ID that was made elsewhere may be used for the tenant's
// key: nothing else has it, and it is not spent. What a failed write of the key itself has
// left stands against nothing.
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

// retireIDs has the key IDs of imported versions that next lacks never be used again. It is
// called before they go. IDs made here are random, and need no such memory.
func (st *Store) retireIDs(ctx context.Context, s logical.Storage, old, next *apikey.Key) error {
	if old == nil {
		return nil
	}
	for i := range old.Versions {
		v := &old.Versions[i]
		//mutate:true:1 "imports of an ID that is spent" ./backend TestImportedIDsAreNeverReused
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
