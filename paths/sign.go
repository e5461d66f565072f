package paths

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

var signAnswer = schema{
	"key_id":    text("The version that signed."),
	"headers":   field.Schema(framework.TypeMap, "The headers to add to the request."),
	"signature": text("The signature of a message."),
	"results":   rows("The answers of a batch, in order; an item that could not be signed carries error."),
}

func (h *Handlers) signResources() []resource {
	o := operation{h.sign, "Sign a call with the key's current version.", signAnswer}
	return []resource{{
		scope: tenants, pattern: "/" + capture("kind") + "/sign/" + capture("name"), suffix: "sign", fields: callFields,
		operations: operations{logical.UpdateOperation: o, logical.PatchOperation: o},
		synopsis:   "Vault signs; the secret stays inside.",
		description: "For HTTP schemes give the head of the request, and add the headers that come back. A key or " +
			"tenant that may not sign is a 400 that begins with the verdict's name. PATCH is the same and saves " +
			"Vault a step.",
	}}
}

func (h *Handlers) sign(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, err
	}
	items, err := r.batch()
	if err != nil {
		return nil, err
	}
	k, err := h.store.Key(ctx, r.Storage, r.tenant, kind, name)
	if err != nil {
		return nil, err
	}
	if items == nil {
		data, err := h.signOne(ctx, r, k, r.Data)
		if err != nil {
			return nil, err
		}
		return reply(data)
	}
	return h.signBatch(ctx, r, k, items)
}

func (h *Handlers) signBatch(ctx context.Context, r *request, k *apikey.Key, items []any) (*logical.Response, error) {
	turn, err := r.take(ctx, h.shares.work, len(items))
	if err != nil {
		return nil, err
	}
	defer turn.leave()
	r.hasTurn = turn.held
	results := make([]any, len(items))
	for i, raw := range items {
		err := turn.next(ctx)
		if errors.Is(err, errGone) {
			return nil, err
		}
		var data map[string]any
		if err == nil {
			data, err = h.signItem(ctx, r, k, raw)
		}
		if err != nil {
			data = map[string]any{"error": err.Error()}
		}
		results[i] = data
	}
	return reply(map[string]any{"results": results})
}

func (h *Handlers) signItem(ctx context.Context, r *request, k *apikey.Key, raw any) (map[string]any, error) {
	fields, err := item(raw, contentFields)
	if err != nil {
		return nil, err
	}
	return h.signOne(ctx, r, k, fields)
}

func (h *Handlers) signOne(
	ctx context.Context, r *request, k *apikey.Key, fields map[string]any,
) (map[string]any, error) {
	v, verdict := k.MaySign(r.tenant, r.now)
	if verdict != apikey.Valid {
		return nil, apikey.Refuse(verdict)
	}
	c, err := parseCall(fields, false)
	if err != nil {
		return nil, err
	}
	if c.http != k.Scheme.HTTP() {
		return nil, refusal.Errorf(refusal.Invalid, "scheme: the key's is %s, which signs %s",
			k.Scheme, signs(k.Scheme))
	}
	//mutate:false "heavy messages to sign at the gate" ./backend TestExplanationsAndLongSignaturesWait
	if !r.hasTurn && 2*len(c.content) >= heavy {
		place, err := r.enter(ctx, h.shares.work, r.owner())
		if err != nil {
			return nil, err
		}
		defer place.Leave()
	}
	if !c.http {
		h.used(k, v, r)
		return map[string]any{
			"key_id": v.KeyID, "signature": signing.SignTagged(v.KeyID, v.Secret.Reveal(), []byte(c.content)),
		}, nil
	}
	headers, err := h.signHead(r, k.Scheme, v, c.content)
	if err != nil {
		return nil, err
	}
	h.used(k, v, r)
	return map[string]any{"key_id": v.KeyID, "headers": headers}, nil
}

// used notes that a version has signed: its secret is in use, though nobody has it.
func (h *Handlers) used(k *apikey.Key, v *apikey.Version, r *request) {
	h.store.Used(k, v.KeyID, "", r.now)
}

func (h *Handlers) signHead(
	r *request, scheme signing.Scheme, v *apikey.Version, content string,
) (map[string]any, error) {
	head, err := signing.ParseHeadString(content)
	if err != nil {
		return nil, refusal.Errorf(refusal.Invalid, "request: %s", err)
	}
	added, err := signing.SignHead(scheme, head, v.KeyID, v.Secret.Reveal(), r.now)
	switch {
	case errors.Is(err, signing.ErrSigned):
		return nil, refusal.Errorf(refusal.Invalid, "request: is signed already; take the old signature away first")
	case err != nil:
		return nil, refusal.Errorf(refusal.Invalid, "request: %s", err)
	}
	if !signing.SortedVerint(head) {
		r.warn("the verint- headers are not in the order of their names; a server that loses the order received " +
			"cannot verify this call")
	}
	headers := make(map[string]any, len(added))
	for _, a := range added {
		headers[a.Name] = a.Value
	}
	return headers, nil
}

func signs(s signing.Scheme) string {
	if s.HTTP() {
		return "requests: give request"
	}
	return "messages: give message"
}
