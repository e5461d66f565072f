package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/paths/field"
)

var (
	adminIDAnswer = join(purgedAnswer, schema{"tenant": text("The tenant."), "kind": text("internal or external.")})
	ownIDAnswer   = join(purgedAnswer, schema{
		"kind": text("internal or external."), "name": text("The key's name; a leased key's is its role's."),
		"version": number("The version's number."), "state": text("The version's state; destroyed if it was purged."),
		"key_state":      text("The key's state, or purged."),
		"leased":         flag("Whether it is a leased key."),
		"purged_by":      text("The entity that purged it; of a purged key alone."),
		"purged_by_name": text("Its display name."),
	})
	// What is answered besides where the key was purged.
	purgedAnswer = schema{
		"purged_at": stamp("When its key was purged; of a purged key alone, for as long as retention."),
		"reason":    text("Why it was purged; empty when nobody said why."),
	}
)

func (h *Handlers) idResources() []resource {
	return []resource{
		{
			scope: platform, pattern: "admin/ids/" + capture("key_id"), suffix: "admin-id",
			operations: only(logical.ReadOperation, h.adminID, "Whose is this key ID?", adminIDAnswer),
			synopsis:   "Which tenant and kind a key ID belongs to, and nothing more.",
			description: "For a key ID found in a log or a leak: whom to call. A tenant that has purged the key is " +
				"told for as long as retention, with the time and the reason.",
		},
		{
			scope: tenants, pattern: "/ids/" + capture("key_id"), suffix: "id",
			operations: only(logical.ReadOperation, h.ownID, "Which key has this key ID?", ownIDAnswer),
			synopsis:   "The key, version and state behind a key ID of the tenant's own.",
			description: "A key ID of another tenant is as unknown as one that nobody has. One of a purged key is " +
				"told for as long as retention, with who purged it, when and why.",
		},
	}
}

func (h *Handlers) adminID(ctx context.Context, r *request) (*logical.Response, error) {
	found, purged, err := h.byID(ctx, r, h.store.FindIncludingDeleted)
	switch {
	case err != nil:
		return nil, err
	case found != nil:
		return reply(map[string]any{"tenant": string(found.Key.Tenant), "kind": string(found.Key.Kind)})
	default:
		return reply(map[string]any{
			"tenant": string(purged.Tenant), "kind": string(purged.Kind),
			"purged_at": field.RFC3339(purged.At), "reason": purged.Reason,
		})
	}
}

func (h *Handlers) ownID(ctx context.Context, r *request) (*logical.Response, error) {
	found, purged, err := h.byID(ctx, r, h.store.Find)
	switch {
	case err != nil:
		return nil, err
	case found != nil:
		return reply(idData(found, r.captured.Get("key_id").(string), r.now))
	default:
		return reply(map[string]any{
			"kind": string(purged.Kind), "name": string(purged.Name), "version": purged.Version,
			"state": string(apikey.Destroyed), "key_state": "purged", "leased": false,
			"purged_at": field.RFC3339(purged.At), "reason": purged.Reason,
			"purged_by": purged.By.EntityID, "purged_by_name": purged.By.Name,
		})
	}
}

func idData(found *store.Match, keyID string, now time.Time) map[string]any {
	k, v := found.Key, found.Key.Version(keyID)
	return map[string]any{
		"kind": string(k.Kind), "name": string(k.Name), "version": v.Number,
		"state":     string(k.StateUnder(found.Role, v, now)),
		"key_state": string(k.State()), "leased": k.Lease != nil,
	}
}

type finder func(ctx context.Context, s logical.Storage, keyID string) (*store.Match, error)

// byID returns the key that has the key ID of the path, or else what is kept of one that was purged. On tenants' paths
// another tenant's is nobody's.
func (h *Handlers) byID(ctx context.Context, r *request, find finder) (*store.Match, *store.PurgedID, error) {
	keyID, err := r.keyIDInPath()
	if err != nil {
		return nil, nil, err
	}
	found, err := find(ctx, r.Storage, keyID)
	if err != nil {
		return nil, nil, err
	}
	if found != nil {
		//mutate:false "key IDs of other tenants" TestPurgedIDsOfOthers
		if r.tenant != nil && found.Tenant.UID != r.tenant.UID {
			return nil, nil, noSuchID(keyID)
		}
		return found, nil, nil
	}
	purged, of, err := h.store.FindPurged(ctx, r.Storage, keyID, r.now)
	//mutate:false:2.2 "purged key IDs of other tenants" TestPurgedIDsOfOthers
	if err == nil && (purged == nil || r.tenant != nil && of.UID != r.tenant.UID) {
		err = noSuchID(keyID)
	}
	return nil, purged, err
}

func noSuchID(keyID string) error {
	return refusal.Errorf(refusal.NotFound, "key_id: nobody here has %s", keyID)
}
