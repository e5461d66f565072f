package store

import (
	"context"
	"fmt"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// storedTomb is a tombs entry: {"schema":1}. That it is there is all.
type storedTomb struct{ header }

func tombPath(keyID string) string { return familyTombs + "/" + keyID }

// Claimable reports whether a key ID that was made elsewhere may be used: nothing has it,
// and it is not spent.
func (st *Store) Claimable(ctx context.Context, s logical.Storage, keyID string) (bool, error) {
	for _, path := range []string{location{family: familyIDs, name: keyID}.path(), tombPath(keyID)} {
		entry, err := s.Get(ctx, path)
		if err != nil {
			return false, fmt.Errorf("reading %s: %w", familyIDs, err)
		}
		if entry != nil {
			return false, nil
		}
	}
	return true, nil
}

// entomb has the key IDs of imported versions that next lacks never be used again. It is
// called before they go. IDs made here are random, and need no such memory.
func (st *Store) entomb(ctx context.Context, s logical.Storage, old, next *apikey.Key) error {
	if old == nil {
		return nil
	}
	for i := range old.Versions {
		v := &old.Versions[i]
		if !v.Marks.Get().Imported || next != nil && next.Version(v.KeyID) != nil {
			continue
		}
		raw, err := encode(storedTomb{header{schema}})
		if err != nil {
			return err
		}
		if err := s.Put(ctx, &logical.StorageEntry{Key: tombPath(v.KeyID), Value: raw}); err != nil {
			return fmt.Errorf("writing %s: %w", familyTombs, err)
		}
	}
	return nil
}
