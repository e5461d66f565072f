package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/signing"
)

// KeyringOptions are the bounds of a [Keyring] and what else it may have. Zero values mean the defaults.
type KeyringOptions struct {
	Keys          int           // held at once, those used last; 10000
	Idle          time.Duration // a key that was not used for so long is let go; 5 min
	ReplayEntries int           // calls remembered for one tenant; 1000000, as the engine's config replay_entries has it
	ReplayTotal   int           // calls remembered for all tenants; 4000000, as config replay_entries_total has it
	Fetches       int           // of keys that are not held, under way at once; 16
	StrictReplay  bool          // calls stamped before the Keyring was made are too old, as config replay=strict has it
	Fallback      Judge         // judges the calls of keys that are [ErrNotLocal]; a [Verifier], as a rule
	Log           *slog.Logger  // is told when Vault goes away and comes back; nil: nothing is logged
}

// Keyring is a [Judge] that knows the keys: it fetches each one once from the engine's keyring/ and judges its calls here,
// as the engine would. Its token needs the policy local-verifier.
//
// How late it may notice that a key was revoked, disabled, changed or its tenant suspended: max_age, the engine's config
// keyring_max_age, and never later. Keys in use are fetched again when half to three quarters of that time are over, or of what is left
// until they end: that a lease was renewed is not missed. A key whose last
// fetch was sent longer ago is not judged by, whatever the reason: its calls wait for a new fetch, and fail with
// [ErrStale] if there is none. A machine's sleep and a clock put forward count. Choose max_age as the longest time for which
// a leaked key may still be good after its revocation; an outage of Vault goes unnoticed for a quarter of it at least.
//
// What it cannot know as the engine does:
//   - the time: it judges by this machine's clock, which is Verdict.ServerTime. Keep it in step with Vault's.
//   - calls seen by other gateways, or by the engine: each remembers its own, so that one call is good once at each.
//   - use: the engine takes each fetch for one, and knows of no other.
//
// Whoever has the process's memory has the secrets of the keys in use.
type Keyring struct {
	vault   *api.Client
	path    string
	options KeyringOptions
	began   time.Time

	keys          *otter.Cache[string, *cachedKey]
	absent        *otter.Cache[string, negativeEntry]
	calls         replay.Table
	dummyKey      *signing.MACKey // what the calls of unknown keys cost
	fetching      singleflight.Group
	queue         chan struct{} // fetches of keys that are not held, under way or waiting
	slots         chan struct{} // those under way
	refreshSlots  chan struct{} // fetches of keys that are held
	checkInterval atomic.Int64  // how often keys are looked at, in nanoseconds
	away          atomic.Bool   // the last fetch failed

	ctx    context.Context // of all fetches
	end    context.CancelFunc
	work   sync.WaitGroup
	mu     sync.Mutex // held to begin work, and to close
	closed atomic.Bool
}

const (
	refreshers     = 8  // fetches of held keys under way at once
	queuedPerFetch = 64 // fetches that may wait for each that is under way
)

// NewKeyring returns the keyring of the engine mounted at mount, such as "apikeys". It asks nothing until there is a call. The token of
// vault is the app's to renew, and is used as it is at each fetch.
func NewKeyring(vault *api.Client, mount string, options KeyringOptions) (*Keyring, error) {
	options.Keys = cmp.Or(max(options.Keys, 0), 10_000)
	options.Idle = cmp.Or(max(options.Idle, 0), 5*time.Minute)
	options.ReplayEntries = cmp.Or(max(options.ReplayEntries, 0), 1_000_000)
	options.ReplayTotal = cmp.Or(max(options.ReplayTotal, 0), 4_000_000)
	options.Fetches = cmp.Or(max(options.Fetches, 0), 16)
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keyring{
		vault: vault, path: strings.Trim(mount, "/") + "/keyring/", options: options, began: time.Now(),
		dummyKey: signing.NewMACKey(secret.Random().Reveal()),
		queue:    make(chan struct{}, queuedPerFetch*options.Fetches), slots: make(chan struct{}, options.Fetches), refreshSlots: make(chan struct{}, refreshers),
	}
	k.checkInterval.Store(int64(maxCheckInterval))
	k.keys, k.absent = newCache[*cachedKey](options.Keys), newCache[negativeEntry](options.Keys)
	k.ctx, k.end = context.WithCancel(context.Background())
	k.work.Go(k.run)
	return k, nil
}

// newCache returns a cache that holds so many values at most, those that are used.
func newCache[V any](size int) *otter.Cache[string, V] {
	return otter.Must(&otter.Options[string, V]{
		MaximumSize: size,
		Executor:    func(fn func()) { fn() }, // no goroutines that outlive a call
	})
}

// Close ends all goroutines, and overwrites the secrets. Calls under way may fail with [ErrClosed].
func (k *Keyring) Close() error {
	k.mu.Lock()
	k.closed.Store(true)
	k.mu.Unlock()
	k.end()
	k.work.Wait()
	for e := range k.keys.Values() {
		e.rules.Load().input.MAC.Wipe()
	}
	k.keys.InvalidateAll()
	k.absent.InvalidateAll()
	return nil
}

// String names the keyring, and nothing that it holds.
func (k *Keyring) String() string { return "keyring " + k.path }

// GoString is [Keyring.String].
func (k *Keyring) GoString() string { return k.String() }

// Verify judges one call. It fails with [ErrStale], [ErrNotLocal], [ErrClosed], [ErrBusy] when strangers name too many keys at
// once, another [ErrUnavailable] when a key cannot be fetched, the context's error when that ends while it waits for a fetch, and what the
// fallback fails with. Its Verdict shares the metadata with others.
func (k *Keyring) Verify(ctx context.Context, c Call) (v Verdict, err error) {
	j := judgements.Get().(*judgement)
	defer j.done()
	if !j.parse(c) {
		return Verdict{Code: Malformed}, nil
	}
	keyID, now := j.input.Call.KeyID, time.Now()
	rules := k.cached(keyID, now)
	if rules == nil {
		rules, err = k.find(ctx, keyID)
		if errors.Is(err, ErrNotLocal) && k.options.Fallback != nil {
			return k.options.Fallback.Verify(ctx, c)
		}
		if err != nil {
			return Verdict{}, fmt.Errorf("%s: %w", k.path+keyID, err)
		}
		now = time.Now()
	}
	j.judge(&v, k, rules, now)
	if k.closed.Load() { // Its secrets may have been overwritten by now.
		return Verdict{}, fmt.Errorf("%s: %w", k.path+keyID, ErrClosed)
	}
	return v, nil
}

// judgement is what judging a call takes, and is used again for others.
type judgement struct {
	input   apikey.Case
	parser  signing.Parser
	ring    *Keyring
	now     time.Time
	outcome replay.Outcome
	seen    func() bool
}

var judgements = sync.Pool{New: func() any {
	j := new(judgement)
	j.seen = j.check
	return j
}}

// done lets go of the call, and keeps the room that it took.
func (j *judgement) done() {
	j.input, j.ring = apikey.Case{}, nil
	judgements.Put(j)
}

// parse reads a call as the engine does; one that it cannot read is malformed.
func (j *judgement) parse(c Call) bool {
	if !wellFormed(c) {
		return false
	}
	var err error
	if c.Request == "" {
		j.input.Call, err = signing.ParseTagged([]byte(c.Message), c.Signature)
	} else {
		j.input.Call, j.input.Head, err = j.parser.LooseCall(c.Request)
	}
	j.input.From = c.ClientIP
	return err == nil
}

// judge judges the call by the key that it names; held is nil for one that is unknown. A verdict takes too much room to be
// handed from one to the next.
func (j *judgement) judge(v *Verdict, k *Keyring, rules *ruleSet, now time.Time) {
	input := &j.input
	if rules == nil {
		input.MAC = k.dummyKey
		verdict, _ := input.Judge(now)
		v.Code = Code(verdict)
		return
	}
	j.ring, j.now, j.outcome = k, now, replay.New
	input.MAC, input.Key, input.Tenant, input.Mount, input.Past, input.Future = rules.input.MAC, rules.input.Key, rules.input.Tenant, rules.input.Mount, rules.input.Past, rules.input.Future
	input.Seen = j.seen
	if k.options.StrictReplay {
		input.Since = k.began
	}
	verdict, version := input.Judge(now)
	if !verdict.Signed() {
		v.Code = Code(verdict)
		return
	}
	*v = rules.keyFields
	v.Code, v.Valid = Code(verdict), verdict == apikey.Valid
	v.State = string(input.Key.VersionState(version, now))
	v.ServerTime = time.Unix(now.Unix(), 0).UTC()
	v.ContentDigest, v.ReplayTableFull = input.Call.ContentDigest, j.outcome.NoRoom()
	v.Variant = input.Matched.String()
}

// check asks the table of calls, and has it remember this one.
func (j *judgement) check() bool {
	call := j.input.Call
	j.outcome = j.ring.calls.Check(replay.Call{
		Tenant: string(j.input.Key.Tenant), KeyID: call.KeyID, Nonce: call.Nonce, Time: call.Time, Window: j.input.Past,
	}, replay.Bounds{Tenant: j.ring.options.ReplayEntries, Node: j.ring.options.ReplayTotal}, true, j.now)
	return j.outcome != replay.New
}
