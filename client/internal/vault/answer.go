// Package vault puts questions to Vault for sources and verifiers, and reads what Vault answers.
package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
)

// requestTimeout is how long one question to Vault may take, including the retries of the API client.
const requestTimeout = 30 * time.Second

// ErrMalformed is wrapped by errors about answers that cannot be read.
var ErrMalformed = errors.New("malformed answer of Vault")

var errEmpty = errors.New("an empty answer of Vault")

// Ask puts one question to Vault and unwraps the answer if it comes wrapped. The answer is never nil without an error.
func Ask(
	ctx context.Context, vault *api.Client, question func(context.Context) (*api.Secret, error),
) (*api.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := question(ctx)
	if err == nil && answer != nil && answer.WrapInfo != nil && answer.WrapInfo.Token != "" {
		answer, err = unwrap(ctx, vault, answer.WrapInfo.Token)
	}
	if err == nil && answer == nil {
		err = errEmpty
	}
	return answer, err
}

// unwrap opens a wrapped answer with the answer's own token, which needs no policy. It does so with a clone of the API
// client: one without a token, because an agent logs in for it, would otherwise keep using this one.
func unwrap(ctx context.Context, vault *api.Client, token string) (*api.Secret, error) {
	once, err := vault.CloneWithHeaders()
	if err != nil {
		return nil, err
	}
	once.SetToken(token)
	answer, err := once.Logical().UnwrapWithContext(ctx, "")
	if err == nil || IsTransient(err) {
		return answer, err
	}
	// An agent may replace any token with its own.
	return vault.Logical().WriteWithContext(ctx, "sys/wrapping/unwrap", map[string]any{"token": token})
}

// Read asks for what is at a path. Nothing there is an [api.ResponseError] too.
func Read(ctx context.Context, vault *api.Client, path string) (*api.Secret, error) {
	return Ask(ctx, vault, func(ctx context.Context) (*api.Secret, error) {
		resp, err := vault.Logical().ReadRawWithContext(ctx, path)
		if err != nil {
			if resp != nil {
				_ = resp.Body.Close()
			}
			return nil, err
		}
		return vault.Logical().ParseRawResponseAndCloseBody(resp, nil)
	})
}

// StatusOf returns the status with which Vault refused, or 0 when there was no answer, or none that can be read.
func StatusOf(err error) int {
	if refused, ok := errors.AsType[*api.ResponseError](err); ok {
		return refused.StatusCode
	}
	return 0
}

// IsTransient reports whether asking again may help: Vault is away, busy, or about to change its leader. 412 is a
// standby that has not yet seen what another node has written.
func IsTransient(err error) bool {
	switch status := StatusOf(err); status {
	case 0, http.StatusPreconditionFailed, http.StatusTooManyRequests:
		return true
	default:
		return status >= http.StatusInternalServerError
	}
}

// Field returns a field of an answer that must be there and of type T.
func Field[T any](answer *api.Secret, name string) (T, error) {
	v, ok := answer.Data[name].(T)
	if !ok {
		return v, fmt.Errorf("%w: no %s", ErrMalformed, name)
	}
	return v, nil
}
