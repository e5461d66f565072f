package paths

import (
	"context"
	"sync"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

// judgement is what judging a call found, and whose call it is.
type judgement struct {
	apikey.Judgement
	version *apikey.Version // nil unless the signature is right; without it, nothing of found is told
	found   *store.Match
	digest  string // the Content-Digest that the signature covers
	at      time.Time
}

// malformed is what calls are that cannot be read.
var malformed = judgement{Judgement: apikey.Judgement{Verdict: apikey.Malformed}}

// parsers are reused for the heads of calls.
var parsers = sync.Pool{New: func() any { return new(signing.Parser) }}

// judged judges a call, and notes the verdict and the use.
func (h *Handlers) judged(ctx context.Context, r *request, c *call, opts judgeOptions) (judgement, error) {
	j, err := h.judge(ctx, r, c, opts)
	if err != nil {
		return judgement{}, err
	}
	h.verdicts.count(j.Verdict)
	if j.Verdict == apikey.Valid && !c.dryRun {
		h.store.Used(j.found.Key, j.version.KeyID, c.source(), r.now)
	}
	return j, nil
}

// judgeOptions say how a call is judged.
type judgeOptions struct {
	within string        // the UID of the only tenant whose keys are known, or ""
	strict bool          // the call is refused the second time, whatever the key says
	beside *longMetadata // what the answer tells of other calls, or nil
}

// judge finds the key of a call and judges it. Unless it is a dry run, the call is remembered.
func (h *Handlers) judge(ctx context.Context, r *request, c *call, opts judgeOptions) (judgement, error) {
	parser := parsers.Get().(*signing.Parser)
	defer parsers.Put(parser)
	signed, head, err := c.signed(parser)
	if err != nil { // what cannot be read is a verdict, not an error
		return malformed, nil
	}
	found, err := h.keyOfCall(ctx, r, signed.KeyID, opts)
	if err != nil {
		return judgement{}, err
	}
	grant, version := apikey.GrantOf(signed.KeyID, found.Key, found.Tenant, found.Role, r.config)
	//mutate:false "heavy calls at the gate" TestHeavyCallsWait
	if !r.hasTurn && c.isHeavy(&grant) {
		owner := opts.within
		if found.Key != nil {
			owner = found.Tenant.UID
		}
		place, err := r.enter(ctx, h.shares.work, relayed(owner))
		if err != nil {
			return judgement{}, err
		}
		defer place.Leave()
		//mutate:skip "keys of calls that have had to wait" TestAnsweredChangesHoldForWhoWaits
		if found, err = h.keyOfCall(ctx, r, signed.KeyID, opts); err != nil {
			return judgement{}, err
		}
		grant, version = apikey.GrantOf(signed.KeyID, found.Key, found.Tenant, found.Role, r.config)
	}
	in := h.judgeInput(r, c, signed, head, found, &grant)
	//mutate:skip "pickup once for each call" TestPickup
	in.Strict = opts.strict
	fits := opts.beside.fits(found, signed.KeyID)
	if !fits {
		//mutate:skip "calls that no answer has room for" TestBatchTellsSoMuchOfLongMetadata
		in.Seen = nil // what is not answered is not recorded
	}
	r.now = time.Now() // storage, too, may have taken its time
	j := judgement{Judgement: apikey.Judge(in, r.now), found: found, at: r.now}
	if !j.Verdict.Signed() {
		return j, nil
	}
	if !fits { // only a caller who can sign is told
		return judgement{}, errFull
	}
	j.version, j.digest = version, signed.ContentDigest
	return j, nil
}

// keyOfCall returns the key that a call names, as it is now; an empty one where nobody has it who is asked about.
func (h *Handlers) keyOfCall(ctx context.Context, r *request, keyID string, opts judgeOptions) (*store.Match, error) {
	found, err := h.store.Find(ctx, r.Storage, keyID)
	//mutate:false:3 "calls within a tenant" TestTenantsAreApart
	if err != nil || found == nil || opts.within != "" && found.Tenant.UID != opts.within {
		return new(store.Match), err
	}
	return found, nil
}

// judgeInput returns a call with what it is judged by. A valid call is recorded, unless it is a dry run.
func (h *Handlers) judgeInput(
	r *request, c *call, signed *signing.Call, head *signing.Head, found *store.Match, grant *apikey.Grant,
) *apikey.JudgeInput {
	in := &apikey.JudgeInput{Call: signed, Head: head, From: c.from, Grant: grant}
	if r.config.Replay == tenant.ReplayStrict {
		in.Since = h.started
	}
	in.Seen = func() replay.Outcome {
		return h.calls.Check(replay.Call{
			Tenant: found.Tenant.UID, KeyID: signed.KeyID, Nonce: signed.Nonce, Time: signed.Time,
			Window: grant.Past,
		}, replay.Bounds{Tenant: r.config.ReplayEntries, Node: r.config.ReplayTotal}, !c.dryRun, r.now)
	}
	return in
}

func verdictData(v apikey.Verdict) map[string]any {
	return map[string]any{"valid": v == apikey.Valid, "verdict": string(v)}
}

// data is the answer to one call: the verdict, and what the holder of a right signature may know.
func (j *judgement) data() map[string]any {
	data := verdictData(j.Verdict)
	if j.Replay.NoRoom() {
		data["replay_table_full"] = true
	}
	if j.version == nil {
		return data
	}
	data["key_id"], data["state"] = j.version.KeyID, j.state()
	j.addVersionFields(data)
	if variant := j.Variants.String(); variant != "" {
		data["variant"] = variant
	}
	if j.digest != "" {
		data["content_digest"] = j.digest
	}
	return data
}

func (j *judgement) state() string {
	return string(j.found.Key.StateUnder(j.found.Role, j.version, j.at))
}

// addVersionFields adds what is the same for all calls that the version signs.
func (j *judgement) addVersionFields(data map[string]any) {
	k, v := j.found.Key, j.version
	data["tenant"], data["kind"], data["name"] = string(k.Tenant), string(k.Kind), string(k.Name)
	data["version"], data["scheme"] = v.Number, string(k.Scheme)
	data["expires_at"], data["server_time"] = field.RFC3339(v.ExpiresAt), field.RFC3339(j.at)
	if v.RotatedTo != "" {
		data["successor_key_id"] = v.RotatedTo
	}
	if user := k.Rules.Get().User; user != "" {
		data["user"] = user
	}
	if k.Metadata != "" {
		data["metadata"] = showPairs(k.Metadata)
	}
}

// The metadata in the answer to a batch is bounded. Up to longFrom each is shown, whatever else is in the batch; longer
// ones may take maxLong together. A tenant has room while it has less than is left free, which is half of it at most,
// so that no tenant takes all.
const (
	longFrom = 4 << 10
	maxLong  = 8 << 20
)

// longMetadata is how much long metadata the answer to a batch shows.
type longMetadata struct {
	all      int             // bytes
	byTenant map[string]int  // by the tenant's UID
	shown    map[string]bool // key IDs, where each is told of once
}

func (m *longMetadata) add(f *store.Match, keyID string) {
	n := len(f.Key.Metadata)
	if n <= longFrom || m.shown[keyID] {
		return
	}
	if m.byTenant == nil {
		m.byTenant = make(map[string]int)
	}
	m.all += n
	m.byTenant[f.Tenant.UID] += n
	if m.shown != nil {
		m.shown[keyID] = true
	}
}

// fits reports whether an answer has room for the key that was found, if any.
func (m *longMetadata) fits(f *store.Match, keyID string) bool {
	//mutate:true:5 "long metadata in one answer" TestBatchTellsSoMuchOfLongMetadata
	return m == nil || f.Key == nil || len(f.Key.Metadata) <= longFrom || m.shown[keyID] ||
		m.byTenant[f.Tenant.UID] < maxLong-m.all
}

var errFull = refusal.Errorf(refusal.Unavailable, "not judged: of metadata longer than %d KiB the answer holds as "+
	"much of this tenant as it may, %d MiB or less; send it again, in another batch", longFrom>>10, maxLong>>21)
