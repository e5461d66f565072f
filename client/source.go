package client

import (
	"context"
	"errors"

	"vault-plugin-secrets-apikeys/signing"
)

// Source signs with whatever key is good now. All sources are safe for concurrent use.
type Source interface {
	signing.Signer
	// SignMessage signs a message with a key of scheme hmac-sha256: "v1:<key_id>:<tag>".
	SignMessage(ctx context.Context, message []byte) (string, error)
	// Close ends what the source does in the background and waits for it.
	Close() error
}

var (
	// ErrExpired is returned once the key has expired and Vault has not given another. The error says why it did not.
	ErrExpired = errors.New("the key has expired, and there is no other yet")
	// ErrClosed is returned by a source that was closed.
	ErrClosed = errors.New("the source is closed")
)
