package enginetest

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
)

// Put writes an entry into storage, unknown to the engine.
func (w *World) Put(path, value string) {
	w.T.Helper()
	w.Must(w.Storage.InmemStorage.Put(context.Background(), &logical.StorageEntry{Key: path, Value: []byte(value)}))
}

// Entries returns the storage paths under a prefix.
func (w *World) Entries(prefixes ...string) []string {
	w.T.Helper()
	return slices.DeleteFunc(w.All(), func(path string) bool {
		return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
	})
}

// NothingStray compares all that is in storage with what the records say: each key ID
// leads to its version and each version has its ID, nothing belongs to nobody, and uses
// are those of versions. Entries of the due index that lead nowhere go in their time.
func (w *World) NothingStray() {
	w.T.Helper()
	versions, tenants := map[string]string{}, map[string]string{}
	read := func(path string, v any) {
		entry, err := w.Storage.InmemStorage.Get(context.Background(), path)
		w.Must(err)
		w.Must(json.Unmarshal(entry.Value, v))
	}
	type record struct {
		UID      string
		Versions []struct {
			KeyID string `json:"key_id"`
		}
	}
	for _, path := range w.Entries("tenants/") {
		var r record
		read(path, &r)
		tenants[strings.TrimPrefix(path, "tenants/")] = r.UID
	}
	for _, path := range w.Entries("keys/", "leased/") {
		var r record
		read(path, &r)
		if of := strings.Split(path, "/")[1]; tenants[of] != r.UID {
			w.T.Errorf("%s belongs to nobody", path)
		}
		for _, v := range r.Versions {
			versions[v.KeyID] = path
		}
	}
	for _, path := range w.Entries("ids/") {
		var id struct{ Family, Tenant, Kind, Name string }
		read(path, &id)
		keyID := strings.TrimPrefix(path, "ids/")
		if at := strings.Join([]string{id.Family, id.Tenant, id.Kind, id.Name}, "/"); versions[keyID] != at {
			w.T.Errorf("%s leads to %s", path, at)
		}
		delete(versions, keyID)
	}
	for keyID, path := range versions {
		w.T.Errorf("nothing leads to %s of %s", keyID, path)
	}
	ids := w.Entries("ids/")
	for _, path := range w.Entries("usage/") {
		var u struct{ Uses map[string]map[string]any }
		read(path, &u)
		if !slices.Contains(slices.Collect(maps.Values(tenants)), strings.Split(path, "/")[1]) {
			w.T.Errorf("%s belongs to nobody", path)
		}
		for _, of := range u.Uses {
			for keyID := range of {
				if !slices.Contains(ids, "ids/"+keyID) {
					w.T.Errorf("%s holds the uses of %s, which is gone", path, keyID)
				}
			}
		}
	}
	for _, path := range w.Entries("roles/") {
		if of := strings.Split(path, "/")[1]; tenants[of] == "" {
			w.T.Errorf("%s belongs to nobody", path)
		}
	}
}

// Record returns acme's key billing out of storage.
func (w *World) Record() *apikey.Key {
	w.T.Helper()
	st := store.New()
	t, err := st.Tenant(context.Background(), w.Storage, "acme")
	w.Must(err)
	k, err := st.Key(context.Background(), w.Storage, t, apikey.External, "billing")
	w.Must(err)
	return k
}
