package client

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
	"vault-plugin-secrets-apikeys/signing"
)

// activeKey is the key in use.
type activeKey struct {
	*signing.Key
	ends time.Time // zero: never
}

func (k activeKey) expired() bool { return !k.ends.IsZero() && !time.Now().Before(k.ends) }

// maxRetryPause returns the longest pause between retries while this key is in use.
func (k activeKey) maxRetryPause() time.Duration {
	if !k.ends.IsZero() && time.Until(k.ends) < endSoon {
		return endPause
	}
	return longPause
}

// activeKeyOf returns the key in an answer of creds or static-creds.
func activeKeyOf(answer *api.Secret) (*activeKey, error) {
	id, err := vault.Field[string](answer, "key_id")
	if err != nil {
		return nil, err
	}
	scheme, err := vault.Field[string](answer, "scheme")
	if err != nil {
		return nil, err
	}
	text, err := vault.Field[string](answer, "key")
	if err != nil {
		return nil, err
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: key", vault.ErrMalformed) // err would show a byte of it.
	}
	key, err := signing.NewKey(signing.Scheme(scheme), id, secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", vault.ErrMalformed, err)
	}
	ends, err := expiryOf(answer)
	return &activeKey{key, ends}, err
}

// expiryOf returns expires_at, which is null for a key that never ends.
func expiryOf(answer *api.Secret) (time.Time, error) {
	at, ok := answer.Data["expires_at"]
	if !ok {
		return time.Time{}, fmt.Errorf("%w: no expires_at", vault.ErrMalformed)
	}
	if at == nil {
		return time.Time{}, nil
	}
	text, _ := at.(string)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: expires_at", vault.ErrMalformed)
	}
	return t, nil
}

// seconds returns a field that is a number of seconds.
func seconds(answer *api.Secret, name string) (time.Duration, error) {
	number, err := vault.Field[json.Number](answer, name)
	if err != nil {
		return 0, err
	}
	n, err := number.Int64()
	if err != nil || n < 0 || n > int64(time.Duration(1<<63-1)/time.Second) {
		return 0, fmt.Errorf("%w: %s", vault.ErrMalformed, name)
	}
	return time.Duration(n) * time.Second, nil
}
