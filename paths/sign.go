package paths

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

var signAnswer = schema{
	"key_id":       text("The version that signed."),
	"headers":      field.Schema(framework.TypeMap, "The headers to add to the request."),
	"signature":    text("The signature of a message."),
	"results":      rows("The answers of a batch, in order; an item that could not be signed carries error."),
	"results_json": text("The answer to batch_json in one JSON text: an object with results, as a batch has them."),
	"key_ids": field.Schema(framework.TypeStringSlice,
		"The versions that signed what is in results_json: audit devices hash each, and results_json whole."),
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
	of := signer{h, r, kind, name}
	if items == nil {
		data, err := of.one(ctx, r.Data)
		if err != nil {
			return nil, err
		}
		return reply(data)
	}
	if _, err := h.store.Key(ctx, r.Storage, r.tenant, kind, name); err != nil {
		return nil, err
	}
	return of.batch(ctx, items)
}

// signer signs with one key.
type signer struct {
	h    *Handlers
	r    *request
	kind apikey.Kind
	name apikey.Name
}

// current returns the key and the version that signs now, as both are now, or a refusal.
func (s *signer) current(ctx context.Context) (*apikey.Key, *apikey.Version, error) {
	found, err := s.h.store.Named(ctx, s.r.Storage, s.r.tenant, s.kind, s.name)
	if err != nil {
		return nil, nil, err
	}
	s.r.now = time.Now() // storage may have taken its time
	v, verdict := found.Key.MaySign(found.Tenant, s.r.now)
	if verdict != apikey.Valid {
		return nil, nil, apikey.Refuse(verdict)
	}
	return found.Key, v, nil
}

func (s *signer) batch(ctx context.Context, items []any) (*logical.Response, error) {
	turn, err := s.r.take(ctx, s.h.shares.work, s.r.owner(), len(items))
	if err != nil {
		return nil, err
	}
	defer turn.leave()
	s.r.hasTurn = turn.held
	results := make([]any, len(items))
	for i, raw := range items {
		err := turn.next(ctx)
		if errors.Is(err, errGone) {
			return nil, err
		}
		var data map[string]any
		if err == nil {
			data, err = s.item(ctx, raw)
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, errGone
			}
			data = map[string]any{"error": publicError(s.h.log, "item of a batch not signed", err).Error()}
		}
		if known := referenceOf(raw); known != "" {
			data["reference"] = known
		}
		results[i] = data
	}
	if s.r.Data["batch_json"] != nil {
		return packedSignatures(results)
	}
	return reply(map[string]any{"results": results})
}

// packedSignatures answers a batch with one JSON text, and the key IDs in it.
func packedSignatures(results []any) (*logical.Response, error) {
	text, err := json.Marshal(map[string]any{"results": results})
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, result := range results {
		if id, signed := result.(map[string]any)["key_id"].(string); signed && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return reply(map[string]any{"results_json": string(text), "key_ids": ids})
}

func (s *signer) item(ctx context.Context, raw any) (map[string]any, error) {
	fields, err := item(raw, signItemFields)
	if err != nil {
		return nil, err
	}
	return s.one(ctx, fields)
}

// one signs a call. The key is looked at anew for each, and after each wait.
func (s *signer) one(ctx context.Context, fields map[string]any) (map[string]any, error) {
	k, v, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	c, err := parseCall(fields, false)
	if err != nil {
		return nil, err
	}
	if c.http != k.Scheme.HTTP() {
		return nil, refusal.Errorf(refusal.Invalid, "scheme: the key's is %s, which signs %s",
			k.Scheme, signs(k.Scheme))
	}
	//mutate:false "heavy messages to sign at the gate" TestExplanationsAndLongSignaturesWait
	if !s.r.hasTurn && 2*len(c.content) >= heavy {
		place, err := s.r.enter(ctx, s.h.shares.work, s.r.owner())
		if err != nil {
			return nil, err
		}
		defer place.Leave()
		//mutate:skip "keys that have had to wait to sign" TestAnsweredChangesHoldForWhoWaits
		if k, v, err = s.current(ctx); err != nil {
			return nil, err
		}
	}
	if !c.http {
		s.used(k, v)
		return map[string]any{
			"key_id": v.KeyID, "signature": signing.SignTagged(v.KeyID, v.Secret.Reveal(), []byte(c.content)),
		}, nil
	}
	headers, err := s.r.signHead(k.Scheme, v, c)
	if err != nil {
		return nil, err
	}
	s.used(k, v)
	return map[string]any{"key_id": v.KeyID, "headers": headers}, nil
}

// used notes that a version has signed: its secret is in use, though nobody has it.
func (s *signer) used(k *apikey.Key, v *apikey.Version) { s.h.store.Used(k, v.KeyID, "", s.r.now) }

func (r *request) signHead(scheme signing.Scheme, v *apikey.Version, c *call) (map[string]any, error) {
	head, err := c.head()
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
