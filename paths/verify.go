package paths

import (
	"context"

	"vault-plugin-secrets-apikeys/paths/field"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/hashicorp/vault/sdk/logical"
)

var verifyAnswer = schema{
	"valid":      flag("Whether the call is good. Always present, except in the answer to a batch."),
	"verdict":    text("What verification found. Always present, except in the answer to a batch."),
	"tenant":     text("The key's tenant. Only valid and verdict are answered unless the signature is right."),
	"kind":       text("internal or external."),
	"name":       text("The key's name; a leased key's is its role's."),
	"key_id":     text("The version's key ID."),
	"version":    number("The version's number."),
	"state":      text("The version's state."),
	"scheme":     text("How the call is signed."),
	"user":       text("The user that the key's callers act as."),
	"metadata":   table("The key's metadata."),
	"expires_at": stamp("When the version ends; null: never."),
	"variant": text("The deviations of the key's compat that the call needed, joined by commas; absent when the " +
		"call is signed as the scheme says."),
	"content_digest":    text("The Content-Digest that the signature covers (rfc9421): compare it with the body."),
	"successor_key_id":  text("The version that replaced this one."),
	"server_time":       stamp("The time at which the call was judged."),
	"replay_table_full": flag("Whether the call was refused because no more calls can be remembered."),
	"results":           rows("The verdicts of a batch, in order."),
	"results_json": text("The answer to batch_json in one JSON text: results has the verdicts in order, and " +
		"versions describes each version once, by its key ID."),
	"key_ids": field.Schema(framework.TypeStringSlice,
		"The key IDs in results_json, each once: audit devices hash each of them, and results_json as a whole."),
	"verdicts": table("How often each verdict is in results_json."),
}

func (h *Handlers) verifyResources() []resource {
	description := "Always answers 200 with valid and verdict, judged in this order: malformed, unknown_key, " +
		"bad_signature, tenant_suspended, revoked, disabled, expired, too_old, too_new, source_denied, out_of_scope, " +
		"replayed, valid. The first three answer nothing else. PATCH does the same and saves Vault a step."
	verbs := func(run handler, summary string) operations {
		o := operation{run, summary, verifyAnswer}
		return operations{logical.UpdateOperation: o, logical.PatchOperation: o}
	}
	return []resource{
		{
			scope: platform, pattern: "verify", suffix: "call", fields: verifyFields,
			operations: verbs(h.verifyAll, "Say who signed a call and whether it is good."),
			synopsis:   "Who signed this call, and is it good? Over all tenants.", description: description,
		},
		{
			scope: tenants, pattern: "/verify", suffix: "call", fields: verifyFields, anonymous: true,
			operations:  verbs(h.verifyOwn, "Say which of the tenant's keys signed a call and whether it is good."),
			synopsis:    "Who signed this call, and is it good? Another tenant's key is unknown.",
			description: description,
		},
	}
}

func (h *Handlers) verifyAll(ctx context.Context, r *request) (*logical.Response, error) {
	return h.verify(ctx, r, "")
}

func (h *Handlers) verifyOwn(ctx context.Context, r *request) (*logical.Response, error) {
	return h.verify(ctx, r, r.tenant.UID)
}

// verify judges one call, or a batch. Within is the UID of the only tenant whose keys are known, or "" for all tenants.
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
	j, err := h.judged(ctx, r, c, judgeOptions{within: within})
	if err != nil {
		return nil, err
	}
	return reply(j.data())
}
