package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

var errBroken = errors.New("storage is broken")

// spy is a storage in memory that notes each operation, as "get keys/…", and lets a test
// step in: before an operation, whose error keeps it from happening, and after it, whose
// error says that it may not have.
type spy struct {
	logical.InmemStorage
	mu            sync.Mutex
	done          []string
	sealed        map[string]bool // paths whose last Put asked for seal-wrapping, which the storage forgets
	before, after func(op string) error
}

func (s *spy) run(op string, do func() error) error {
	s.mu.Lock()
	s.done = append(s.done, op)
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(op); err != nil {
			return err
		}
	}
	err := do()
	if err == nil && after != nil {
		err = after(op)
	}
	return err
}

func (s *spy) Get(ctx context.Context, key string) (entry *logical.StorageEntry, err error) {
	err = s.run("get "+key, func() error { entry, err = s.InmemStorage.Get(ctx, key); return err })
	if err != nil {
		return nil, err
	}
	return entry, nil
}

func (s *spy) Put(ctx context.Context, entry *logical.StorageEntry) error {
	return s.run("put "+entry.Key, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.sealed == nil {
			s.sealed = make(map[string]bool)
		}
		s.sealed[entry.Key] = entry.SealWrap
		return s.InmemStorage.Put(ctx, entry)
	})
}

func (s *spy) Delete(ctx context.Context, key string) error {
	return s.run("delete "+key, func() error { return s.InmemStorage.Delete(ctx, key) })
}

func (s *spy) List(ctx context.Context, prefix string) (names []string, err error) {
	err = s.run("list "+prefix, func() error { names, err = s.InmemStorage.List(ctx, prefix); return err })
	if err != nil {
		return nil, err
	}
	return names, nil
}

// ops runs do and returns the operations it came to.
func (s *spy) ops(do func()) []string {
	s.mu.Lock()
	s.done = nil
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.done)
}

// stepIn sets what happens before and after each operation; nil: nothing.
func (s *spy) stepIn(before, after func(op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// copied returns a storage with the same entries and nobody stepping in.
func (s *spy) copied(t *testing.T) *spy {
	t.Helper()
	c := new(spy)
	for key, entry := range s.entries(t) {
		must(t, c.InmemStorage.Put(t.Context(), entry))
		if key != entry.Key {
			t.Fatalf("entry %s says it is %s", key, entry.Key)
		}
	}
	return c
}

// entries returns all that is in storage, past the spy.
func (s *spy) entries(t *testing.T) map[string]*logical.StorageEntry {
	t.Helper()
	all := make(map[string]*logical.StorageEntry)
	paths, err := logical.CollectKeys(t.Context(), &s.InmemStorage)
	must(t, err)
	for _, path := range paths {
		entry, err := s.InmemStorage.Get(t.Context(), path)
		must(t, err)
		all[path] = entry
	}
	return all
}

// raw writes an entry past the store, as another node or a damage would.
func (s *spy) raw(t *testing.T, path, value string) {
	t.Helper()
	must(t, s.InmemStorage.Put(t.Context(), &logical.StorageEntry{Key: path, Value: []byte(value)}))
}

func only(ops []string, verb string) []string {
	return slices.DeleteFunc(slices.Clone(ops), func(op string) bool { return !strings.HasPrefix(op, verb+" ") })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
