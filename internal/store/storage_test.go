package store

import (
	"errors"
	"testing"

	"vault-plugin-secrets-apikeys/internal/storagetest"
)

var errBroken = errors.New("storage is broken")

// copied returns a storage with the same entries, in which nobody steps in.
func copied(t *testing.T, s *storagetest.Storage) *storagetest.Storage {
	t.Helper()
	c := new(storagetest.Storage)
	for path, entry := range s.Entries(t) {
		must(t, c.InmemStorage.Put(t.Context(), entry))
		if path != entry.Key {
			t.Fatalf("entry %s says it is %s", path, entry.Key)
		}
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
