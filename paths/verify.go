package paths

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

var verifyAnswer = schema{
	"valid":             flag("Whether the call is good. Always there but in a batch's answer."),
	"verdict":           text("What verification found. Always there but in a batch's answer."),
	"tenant":            text("Whose key signed. All but valid and verdict are told only when the signature is right."),
	"kind":              text("internal or external."),
	"name":              text("The key's name; a leased key's is its role's."),
	"key_id":            text("The version's key ID."),
	"version":           number("The version's number."),
	"state":             text("The version's state."),
	"scheme":            text("How the call is signed."),
	"user":              text("Whom the key's callers act as."),
	"metadata":          table("The key's metadata."),
	"expires_at":        stamp("When the version ends; null: never."),
	"variant":           text("Which of the key's compat the call needed, joined by commas; absent when it is signed as the scheme says."),
	"content_digest":    text("The Content-Digest that the signature covers (rfc9421): compare it with the body."),
	"successor_key_id":  text("The version that replaced this one."),
	"server_time":       stamp("The time the call was judged by."),
	"replay_table_full": flag("The call was refused because no more calls can be remembered."),
	"results":           rows("The verdicts of a batch, in order."),
	"results_json":      text("The answer to batch_json in one JSON text: results, the verdicts in order, and versions, what is told of each by its key ID."),
	"key_ids":           field(framework.TypeStringSlice, "The key IDs in results_json, each once: audit devices hash each, and results_json whole."),
	"verdicts":          table("How many there are of each verdict in results_json."),
}

func (h *Handlers) verifyResources() []resource {
	description := "Always answers 200 with valid and verdict, judged in this order: malformed, unknown_key, bad_signature, " +
		"tenant_suspended, revoked, disabled, expired, too_old, too_new, source_denied, out_of_scope, replayed, valid. Before tenant_suspended nothing else is told. " +
		"PATCH is the same and saves Vault a step."
	verbs := func(run handler, summary string) map[logical.Operation]operation {
		o := operation{run, summary, verifyAnswer}
		return map[logical.Operation]operation{logical.UpdateOperation: o, logical.PatchOperation: o}
	}
	return []resource{
		{
			scope: platform, pattern: "verify", suffix: "call", fields: verifyFields,
			operations: verbs(h.verifyAll, "Say who signed a call and whether it is good."),
			synopsis:   "Who signed this call, and is it good? Over all tenants.", description: description,
		},
		{
			scope: tenants, pattern: "/verify", suffix: "call", fields: verifyFields, anonymous: true,
			operations: verbs(h.verifyOwn, "Say which of the tenant's keys signed a call and whether it is good."),
			synopsis:   "Who signed this call, and is it good? Another tenant's key is unknown.", description: description,
		},
	}
}

func (h *Handlers) verifyAll(ctx context.Context, r *request) (*logical.Response, error) {
	return h.verify(ctx, r, "")
}

func (h *Handlers) verifyOwn(ctx context.Context, r *request) (*logical.Response, error) {
	return h.verify(ctx, r, r.tenant.UID)
}

// verify judges one call, or a batch. Within is the UID of the only tenant whose keys are
// known, or "".
func (h *Handlers) verify(ctx context.Context, r *request, within string) (*logical.Response, error) {
	items, err := r.batch()
	if err != nil {
		return nil, err
	}
	if items != nil {
		return h.verifyBatch(ctx, r, items, within)
	}
	c, err := parseCall(r.Data, true)
	if err != nil {
		return nil, err
	}
	j, err := h.judged(ctx, r, c, within, false)
	if err != nil {
		return nil, err
	}
	return reply(j.data())
}

// judgement is what judging a call found, and whose call it was.
type judgement struct {
	apikey.Judgement
	version *apikey.Version // nil unless the signature is right, as is what found holds
	found   *store.Found
	digest  string // the Content-Digest that the signature covers
	at      time.Time
}

// parsers are at hand for the heads of calls.
var parsers = sync.Pool{New: func() any { return new(signing.Parser) }}

// judged judges a call, and notes the verdict and the use.
func (h *Handlers) judged(ctx context.Context, r *request, c *call, within string, strict bool) (judgement, error) {
	j, err := h.judge(ctx, r, c, within, strict)
	if err != nil {
		return judgement{}, err
	}
	h.verdicts.count(j.Verdict)
	if j.Verdict == apikey.Valid && !c.look {
		h.store.Used(j.found.Key, j.version.KeyID, c.source(), r.now)
	}
	return j, nil
}

// judge finds the key of a call and judges it. Strict has the call refused the second time
// whatever the key says. Unless the call is only looked at, it is remembered.
func (h *Handlers) judge(ctx context.Context, r *request, c *call, within string, strict bool) (judgement, error) {
	parser := parsers.Get().(*signing.Parser)
	defer parsers.Put(parser)
	signed, head, err := c.signed(parser)
	if err != nil { // what cannot be read is a verdict, not an error
		return judgement{Judgement: apikey.Judgement{Verdict: apikey.Malformed}}, nil
	}
	found, err := h.store.Find(ctx, r.Storage, signed.KeyID)
	if err != nil {
		return judgement{}, err
	}
	//mutate:false:2 "calls within a tenant" ./backend TestTenantsAreApart
	if found == nil || within != "" && found.Tenant.UID != within {
		found = new(store.Found)
	}
	grant, version := apikey.GrantOf(signed.KeyID, found.Key, found.Tenant, found.Role, r.config)
	//mutate:false "heavy calls at the gate" TestHeavyCallsWait
	if !r.turned && c.isHeavy(&grant) {
		owner := within
		if found.Key != nil {
			owner = found.Tenant.UID
		}
		place, err := r.enter(ctx, h.shares.work, owner)
		if err != nil {
			return judgement{}, err
		}
		defer place.Leave()
	}
	in := h.judgeInput(r, c, signed, head, found, &grant)
	//mutate:skip "pickup once for each call" ./backend TestPickup
	in.Strict = strict
	fits := r.fat.fits(found, signed.KeyID)
	if !fits {
		//mutate:skip "calls that no answer has room for" ./backend TestBatchTellsSoMuchOfLongMetadata
		in.Seen = nil // what is not answered is not recorded
	}
	r.now = time.Now() // storage, too, may have taken its time
	j := judgement{Judgement: apikey.Judge(in, r.now), found: found, at: r.now}
	if !j.Verdict.Signed() {
		return j, nil
	}
	if !fits { // callers that cannot sign are not told
		return judgement{}, errFull
	}
	j.version, j.digest = version, signed.ContentDigest
	return j, nil
}

// judgeInput returns a call with what it is judged by. It is recorded when it is valid,
// unless it is only looked at.
func (h *Handlers) judgeInput(r *request, c *call, signed *signing.Call, head *signing.Head, found *store.Found,
	grant *apikey.Grant,
) *apikey.JudgeInput {
	in := &apikey.JudgeInput{Call: signed, Head: head, From: c.from, Grant: grant}
	if r.config.Replay == tenant.ReplayStrict {
		in.Since = h.started
	}
	in.Seen = func() replay.Outcome {
		return h.calls.Check(replay.Call{
			Tenant: found.Tenant.UID, KeyID: signed.KeyID, Nonce: signed.Nonce, Time: signed.Time, Window: grant.Past,
		}, replay.Bounds{Tenant: r.config.ReplayEntries, Node: r.config.ReplayTotal}, !c.look, r.now)
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
	j.tellVersion(data)
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

// tellVersion adds what is the same of all calls that the version signs.
func (j *judgement) tellVersion(data map[string]any) {
	k, v := j.found.Key, j.version
	data["tenant"], data["kind"], data["name"] = string(k.Tenant), string(k.Kind), string(k.Name)
	data["version"], data["scheme"] = v.Number, string(k.Scheme)
	data["expires_at"], data["server_time"] = rfc3339(v.ExpiresAt), rfc3339(j.at)
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
