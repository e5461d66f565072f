package verify

import (
	"context"
	"errors"
	"fmt"
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

// Keyring is a [Judge] that knows the keys. It fetches each key once from the engine's keyring/ and then judges its
// calls here, as the engine would. Its token needs the policy local-verifier.
//
// How late it may notice that a key was revoked, disabled or changed, or that its tenant was suspended: after
// max_age, the engine's config keyring_max_age, and never later. Keys in use are fetched again after half to three
// quarters of that time, or of what is left until they expire, so that the renewal of a lease is not missed. A key
// whose last fetch was sent longer ago is not used, whatever the reason: its calls wait for a new fetch, and fail
// with [ErrStale] if that fails. Time that the machine sleeps counts, and so does a clock that is put forward. Choose
// max_age as the longest time for which a leaked key may still be good after its revocation. An outage of Vault goes
// unnoticed for at least a quarter of it.
//
// What it cannot know as the engine does:
//   - the time: it judges by this machine's clock, which is Verdict.ServerTime. Keep it in step with Vault's.
//   - calls seen by other gateways, or by the engine: each remembers its own, so that one call is good once at each.
//   - use: the engine counts each fetch as one use, and knows of no other.
//
// The process's memory holds the secrets of the keys in use.
type Keyring struct {
	vault   *api.Client
	path    string
	options keyringOptions
	began   time.Time

	keys          *otter.Cache[string, *cachedKey]
	absent        *otter.Cache[string, negativeEntry]
	calls         replay.Table
	unknown       apikey.Grant // of unknown keys, whose calls cost the same
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

// NewKeyring returns the keyring of the engine mounted at mount, such as "apikeys". It asks nothing until there is a
// call. The app renews the token of vault, and each fetch uses the token that vault has then.
func NewKeyring(vault *api.Client, mount string, opts ...KeyringOption) (*Keyring, error) {
	options := newKeyringOptions(opts)
	k := &Keyring{
		vault: vault, path: strings.Trim(mount, "/") + "/keyring/", options: options, began: time.Now(),
		unknown:      apikey.Unknown(signing.NewMACKey(secret.Random().Reveal())),
		queue:        make(chan struct{}, queuedPerFetch*options.fetches),
		slots:        make(chan struct{}, options.fetches),
		refreshSlots: make(chan struct{}, refreshers),
	}
	k.checkInterval.Store(int64(maxCheckInterval))
	k.keys, k.absent = newCache[*cachedKey](options.keys), newCache[negativeEntry](options.keys)
	k.ctx, k.end = context.WithCancel(context.Background())
	k.work.Go(k.run)
	return k, nil
}

// newCache returns a cache of at most size values, which keeps those in use.
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
	for key := range k.keys.Values() {
		key.rules.Load().mac.Wipe()
	}
	k.keys.InvalidateAll()
	k.absent.InvalidateAll()
	return nil
}

// String names the keyring, and nothing that it holds.
func (k *Keyring) String() string { return "keyring " + k.path }

// GoString is [Keyring.String].
func (k *Keyring) GoString() string { return k.String() }

// Verify judges one call. It fails with [ErrStale]; with [ErrNotLocal]; with [ErrClosed]; with [ErrBusy] when strangers
// name too many keys at once; with another [ErrUnavailable] when a key cannot be fetched; with the context's error if
// that ends during a fetch; and with what the fallback fails with. Its Verdict shares the metadata with others.
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
		if errors.Is(err, ErrNotLocal) && k.options.fallback != nil {
			return k.options.fallback.Verify(ctx, c)
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

// judgement is what judging a call takes. It is reused.
type judgement struct {
	input  apikey.JudgeInput
	parser signing.Parser
	ring   *Keyring
	rules  *ruleSet
	now    time.Time
	seen   func() replay.Outcome
}

var judgements = sync.Pool{New: func() any {
	j := new(judgement)
	j.seen = j.check
	return j
}}

// done drops the call, and keeps the buffers for the next.
func (j *judgement) done() {
	j.input, j.ring, j.rules = apikey.JudgeInput{}, nil, nil
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
		j.input.Call, j.input.Head, err = j.parser.LenientCall(c.Request)
	}
	j.input.From = c.ClientIP
	return err == nil
}

// judge judges the call by the rules of the key that it names; they are nil for an unknown key. It fills v, because a
// verdict is too large to be copied from function to function.
func (j *judgement) judge(v *Verdict, k *Keyring, rules *ruleSet, now time.Time) {
	if rules == nil {
		j.input.Grant = &k.unknown
		v.Code = Code(apikey.Judge(&j.input, now).Verdict)
		return
	}
	j.ring, j.rules, j.now = k, rules, now
	j.input.Grant, j.input.Seen = &rules.grant, j.seen
	if k.options.strictReplay {
		j.input.Since = k.began
	}
	found := apikey.Judge(&j.input, now)
	if !found.Verdict.Signed() {
		v.Code = Code(found.Verdict)
		return
	}
	*v = rules.keyFields
	v.Code, v.Valid = Code(found.Verdict), found.Verdict == apikey.Valid
	v.State = string(rules.stateAt(now))
	v.ServerTime = time.Unix(now.Unix(), 0).UTC()
	v.ContentDigest, v.ReplayTableFull = j.input.Call.ContentDigest, found.Replay.NoRoom()
	v.Variant = found.Variants.String()
}

// check asks the table of calls whether it has this one, and adds it.
func (j *judgement) check() replay.Outcome {
	call := j.input.Call
	return j.ring.calls.Check(replay.Call{
		Tenant: j.rules.keyFields.Tenant, KeyID: call.KeyID, Nonce: call.Nonce, Time: call.Time,
		Window: j.rules.grant.Past,
	}, replay.Bounds{Tenant: j.ring.options.replayEntries, Node: j.ring.options.replayTotal}, true, j.now)
}
