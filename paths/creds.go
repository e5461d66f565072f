package paths

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func (h *Handlers) credsResources() []resource {
	return []resource{{
		scope: tenants, pattern: "/" + capture("kind") + "/creds/" + capture("role"), suffix: "creds", fields: recipientField,
		operations: map[logical.Operation]operation{logical.ReadOperation: {h.creds, "Issue a leased key.", revealAnswer}},
		synopsis:   "A fresh key of its own, under a Vault lease.",
		description: "The key lives as long as its lease: renewing moves its expiry within the caps, and revoking the lease, or the token " +
			"that asked, ends it at once. Only as tenants/<tenant>/…, so that lease IDs carry the tenant.",
	}}
}

func (h *Handlers) creds(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("role")
	if err != nil {
		return nil, err
	}
	if _, spelled := r.captured.GetOk("tenant"); !spelled {
		return nil, refusal.Errorf(refusal.Invalid, "creds are read as tenants/%s/%s/creds/%s, so that the lease carries the tenant",
			r.tenant.Name, kind, name)
	}
	if err := r.active(); err != nil {
		return nil, err
	}
	recipient, err := r.recipient()
	if err != nil {
		return nil, err
	}
	place, err := h.toSeal(ctx, r, recipient)
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	role, err := h.store.Role(ctx, r.Storage, r.tenant, kind, name)
	if err != nil {
		return nil, err
	}
	mount, err := h.longestLease()
	if err != nil {
		return nil, err
	}
	span := role.Span(r.config, r.tenant, mount)
	k, err := h.issue(ctx, r, role, span)
	if err != nil {
		return nil, err
	}
	if span.TTL < role.TTL {
		r.warn("the role's ttl of %s was cut to %s by %s", tenant.Spell(role.TTL), tenant.Spell(span.TTL), span.By)
	}
	return h.leased(r, k, span, recipient)
}

// issue writes a fresh key of the role, within the tenant's limit.
func (h *Handlers) issue(ctx context.Context, r *request, role *apikey.Role, span apikey.Span) (*apikey.Key, error) {
	undo, err := h.store.ReserveLeased(ctx, r.Storage, r.tenant, r.tenant.Caps(r.config).MaxLeased)
	if err != nil {
		return nil, err
	}
	fresh := role.Issue(apikey.NewKeyID(), span, r.actor(), r.now)
	k, err := h.store.UpdateLeased(ctx, r.Storage, r.tenant, role.Kind, fresh.Newest().KeyID, func(*apikey.Key) (*apikey.Key, error) {
		return fresh, nil
	})
	if err != nil {
		undo()
	}
	return k, err
}

// leased answers with a leased key. Vault keeps the answer with the lease until the first
// renewal: with a recipient, that is nothing that anybody else could read.
func (h *Handlers) leased(r *request, k *apikey.Key, span apikey.Span, recipient string) (*logical.Response, error) {
	v := k.Newest()
	out, err := r.secretReply(k, v, recipient)
	if err != nil {
		return nil, err
	}
	resp := h.Secret().Response(out.Data, map[string]any{
		"tenant": string(k.Tenant), "uid": k.UID, "kind": string(k.Kind), "key_id": v.KeyID,
	})
	resp.WrapInfo = out.WrapInfo
	resp.Secret.TTL, resp.Secret.MaxTTL = span.TTL, span.Max
	return resp, nil
}
