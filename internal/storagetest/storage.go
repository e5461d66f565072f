// Package storagetest provides an in-memory Vault storage for tests. It counts and records operations, and calls
// hooks of the test before and after each one.
package storagetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// Storage starts empty and is safe for concurrent use. An operation is written as its verb and path, such as "put
// keys/acme/external/billing". The verbs are get, put, delete and list.
type Storage struct {
	logical.InmemStorage

	mu            sync.Mutex
	counts        map[string]int // by verb
	noting        bool
	noted         []string
	sealed        map[string]bool // paths whose last Put asked for seal-wrapping, which InmemStorage does not keep
	before, after func(operation string) error
}

// StepIn sets hooks that are called before and after each operation. An error of before prevents the operation. An
// error of after is returned although the operation was done. Nil calls nothing.
func (s *Storage) StepIn(before, after func(operation string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// Count returns how many operations had one of the verbs, or how many there were if no verb is given.
func (s *Storage) Count(verbs ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for verb, count := range s.counts {
		if len(verbs) == 0 || slices.Contains(verbs, verb) {
			n += count
		}
	}
	return n
}

// Operations calls do and returns the operations meanwhile, in order.
func (s *Storage) Operations(do func()) []string {
	s.note(true)
	do()
	return s.note(false)
}

// note starts or stops recording, and returns what was recorded.
func (s *Storage) note(on bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	noted := s.noted
	s.noting, s.noted = on, nil
	return noted
}

// Sealed reports whether the last Put of a path asked for seal-wrapping.
func (s *Storage) Sealed(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sealed[path]
}

// Entries returns all entries by path. It does not count as an operation.
func (s *Storage) Entries(t testing.TB) map[string]*logical.StorageEntry {
	t.Helper()
	paths, err := logical.CollectKeys(context.Background(), &s.InmemStorage)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*logical.StorageEntry)
	for _, path := range paths {
		if all[path], err = s.InmemStorage.Get(context.Background(), path); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Write stores an entry, as another node or a fault would. It does not count as an operation.
func (s *Storage) Write(t testing.TB, path, value string) {
	t.Helper()
	err := s.InmemStorage.Put(context.Background(), &logical.StorageEntry{Key: path, Value: []byte(value)})
	if err != nil {
		t.Fatal(err)
	}
}

// Get implements [logical.Storage].
func (s *Storage) Get(ctx context.Context, path string) (entry *logical.StorageEntry, err error) {
	err = s.operate("get", path, func() error {
		entry, err = s.InmemStorage.Get(ctx, path)
		return err
	})
	if err != nil {
		return nil, err
	}
	return entry, nil
}

// Put implements [logical.Storage].
func (s *Storage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	return s.operate("put", entry.Key, func() error {
		s.mu.Lock()
		if s.sealed == nil {
			s.sealed = make(map[string]bool)
		}
		s.sealed[entry.Key] = entry.SealWrap
		s.mu.Unlock()
		return s.InmemStorage.Put(ctx, entry)
	})
}

// Delete implements [logical.Storage].
func (s *Storage) Delete(ctx context.Context, path string) error {
	return s.operate("delete", path, func() error { return s.InmemStorage.Delete(ctx, path) })
}

// List implements [logical.Storage].
func (s *Storage) List(ctx context.Context, prefix string) (names []string, err error) {
	err = s.operate("list", prefix, func() error {
		names, err = s.InmemStorage.List(ctx, prefix)
		return err
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// operate counts and records an operation, and does it between the hooks.
func (s *Storage) operate(verb, path string, do func() error) error {
	operation := verb + " " + path
	s.mu.Lock()
	if s.counts == nil {
		s.counts = make(map[string]int)
	}
	s.counts[verb]++
	if s.noting {
		s.noted = append(s.noted, operation)
	}
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(operation); err != nil {
			return err
		}
	}
	if err := do(); err != nil || after == nil {
		return err
	}
	return after(operation)
}

// Only returns the operations that have the verb.
func Only(operations []string, verb string) []string {
	return slices.DeleteFunc(slices.Clone(operations), func(o string) bool { return !strings.HasPrefix(o, verb+" ") })
}
