package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/replay"
)

// ErrNotLocal is returned for calls of keys that Vault alone may judge: the mount, the tenant or the key says so. See
// [WithFallback].
var ErrNotLocal = errors.New("the key is verified by Vault alone")

// ErrStale is returned while Vault is away and what is known of a key is older than it may be. It is an [ErrUnavailable].
var ErrStale = fmt.Errorf("%w: what is known of the key is too old", ErrUnavailable)

const (
	unknownFor    = 5 * time.Second // how long an ID that nobody has is not asked for again
	unknownKept   = 10_000
	fetchesAtOnce = 32
	lookAfter     = time.Second // how often keys are looked through for what has to be fetched again
)

// Keyring is a [Judge] that verifies by itself, with keys that it fetches from the engine's keyring/: on first sight, and again
// before they are as old as the mount's keyring_max_age lets them be. A key that is older is not judged by. So a revocation, a
// suspension or a changed limit is noticed so many seconds late at worst; whoever cannot have that asks with a [Verifier].
// Expiry is exact, by the clock of this machine.
//
// Its verdicts are the engine's. Its table of calls seen is its own: each Keyring accepts a call once. Whoever holds the secrets
// of a Keyring can sign as their holders: it prints none, and gives none away.
type Keyring struct {
	vault   *api.Client
	path    string // of the mount's keyring, with a slash
	options ringOptions

	keys    *otter.Cache[string, *ringKey]
	unknown *otter.Cache[string, *ringKey] // apart, so that strangers do not push keys out
	fetches singleflight.Group
	slots   chan struct{}
	calls   replay.Table

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup
}

type ringOptions struct {
	most, replays int
	fallback      Judge
	log           *slog.Logger
}

// RingOption changes how a [Keyring] goes about its work.
type RingOption func(*ringOptions)

// WithKeys sets how many keys are held: 10,000 otherwise.
func WithKeys(n int) RingOption { return func(o *ringOptions) { o.most = n } }

// WithReplays sets how many calls of one tenant are remembered: 1,000,000 otherwise. A full table refuses.
func WithReplays(n int) RingOption { return func(o *ringOptions) { o.replays = n } }

// WithFallback has calls of keys that Vault alone may judge judged by j, such as a [Verifier].
func WithFallback(j Judge) RingOption { return func(o *ringOptions) { o.fallback = j } }

// WithRingLogger has failures to fetch keys in the background logged. Without it nothing is.
func WithRingLogger(log *slog.Logger) RingOption { return func(o *ringOptions) { o.log = log } }

// NewKeyring returns a Keyring for a mount, such as "apikeys". The token of vault needs the policy local-verifier. It asks nothing
// yet. Close ends what it does in the background.
func NewKeyring(vault *api.Client, mount string, opts ...RingOption) (*Keyring, error) {
	o := ringOptions{most: 10_000, replays: 1_000_000, log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(&o)
	}
	keys, err := otter.New(&otter.Options[string, *ringKey]{MaximumSize: o.most})
	if err != nil {
		return nil, err
	}
	unknown, err := otter.New(&otter.Options[string, *ringKey]{MaximumSize: unknownKept})
	if err != nil {
		return nil, err
	}
	k := &Keyring{
		vault: vault, path: strings.Trim(mount, "/") + "/keyring/", options: o,
		keys: keys, unknown: unknown, slots: make(chan struct{}, fetchesAtOnce),
	}
	k.ctx, k.stop = context.WithCancel(context.Background())
	k.work.Go(k.refresh)
	return k, nil
}

// Close drops all keys and ends what is done in the background. Calls are not judged any more.
func (k *Keyring) Close() error {
	k.stop()
	k.work.Wait()
	k.keys.InvalidateAll()
	k.unknown.InvalidateAll()
	return nil
}

// Verify judges a call. Of a call that cannot be read the verdict is "malformed", with no error. Errors are [ErrNotLocal],
// [ErrStale], [ErrClosed], or an [ErrUnavailable] where a key could not be fetched; none of them says anything of the call.
func (k *Keyring) Verify(ctx context.Context, c Call) (Verdict, error) {
	if k.ctx.Err() != nil {
		return Verdict{}, ErrClosed
	}
	now := time.Now()
	q, ok := readCall(c)
	if !ok {
		return Verdict{Verdict: string(apikey.Malformed)}, nil
	}
	key, err := k.find(ctx, q.call.KeyID, now)
	if err != nil {
		return Verdict{}, err
	}
	if key.refused != nil {
		if k.options.fallback != nil {
			return k.options.fallback.Verify(ctx, c)
		}
		return Verdict{}, key.refused
	}
	key.used.Store(true)
	return key.judge(&q, &k.calls, k.options.replays, now), nil
}

// find returns what is known of a key, and asks for it where that is nothing or too old.
func (k *Keyring) find(ctx context.Context, keyID string, now time.Time) (*ringKey, error) {
	known, ok := k.keys.GetIfPresent(keyID)
	if ok && known.fresh(now) {
		return known, nil
	}
	if stranger, is := k.unknown.GetIfPresent(keyID); is && stranger.fresh(now) {
		return stranger, nil
	}
	fetched := k.fetches.DoChan(keyID, func() (any, error) { return k.fetch(keyID) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	case got := <-fetched:
		if got.Err == nil {
			return got.Val.(*ringKey), nil
		}
		if ok {
			return nil, fmt.Errorf("%w: %w", ErrStale, got.Err)
		}
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, got.Err)
	}
}

// fetch asks for a key and keeps what it learns. Whoever asked may have gone meanwhile.
func (k *Keyring) fetch(keyID string) (*ringKey, error) {
	select {
	case k.slots <- struct{}{}:
	case <-k.ctx.Done():
		return nil, ErrClosed
	}
	defer func() { <-k.slots }()
	sent := time.Now()
	answer, err := read(k.ctx, k.vault, k.path+keyID)
	switch {
	case err == nil:
		key, err := newRingKey(answer, keyID, sent)
		if err == nil {
			k.unknown.Invalidate(keyID)
			k.keys.Set(keyID, key)
		}
		return key, err
	case nobodys(err):
		key := &ringKey{sent: sent, maxAge: unknownFor}
		k.keys.Invalidate(keyID)
		k.unknown.Set(keyID, key)
		return key, nil
	case kept(err):
		key := &ringKey{sent: sent, maxAge: unknownFor, refused: fmt.Errorf("%w: %s", ErrNotLocal, saysWhy(err))}
		k.keys.Invalidate(keyID)
		k.unknown.Set(keyID, key)
		return key, nil
	default:
		return nil, err
	}
}

// nobodys reports whether the engine knows no such key. A 404 that does not come from it, as of a mount that is not there, says
// nothing of the key.
func nobodys(err error) bool {
	return statusOf(err) == http.StatusNotFound && strings.HasPrefix(saysWhy(err), "key_id: ")
}

// kept reports whether the engine keeps the key to itself.
func kept(err error) bool {
	return statusOf(err) == http.StatusForbidden && strings.HasPrefix(saysWhy(err), "keyring: ")
}

// saysWhy returns what the engine said, without the words that Vault puts before it.
func saysWhy(err error) string {
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok || len(refused.Errors) == 0 {
		return ""
	}
	_, why, found := strings.Cut(refused.Errors[0], "* ")
	if !found {
		why = refused.Errors[0]
	}
	return strings.TrimSpace(why)
}

// refresh fetches the keys in use again before they are too old, and drops those that are not used.
func (k *Keyring) refresh() {
	tick := time.NewTicker(lookAfter)
	defer tick.Stop()
	for {
		select {
		case <-k.ctx.Done():
			return
		case now := <-tick.C:
			k.look(now)
		}
	}
}

func (k *Keyring) look(now time.Time) {
	var again sync.WaitGroup
	for keyID, key := range k.keys.All() {
		age := now.Sub(key.sent)
		switch {
		case age < key.maxAge/2:
		case key.used.Load():
			again.Go(func() {
				if _, err, _ := k.fetches.Do(keyID, func() (any, error) { return k.fetch(keyID) }); err != nil && k.ctx.Err() == nil {
					k.options.log.Warn("key not fetched again", "key_id", keyID, "error", err)
				}
			})
		case age >= key.maxAge:
			k.keys.Invalidate(keyID)
		}
	}
	again.Wait()
}
