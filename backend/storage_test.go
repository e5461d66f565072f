package backend_test

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/storagetest"
)

// The verbs of storage.
const (
	get  = "get"
	put  = "put"
	list = "list"
	del  = "delete"
)

var errStorage = errors.New("the disk is on fire")

// storage is storage whose verbs and paths come to hooks apart.
type storage struct{ storagetest.Storage }

// hooks sets what is asked before and after each operation; nil asks nothing.
func (s *storage) hooks(before, after func(verb, path string) error) {
	s.StepIn(apart(before), apart(after))
}

func apart(hook func(verb, path string) error) func(operation string) error {
	if hook == nil {
		return nil
	}
	return func(operation string) error {
		verb, path, _ := strings.Cut(operation, " ")
		return hook(verb, path)
	}
}

// all returns every path in storage, past the counting.
func (w *world) all() []string {
	w.t.Helper()
	paths, err := logical.CollectKeys(context.Background(), &w.storage.InmemStorage)
	w.must(err)
	return paths
}
