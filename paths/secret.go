package paths

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/wrapping"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/seal"
	"vault-plugin-secrets-apikeys/paths/field"
)

// secretAnswer is the answer that hands a secret out.
var secretAnswer = schema{
	"key_id": text("The public ID, the kid on the wire."),
	"key": {
		Type: framework.TypeString, Description: "The secret, unpadded base64url.",
		DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
	},
	"credential": {
		Type: framework.TypeString, Description: "Both in one string that secret scanners find.",
		DisplayAttrs: &framework.DisplayAttributes{Sensitive: true},
	},
	"scheme": text("How calls are signed."),
	"tenant": text("The tenant."), "kind": text("internal or external."),
	"name":       text("The key's name; a leased key's is its role's."),
	"expires_at": stamp("When this version ends; null: never."),
}

var sealedAnswer = schema{
	"key_id": text("The public ID, the kid on the wire."),
	"sealed": text("The key as an armoured age file: one JSON object with tenant, kind, name, key_id, key, " +
		"credential, scheme, issued_at, expires_at."),
	"kind": text("internal or external."), "name": text("The key's name; a leased key's is its role's."),
	"expires_at": stamp("When this version ends; null: never."),
}

var revealAnswer = join(secretAnswer, sealedAnswer)

func secretData(k *apikey.Key, v *apikey.Version) map[string]any {
	return map[string]any{
		"key_id": v.KeyID, "key": v.Secret.RevealText(), "credential": apikey.Credential(v.KeyID, v.Secret),
		"scheme": string(k.Scheme), "tenant": string(k.Tenant), "kind": string(k.Kind), "name": string(k.Name),
		"expires_at": field.RFC3339(v.ExpiresAt),
	}
}

// sealable refuses recipients from before there were bounds, before anything is noted as handed over.
func sealable(k *apikey.Key) error {
	//mutate:false "stored recipients over a bound" TestRecipientsFromBeforeTheBounds
	if err := seal.CheckAll(k.Rules.Get().Recipients.List()); err != nil {
		return refusal.Errorf(refusal.Invalid, "recipients: %s", err)
	}
	return nil
}

// sealedData is the answer that hands a secret out to recipients alone.
func sealedData(k *apikey.Key, v *apikey.Version, recipients []string) (map[string]any, error) {
	secret := secretData(k, v)
	secret["issued_at"] = field.RFC3339(v.IssuedAt)
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
		"expires_at": field.RFC3339(v.ExpiresAt),
	}, nil
}

var recipientField = schema{"recipient": text("An age recipient or SSH public key: the answer is sealed to it, and " +
	"only its holder can read it.")}

// recipient returns the recipient to seal the answer to, or "".
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

// waitToSeal waits for a place to seal in. It is called before anything is noted as handed out, because afterwards no
// caller may be turned away.
func (h *Handlers) waitToSeal(ctx context.Context, r *request, recipient string) (place fair.Place, err error) {
	if recipient != "" {
		place, err = r.enter(ctx, h.shares.walks, r.owner())
	}
	return place, err
}

// handOut notes who gets a secret before it is answered: a secret is not handed out unless that is written down.
func (h *Handlers) handOut(
	ctx context.Context, r *request, out func(*apikey.Key) (*apikey.Key, *apikey.Version, error),
) (*apikey.Key, *apikey.Version, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, nil, err
	}
	var v *apikey.Version
	note := afterRenewal(ctx, r, func(old *apikey.Key) (*apikey.Key, error) {
		if old == nil {
			return nil, refusal.Errorf(refusal.NotFound, "key: tenant %q has no key %q",
				string(r.tenant.Name), string(name))
		}
		var changed *apikey.Key
		var err error
		changed, v, err = out(old)
		return changed, err
	})
	k, err := h.store.UpdateKey(ctx, r.Storage, r.tenant, kind, name, note)
	return k, v, err
}

// secretReply hands a secret out, sealed if the caller has named a recipient.
func (r *request) secretReply(k *apikey.Key, v *apikey.Version, recipient string) (*logical.Response, error) {
	//mutate:true "sealing where the caller wants it" TestSealedToACaller
	if recipient == "" {
		return r.wrapped(&logical.Response{Data: secretData(k, v)}), nil
	}
	data, err := sealedData(k, v, []string{recipient})
	if err != nil {
		return nil, err
	}
	return reply(data)
}

// forcedWrap is how long a wrapping token is good that the caller did not ask for.
const forcedWrap = 5 * time.Minute

// wrapped makes Vault wrap an answer with a secret in it, if the mount wants that. A caller who asked for a wrapping
// gets the shorter of both times.
func (r *request) wrapped(resp *logical.Response) *logical.Response {
	//mutate:false "wrapping where the mount wants it" TestForcedWrapping
	if r.config.ForceWrap {
		resp.WrapInfo = &wrapping.ResponseWrapInfo{TTL: forcedWrap}
	}
	return resp
}
