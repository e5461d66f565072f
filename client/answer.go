package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/signing"
)

// patience is how long one question to Vault may take, its client's own retries included.
const requestTimeout = 30 * time.Second

var (
	errEmpty     = errors.New("an empty answer of Vault")
	errMalformed = errors.New("malformed answer of Vault")
)

// ask puts one question to Vault and unwraps the answer if it comes wrapped. The answer is never nil.
func ask(ctx context.Context, vault *api.Client, question func(context.Context) (*api.Secret, error)) (*api.Secret, error) {
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

// unwrap opens a wrapped answer with its own token, which needs no policy. The client given keeps its token: one without,
// as behind an agent that logs in for it, would else go on with this one.
func unwrap(ctx context.Context, vault *api.Client, token string) (*api.Secret, error) {
	once, err := vault.CloneWithHeaders()
	if err != nil {
		return nil, err
	}
	once.SetToken(token)
	answer, err := once.Logical().UnwrapWithContext(ctx, "")
	if err == nil || isTransient(err) {
		return answer, err
	}
	// An agent may put its own token in the place of any.
	return vault.Logical().WriteWithContext(ctx, "sys/wrapping/unwrap", map[string]any{"token": token})
}

// read asks for what is at a path; none there is an [api.ResponseError] too.
func read(ctx context.Context, vault *api.Client, path string) (*api.Secret, error) {
	return ask(ctx, vault, func(ctx context.Context) (*api.Secret, error) {
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

// statusOf returns the status with which Vault refused, or 0 when there was no answer, or none that can be read.
func statusOf(err error) int {
	if refused, ok := errors.AsType[*api.ResponseError](err); ok {
		return refused.StatusCode
	}
	return 0
}

// passing reports whether the same question may be answered if it is put again: Vault is away, busy, or about to change its
// leader; 412 is a standby that has not yet seen what another node has written.
func isTransient(err error) bool {
	switch status := statusOf(err); status {
	case 0, http.StatusPreconditionFailed, http.StatusTooManyRequests:
		return true
	default:
		return status >= http.StatusInternalServerError
	}
}

// field returns a field of an answer that must be there and of type T.
func field[T any](answer *api.Secret, name string) (T, error) {
	v, ok := answer.Data[name].(T)
	if !ok {
		return v, fmt.Errorf("%w: no %s", errMalformed, name)
	}
	return v, nil
}

// heldKey returns the key in an answer of creds or static-creds.
func activeKeyOf(answer *api.Secret) (*activeKey, error) {
	id, err := field[string](answer, "key_id")
	if err != nil {
		return nil, err
	}
	scheme, err := field[string](answer, "scheme")
	if err != nil {
		return nil, err
	}
	text, err := field[string](answer, "key")
	if err != nil {
		return nil, err
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: key", errMalformed) // err would tell a byte of it.
	}
	key, err := signing.NewKey(signing.Scheme(scheme), id, secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	ends, err := expiryOf(answer)
	return &activeKey{key, ends}, err
}

// endOf returns expires_at, which is null for a key that never ends.
func expiryOf(answer *api.Secret) (time.Time, error) {
	at, ok := answer.Data["expires_at"]
	if !ok {
		return time.Time{}, fmt.Errorf("%w: no expires_at", errMalformed)
	}
	if at == nil {
		return time.Time{}, nil
	}
	text, _ := at.(string)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: expires_at", errMalformed)
	}
	return t, nil
}

// seconds returns a field that is a number of seconds.
func seconds(answer *api.Secret, name string) (time.Duration, error) {
	number, err := field[json.Number](answer, name)
	if err != nil {
		return 0, err
	}
	n, err := number.Int64()
	if err != nil || n < 0 || n > int64(time.Duration(1<<63-1)/time.Second) {
		return 0, fmt.Errorf("%w: %s", errMalformed, name)
	}
	return time.Duration(n) * time.Second, nil
}
