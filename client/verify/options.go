package verify

import (
	"cmp"
	"log/slog"
	"time"
)

// VerifierOption changes a bound of a [Verifier]. A value of 0 or less leaves the default.
type VerifierOption func(*verifierOptions)

type verifierOptions struct {
	inFlight   int
	queue      int
	timeout    time.Duration
	auditItems bool
}

func newVerifierOptions(opts []VerifierOption) verifierOptions {
	o := verifierOptions{inFlight: 2, queue: 10_000, timeout: 10 * time.Second}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithInFlight sets how many requests may be under way at once; 2 by default.
func WithInFlight(requests int) VerifierOption {
	return func(o *verifierOptions) { o.inFlight = positive(requests, o.inFlight) }
}

// WithQueue sets how many calls may wait while as many requests are under way; 10000 by default.
func WithQueue(calls int) VerifierOption {
	return func(o *verifierOptions) { o.queue = positive(calls, o.queue) }
}

// WithTimeout bounds one request, whoever waits for it; 10 s by default.
func WithTimeout(d time.Duration) VerifierOption {
	return func(o *verifierOptions) { o.timeout = positive(d, o.timeout) }
}

// WithAuditItems makes Vault's audit log hold each call of a request by itself, which costs about half of the
// throughput.
func WithAuditItems() VerifierOption {
	return func(o *verifierOptions) { o.auditItems = true }
}

// KeyringOption changes a bound of a [Keyring], or gives it what it may have besides. A value of 0 or less, or nil,
// leaves the default.
type KeyringOption func(*keyringOptions)

type keyringOptions struct {
	keys          int
	idle          time.Duration
	replayEntries int
	replayTotal   int
	fetches       int
	strictReplay  bool
	fallback      Judge
	log           *slog.Logger
}

func newKeyringOptions(opts []KeyringOption) keyringOptions {
	o := keyringOptions{
		keys: 10_000, idle: 5 * time.Minute, replayEntries: 1_000_000, replayTotal: 4_000_000, fetches: 16,
		log: slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithKeys sets how many keys are held at once; 10000 by default. Keys in use stay, others make room.
func WithKeys(n int) KeyringOption {
	return func(o *keyringOptions) { o.keys = positive(n, o.keys) }
}

// WithIdle sets how long a key is held that is not used; 5 min by default.
func WithIdle(d time.Duration) KeyringOption {
	return func(o *keyringOptions) { o.idle = positive(d, o.idle) }
}

// WithReplayEntries sets how many calls are remembered for one tenant; 1000000 by default, as the engine's config
// replay_entries has it.
func WithReplayEntries(calls int) KeyringOption {
	return func(o *keyringOptions) { o.replayEntries = positive(calls, o.replayEntries) }
}

// WithReplayTotal sets how many calls are remembered for all tenants; 4000000 by default, as the engine's config
// replay_entries_total has it.
func WithReplayTotal(calls int) KeyringOption {
	return func(o *keyringOptions) { o.replayTotal = positive(calls, o.replayTotal) }
}

// WithFetches sets how many fetches of keys that are not held may be under way at once; 16 by default.
func WithFetches(n int) KeyringOption {
	return func(o *keyringOptions) { o.fetches = positive(n, o.fetches) }
}

// WithStrictReplay finds calls too old that were stamped before the Keyring was made, as the engine's config
// replay=strict does.
func WithStrictReplay() KeyringOption {
	return func(o *keyringOptions) { o.strictReplay = true }
}

// WithFallback sets the judge of calls whose keys are [ErrNotLocal]: a [Verifier], as a rule. Without it these calls
// fail.
func WithFallback(j Judge) KeyringOption {
	return func(o *keyringOptions) { o.fallback = j }
}

// WithLogger logs when Vault goes away and comes back. Without it nothing is logged.
func WithLogger(log *slog.Logger) KeyringOption {
	return func(o *keyringOptions) { o.log = cmp.Or(log, o.log) }
}

// positive returns v, or what is otherwise if v is 0 or less.
func positive[T int | time.Duration](v, otherwise T) T { return cmp.Or(max(v, 0), otherwise) }
