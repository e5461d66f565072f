package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/signing"
)

// Source signs with whatever key is good now. All are safe for concurrent use.
type Source interface {
	signing.Signer
	// SignMessage signs a message with a key of scheme hmac-sha256: "v1:<key_id>:<tag>".
	SignMessage(ctx context.Context, message []byte) (string, error)
	// Close ends what the source does in the background and waits for it.
	Close() error
}

var (
	// ErrExpired is returned once the key has ended while Vault gave no other. The error says why it did not.
	ErrExpired = errors.New("the key has expired, and there is no other yet")
	// ErrClosed is returned by a source that was closed.
	ErrClosed = errors.New("the source is closed")
)

// Option changes how a [Lease] or a [Static] goes about its work.
type Option func(*options)

type options struct {
	log   *slog.Logger
	drain time.Duration
	poll  time.Duration
}

// WithLogger has each change of key, and what goes wrong in the background, logged. Without it nothing is.
func WithLogger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// WithDrain sets how long after a swap the lease of the key before is revoked: 10 s otherwise. Calls signed
// with it may still be under way until then. For a [Lease].
func WithDrain(d time.Duration) Option { return func(o *options) { o.drain = d } }

// WithPoll sets after how long at most the key is read again: 5 min otherwise. A rotation by hand goes unnoticed
// for so long, and the overlap has to be longer. For a [Static].
func WithPoll(d time.Duration) Option { return func(o *options) { o.poll = d } }

func newOptions(opts []Option) options {
	o := options{log: slog.New(slog.DiscardHandler), drain: 10 * time.Second, poll: 5 * time.Minute}
	for _, opt := range opts {
		opt(&o)
	}
	o.poll = max(o.poll, time.Second)
	return o
}

// held is the key in use.
type activeKey struct {
	*signing.Key
	ends time.Time // zero: never
}

func (h activeKey) expired() bool { return !h.ends.IsZero() && !time.Now().Before(h.ends) }

// holder signs with the key that one goroutine, which tends it, puts there.
type keySigner struct {
	vault   *api.Client
	path    string
	options options

	current atomic.Pointer[activeKey]
	failure atomic.Pointer[error] // of the last try; nil once one has succeeded
	wake    chan string           // the ID of a key that is no good any more
	end     context.CancelFunc
	ended   chan struct{}
	closed  atomic.Bool
	once    sync.Once
}

func (h *keySigner) init(vault *api.Client, path string, opts []Option) {
	h.vault, h.path, h.options = vault, path, newOptions(opts)
	h.wake, h.ended = make(chan string, 1), make(chan struct{})
}

// start has the key tended until [holder.stop].
func (h *keySigner) start(run func(context.Context)) {
	ctx, end := context.WithCancel(context.Background())
	h.end = end
	go func() {
		defer close(h.ended)
		run(ctx)
	}()
}

func (h *keySigner) stop() {
	h.closed.Store(true)
	h.end()
	<-h.ended
}

// key returns the key to sign with now.
func (h *keySigner) key() (*signing.Key, error) {
	if h.closed.Load() {
		return nil, fmt.Errorf("%s: %w", h.path, ErrClosed)
	}
	current := h.current.Load()
	if !current.expired() {
		return current.Key, nil
	}
	// Timers stand still while a machine sleeps: this may be the first to see that the time is over.
	h.Report(current.ID())
	if why := h.failure.Load(); why != nil {
		return nil, fmt.Errorf("%s: %w: %w", h.path, ErrExpired, *why)
	}
	return nil, fmt.Errorf("%s: %w", h.path, ErrExpired)
}

// Sign returns the headers that sign h now, with the key that is in use. It asks nobody and does not wait.
func (h *keySigner) Sign(ctx context.Context, head *signing.Head) ([]signing.Header, error) {
	key, err := h.key()
	if err != nil {
		return nil, err
	}
	return key.Sign(ctx, head)
}

// SignMessage returns the signature of a message with the key that is in use, which must be of scheme hmac-sha256.
func (h *keySigner) SignMessage(ctx context.Context, message []byte) (string, error) {
	key, err := h.key()
	if err != nil {
		return "", err
	}
	return key.SignMessage(ctx, message)
}

// KeyID returns the ID of the key in use.
func (h *keySigner) KeyID() string { return h.current.Load().ID() }

// Report tells the source that a call signed with the key of that ID was refused for the key's sake, as with a 401. If it is
// the key in use, the source sees about another at once, but not more often than every few seconds, and less and less often
// while reports go on. It does not wait. [signing.Transport] has a field for it.
func (h *keySigner) Report(keyID string) {
	if keyID != h.KeyID() {
		return
	}
	select {
	case h.wake <- keyID:
	default: // It has been told.
	}
}

// use puts a key in the place of the one in use.
func (h *keySigner) use(next *activeKey) {
	before := h.current.Swap(next)
	h.failure.Store(nil)
	if before != nil && before.ID() != next.ID() {
		h.options.log.Info("key changed", "path", h.path, "key_id", next.ID(), "before", before.ID())
	}
}

// failed keeps why a try has failed, for whoever signs once the key has ended.
func (h *keySigner) failed(doing string, err error) {
	h.failure.Store(&err)
	h.options.log.Warn(doing+" failed", "path", h.path, "error", err)
}
