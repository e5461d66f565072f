package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/paths/field"
)

var staticAnswer = join(secretAnswer, schema{
	"ttl": number("Seconds after which to read again: at most what config's effective static_ttl is, " +
		"at least 5."),
	"rotation_period": number("Seconds from one scheduled rotation to the next; without a schedule, config's " +
		"effective static_ttl."),
	"last_vault_rotation": stamp("When the current version was made."),
})

func (h *Handlers) revealResources() []resource {
	return []resource{
		{
			scope: tenants, pattern: "/" + capture("kind") + "/keys/" + capture("name") + "/reveal",
			suffix: "key-reveal",
			fields: join(recipientField, schema{
				"request_id": text("The caller's name for this request: repeated within 60 s and before the first " +
					"use, it gets the same answer."),
			}),
			operations: only(logical.UpdateOperation, h.keyReveal, "Hand out the current secret.", revealAnswer),
			synopsis:   "The current secret of a key, as its reveal setting allows.",
			description: "With reveal=once each version is handed out one time; afterwards a 409 says when that was. " +
				"Ask for the answer response-wrapped (-wrap-ttl) to pass it on unread.",
		},
		{
			scope:   tenants,
			pattern: "/" + capture("kind") + "/static-creds/" + capture("name"),
			suffix:  "static-creds",
			operations: only(logical.ReadOperation, h.staticCreds,
				"Read the current secret of a key with reveal=always.", staticAnswer),
			synopsis: "The current secret for apps that come again, such as Vault Agent.",
			description: "The answer's ttl says when to read again. An app that does so never holds an ended " +
				"version, if the overlap of rotations is at least static_ttl and 2 minutes. A version that is ended " +
				"at once, by expire, revoke, disable or overlap=0, stays with the app until it reads again.",
		},
	}
}

func (h *Handlers) keyReveal(ctx context.Context, r *request) (*logical.Response, error) {
	requestID, err := r.text("request_id", 128)
	if err != nil {
		return nil, err
	}
	recipient, err := r.recipient()
	if err != nil {
		return nil, err
	}
	place, err := h.waitToSeal(ctx, r, recipient)
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	k, v, err := h.handOut(ctx, r, func(k *apikey.Key) (*apikey.Key, *apikey.Version, error) {
		used := func(keyID string) bool { return h.perhapsUsed(ctx, r, k, keyID) }
		return k.Revealed(r.tenant, requestID, recipient != "", used, r.actor(), r.now)
	})
	if err != nil {
		return nil, err
	}
	return r.secretReply(k, v, recipient)
}

// perhapsUsed reports whether a version was used. Where its tenant's uses cannot be read, it counts as used.
func (h *Handlers) perhapsUsed(ctx context.Context, r *request, k *apikey.Key, keyID string) bool {
	used, err := h.store.WasUsed(ctx, r.Storage, k, keyID)
	//mutate:false:2 "reveals again where uses cannot be read" TestRevealWithoutUses
	return used || err != nil
}

func (h *Handlers) staticCreds(ctx context.Context, r *request) (*logical.Response, error) {
	k, v, err := h.fetched(ctx, r)
	if err != nil {
		return nil, err
	}
	data := secretData(k, v)
	reread := r.config.RereadAfter()
	data["ttl"], data["rotation_period"] = field.Seconds(k.FreshFor(v, reread, r.now)), field.Seconds(k.Period(reread))
	data["last_vault_rotation"] = field.RFC3339(v.IssuedAt)
	return r.wrapped(&logical.Response{Data: data}), nil
}

// fetched hands a secret to an app. Where somebody had it before, there is nothing to note, and storage is not read.
func (h *Handlers) fetched(ctx context.Context, r *request) (*apikey.Key, *apikey.Version, error) {
	kind, name, err := r.named("name")
	if err != nil {
		return nil, nil, err
	}
	found, err := h.store.Named(ctx, r.Storage, r.tenant, kind, name)
	if err != nil {
		return nil, nil, err
	}
	r.now, r.tenant = time.Now(), found.Tenant // storage may have taken its time
	out := func(k *apikey.Key) (*apikey.Key, *apikey.Version, error) {
		return k.Fetched(r.tenant, r.actor(), r.now)
	}
	if same, v, err := out(found.Key); err != nil || same == found.Key {
		return same, v, err
	}
	return h.handOut(ctx, r, out)
}
