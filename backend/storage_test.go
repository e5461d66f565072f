package backend_test

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
)

// The verbs of storage.
const (
	get  = "Get"
	put  = "Put"
	list = "List"
	del  = "Delete"
)

// storage is storage in memory that counts what is done with it and fails on demand.
type storage struct {
	logical.InmemStorage

	mu     sync.Mutex
	count  map[string]int
	sealed map[string]bool               // what was asked to be seal-wrapped; memory forgets it
	before func(verb, path string) error // an error: nothing is done
	after  func(verb, path string) error // an error: it was done, and nobody learns of it
}

var errStorage = errors.New("the disk is on fire")

func newStorage() *storage {
	return &storage{count: make(map[string]int), sealed: make(map[string]bool)}
}

// hooks sets what is asked before and after each operation; nil asks nothing.
func (s *storage) hooks(before, after func(verb, path string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

func (s *storage) did(verb string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[verb]
}

// around counts an operation and does it between its hooks.
func (s *storage) around(verb, path string, do func() error) error {
	s.mu.Lock()
	s.count[verb]++
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(verb, path); err != nil {
			return err
		}
	}
	if err := do(); err != nil || after == nil {
		return err
	}
	return after(verb, path)
}

func (s *storage) Get(ctx context.Context, path string) (entry *logical.StorageEntry, err error) {
	err = s.around(get, path, func() error {
		entry, err = s.InmemStorage.Get(ctx, path)
		return err
	})
	return entry, err
}

func (s *storage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	return s.around(put, entry.Key, func() error {
		s.mu.Lock()
		s.sealed[entry.Key] = entry.SealWrap
		s.mu.Unlock()
		return s.InmemStorage.Put(ctx, entry)
	})
}

func (s *storage) Delete(ctx context.Context, path string) error {
	return s.around(del, path, func() error { return s.InmemStorage.Delete(ctx, path) })
}

func (s *storage) List(ctx context.Context, prefix string) (names []string, err error) {
	err = s.around(list, prefix, func() error {
		names, err = s.InmemStorage.List(ctx, prefix)
		return err
	})
	return names, err
}

// all returns every path in storage, past the counting.
func (w *world) all() []string {
	w.t.Helper()
	paths, err := logical.CollectKeys(context.Background(), &w.storage.InmemStorage)
	w.must(err)
	return paths
}
