package client

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/hashicorp/vault/api"
)

// verb is how questions that carry data are put: by PATCH, which saves Vault a step, and by POST for who may not:
// most policies have update alone.
type writeMethod struct {
	posts atomic.Bool // PATCH is not allowed
}

func (v *writeMethod) ask(ctx context.Context, vault *api.Client, path string, data map[string]any) (*api.Secret, error) {
	post := func(ctx context.Context) (*api.Secret, error) {
		return vault.Logical().WriteWithContext(ctx, path, data)
	}
	patch := func(ctx context.Context) (*api.Secret, error) {
		return vault.Logical().JSONMergePatch(ctx, path, data)
	}
	if v.posts.Load() {
		return ask(ctx, vault, post)
	}
	answer, err := ask(ctx, vault, patch)
	if status := statusOf(err); status != http.StatusForbidden && status != http.StatusMethodNotAllowed {
		return answer, err
	}
	answer, err = ask(ctx, vault, post)
	if err == nil {
		v.posts.Store(true)
	}
	return answer, err
}
