package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
	"vault-plugin-secrets-apikeys/signing"
)

// Remote is a [Source] for which Vault signs: the secret never leaves Vault. Each signature is a question to Vault.
type Remote struct {
	vault  *api.Client
	path   string
	writes vault.Writer
	closed atomic.Bool
}

const (
	tries    = 3
	tryPause = 250 * time.Millisecond
)

// NewRemote returns the source for a path such as "apikeys/my/external/sign/orders". It asks nothing yet.
func NewRemote(vault *api.Client, path string) *Remote { return &Remote{vault: vault, path: path} }

// Close makes later calls fail.
func (r *Remote) Close() error {
	r.closed.Store(true)
	return nil
}

// Sign asks Vault to sign the head and returns the headers to add. The head goes to Vault as it is, so one that
// carries Authorization or a signature is refused here, with [signing.ErrSigned]. Why the engine refuses to sign is
// in the error, an [api.ResponseError].
func (r *Remote) Sign(ctx context.Context, head *signing.Head) ([]signing.Header, error) {
	for _, name := range []string{"Authorization", "Signature", "Signature-Input"} {
		if len(head.Values(name)) > 0 {
			return nil, fmt.Errorf("%s: %w", r.path, signing.ErrSigned)
		}
	}
	text := head.String()
	data := map[string]any{"request": text}
	if !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) { // which the engine takes for lost bytes
		data = map[string]any{"request_base64": base64.StdEncoding.EncodeToString([]byte(text))}
	}
	answer, err := r.ask(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.path, err)
	}
	headers, err := signedHeaders(answer, head)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.path, err)
	}
	return headers, nil
}

// SignMessage asks Vault to sign a message of up to 1 MiB.
func (r *Remote) SignMessage(ctx context.Context, message []byte) (string, error) {
	answer, err := r.ask(ctx, map[string]any{"message_base64": base64.StdEncoding.EncodeToString(message)})
	if err != nil {
		return "", fmt.Errorf("%s: %w", r.path, err)
	}
	signature, err := vault.Field[string](answer, "signature")
	if err == nil {
		_, err = signing.ParseTagged(message, signature)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", r.path, err)
	}
	return signature, nil
}

// ask repeats the question while Vault changes its leader: a standby answers 500 then, or redirects to a node that is
// gone. Signing changes nothing, so asking twice does no harm.
func (r *Remote) ask(ctx context.Context, data map[string]any) (*api.Secret, error) {
	if r.closed.Load() {
		return nil, ErrClosed
	}
	var pause retryBackoff
	for try := 1; ; try++ {
		answer, err := r.writes.Write(ctx, r.vault, r.path, data)
		if err == nil || try == tries || !vault.IsTransient(err) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(pause.next(tryPause << try)):
		}
	}
}

// signedHeaders returns the headers of an answer, if they sign the head with the key that the answer names.
func signedHeaders(answer *api.Secret, head *signing.Head) ([]signing.Header, error) {
	keyID, err := vault.Field[string](answer, "key_id")
	if err != nil {
		return nil, err
	}
	added, err := vault.Field[map[string]any](answer, "headers")
	if err != nil {
		return nil, err
	}
	headers := make([]signing.Header, 0, len(added))
	for _, name := range slices.SortedFunc(maps.Keys(added), strings.Compare) {
		value, ok := added[name].(string)
		if !ok {
			return nil, fmt.Errorf("%w: headers", vault.ErrMalformed)
		}
		headers = append(headers, signing.Header{Name: name, Value: value})
	}
	signed, err := head.With(headers)
	if err != nil {
		return nil, fmt.Errorf("%w: headers: %w", vault.ErrMalformed, err)
	}
	if call, err := signing.ParseCall(signed); err != nil || call.KeyID != keyID {
		return nil, fmt.Errorf("%w: headers that do not sign the request", vault.ErrMalformed)
	}
	return headers, nil
}
