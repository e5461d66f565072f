package paths

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/helper/wrapping"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/seal"
)

var sealedAnswer = schema{
	"key_id": text("The public ID, the kid on the wire."),
	"sealed": text("The key as an armoured age file: one JSON object with tenant, kind, name, key_id, key, credential, scheme, issued_at, expires_at."),
	"kind":   text("internal or external."), "name": text("The key's name; a leased key's is its role's."),
	"expires_at": stamp("When this version ends; null: never."),
}

var recipientField = schema{"recipient": text("An age recipient or SSH public key: the answer is sealed to it, and only its holder can read it.")}

func (h *Handlers) handoverResources() []resource {
	return []resource{{
		scope: tenants, pattern: "/" + capture("kind") + "/keys/" + capture("name") + "/handover", suffix: "key-handover",
		operations: map[logical.Operation]operation{logical.ReadOperation: {h.keyHandover, "Read the current secret, sealed to the key's recipients.", sealedAnswer}},
		synopsis:   "The current secret of a key, sealed to its recipients.",
		description: "An armoured age file that may go by email or lie in a ticket: only a recipient can open it. As often as asked, whatever " +
			"the key's reveal setting is.",
	}}
}

func (h *Handlers) keyHandover(ctx context.Context, r *request) (*logical.Response, error) {
	place, err := r.enter(ctx, h.shares.walks, r.owner())
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	k, v, err := h.handOut(ctx, r, func(k *apikey.Key) (*apikey.Key, *apikey.Version, error) {
		if err := sealable(k); err != nil {
			return nil, nil, err
		}
		return k.HandedOver(r.tenant, r.actor(), r.now)
	})
	if err != nil {
		return nil, err
	}
	data, err := sealedData(k, v, k.Rules.Get().Recipients.List())
	if err != nil {
		return nil, err
	}
	return reply(data)
}

// sealable refuses recipients that were written before there were bounds for them, before
// anything is noted as handed over.
func sealable(k *apikey.Key) error {
	//mutate:false "stored recipients over a bound" ./backend TestRecipientsFromBeforeTheBounds
	if err := seal.CheckAll(k.Rules.Get().Recipients.List()); err != nil {
		return refusal.Errorf(refusal.Invalid, "recipients: %s", err)
	}
	return nil
}

// sealedData is what hands a secret out to recipients alone.
func sealedData(k *apikey.Key, v *apikey.Version, recipients []string) (map[string]any, error) {
	secret := secretData(k, v)
	secret["issued_at"] = rfc3339(v.IssuedAt)
	plain, err := json.Marshal(secret)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	sealed, err := seal.Seal(plain, recipients)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"key_id": v.KeyID, "sealed": sealed, "tenant": string(k.Tenant), "kind": string(k.Kind), "name": string(k.Name),
		"expires_at": rfc3339(v.ExpiresAt),
	}, nil
}

// recipient returns the recipient that the answer is to be sealed to, or "".
func (r *request) recipient() (string, error) {
	s, err := r.text("recipient", seal.MaxRecipient)
	if err != nil || r.Data["recipient"] == nil {
		return "", err
	}
	if err := seal.Check(s); err != nil {
		return "", refusal.Errorf(refusal.Invalid, "recipient: %s", err)
	}
	return s, nil
}

// toSeal waits for a place to seal in, before anything is noted as handed out: afterwards
// there is no turning away.
func (h *Handlers) toSeal(ctx context.Context, r *request, recipient string) (place fair.Place, err error) {
	if recipient != "" {
		place, err = r.enter(ctx, h.shares.walks, r.owner())
	}
	return place, err
}

// secretReply hands a secret out, sealed where the caller has named a recipient.
func (r *request) secretReply(k *apikey.Key, v *apikey.Version, recipient string) (*logical.Response, error) {
	//mutate:true "sealing where the caller wants it" ./backend TestSealedToACaller
	if recipient == "" {
		return r.wrapped(&logical.Response{Data: secretData(k, v)}), nil
	}
	data, err := sealedData(k, v, []string{recipient})
	if err != nil {
		return nil, err
	}
	return reply(data)
}

// forcedWrap is how long a wrapping token is good that nobody asked for.
const forcedWrap = 5 * time.Minute

// wrapped has Vault wrap an answer with a secret in it where the mount wants it so. Who
// asked for a wrapping of its own gets the shorter of both.
func (r *request) wrapped(resp *logical.Response) *logical.Response {
	//mutate:false "wrapping where the mount wants it" ./backend TestForcedWrapping
	if r.config.ForceWrap {
		resp.WrapInfo = &wrapping.ResponseWrapInfo{TTL: forcedWrap}
	}
	return resp
}
