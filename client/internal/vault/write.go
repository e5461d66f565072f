package vault

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/hashicorp/vault/api"
)

// Writer puts questions that carry data. It tries PATCH, which saves Vault a step, and falls back to POST for tokens
// that may not: most policies grant update alone. The zero value is ready.
type Writer struct {
	posts atomic.Bool // PATCH is not allowed
}

// Write puts a question with data to a path, as [Ask] does.
func (w *Writer) Write(ctx context.Context, vault *api.Client, path string, data map[string]any) (*api.Secret, error) {
	post := func(ctx context.Context) (*api.Secret, error) {
		return vault.Logical().WriteWithContext(ctx, path, data)
	}
	patch := func(ctx context.Context) (*api.Secret, error) {
		return vault.Logical().JSONMergePatch(ctx, path, data)
	}
	if w.posts.Load() {
		return Ask(ctx, vault, post)
	}
	answer, err := Ask(ctx, vault, patch)
	if status := StatusOf(err); status != http.StatusForbidden && status != http.StatusMethodNotAllowed {
		return answer, err
	}
	answer, err = Ask(ctx, vault, post)
	if err == nil {
		w.posts.Store(true)
	}
	return answer, err
}
