package client

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/signing"
)

// keySigner signs with the key that its one goroutine keeps good.
type keySigner struct {
	vault *api.Client
	path  string
	log   *slog.Logger

	current atomic.Pointer[activeKey]
	failure atomic.Pointer[error] // of the last try; nil once one has succeeded
	wake    chan string           // the ID of a key that is no longer good
	end     context.CancelFunc
	ended   chan struct{}
	closed  atomic.Bool
	once    sync.Once
}

func newKeySigner(vault *api.Client, path string) keySigner {
	return keySigner{
		vault: vault,
		path:  path,
		log:   slog.New(slog.DiscardHandler),
		wake:  make(chan string, 1),
		ended: make(chan struct{}),
	}
}

// start starts run, which ends at [keySigner.stop].
func (s *keySigner) start(run func(context.Context)) {
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	go func() {
		defer close(s.ended)
		run(ctx)
	}()
}

func (s *keySigner) stop() {
	s.closed.Store(true)
	s.end()
	<-s.ended
}

// key returns the key to sign with now.
func (s *keySigner) key() (*signing.Key, error) {
	if s.closed.Load() {
		return nil, fmt.Errorf("%s: %w", s.path, ErrClosed)
	}
	current := s.current.Load()
	if !current.expired() {
		return current.Key, nil
	}
	// Timers stand still while a machine sleeps, so this may be the first to see that the key has expired.
	s.Report(current.ID())
	if why := s.failure.Load(); why != nil {
		return nil, fmt.Errorf("%s: %w: %w", s.path, ErrExpired, *why)
	}
	return nil, fmt.Errorf("%s: %w", s.path, ErrExpired)
}

// Sign returns the headers that sign head now, with the key in use. It asks nobody and does not wait.
func (s *keySigner) Sign(ctx context.Context, head *signing.Head) ([]signing.Header, error) {
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	return key.Sign(ctx, head)
}

// SignMessage returns the signature of a message with the key in use, which must be of scheme hmac-sha256.
func (s *keySigner) SignMessage(ctx context.Context, message []byte) (string, error) {
	key, err := s.key()
	if err != nil {
		return "", err
	}
	return key.SignMessage(ctx, message)
}

// KeyID returns the ID of the key in use.
func (s *keySigner) KeyID() string { return s.current.Load().ID() }

// Report tells the source that a call signed with the key of that ID was refused because of the key, as with a 401. If
// it is the key in use, the source looks for another at once, but not more often than every few seconds, and less and
// less often while reports go on. Report does not wait. [signing.Transport] has a field for it.
func (s *keySigner) Report(keyID string) {
	if keyID != s.KeyID() {
		return
	}
	select {
	case s.wake <- keyID:
	default: // It has been told already.
	}
}

// use replaces the key in use.
func (s *keySigner) use(next *activeKey) {
	before := s.current.Swap(next)
	s.failure.Store(nil)
	if before != nil && before.ID() != next.ID() {
		s.log.Info("key changed", "path", s.path, "key_id", next.ID(), "before", before.ID())
	}
}

// failed keeps why a try has failed, for callers that sign once the key has expired.
func (s *keySigner) failed(doing string, err error) {
	s.failure.Store(&err)
	s.log.Warn(doing+" failed", "path", s.path, "error", err)
}
