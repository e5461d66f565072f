package enginetest

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/storagetest"
)

// The verbs of storage.
const (
	Get    = "get"
	Put    = "put"
	List   = "list"
	Delete = "delete"
)

// ErrStorage is what storage says that a test has broken.
var ErrStorage = errors.New("the disk is on fire")

// Storage is storage whose verbs and paths come to hooks apart.
type Storage struct{ storagetest.Storage }

// Hooks sets what is asked before and after each operation; nil asks nothing.
func (s *Storage) Hooks(before, after func(verb, path string) error) {
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

// All returns every path in storage, past the counting.
func (w *World) All() []string {
	w.T.Helper()
	paths, err := logical.CollectKeys(context.Background(), &w.Storage.InmemStorage)
	w.Must(err)
	return paths
}
