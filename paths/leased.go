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

var leasedAnswer = schema{
	"kind": text("internal or external."), "role": text("The role it was issued from."),
	"key_id": text("The public ID, the kid on the wire."),
	"state":  text("current, disabled, revoked, expired, or destroyed: its secret is erased."),
	"reason": text("Why it is revoked, or else disabled; empty when nobody said why."),
	"scheme": text("How calls are signed."), "issued_at": stamp("When it was issued."),
	"expires_at":  stamp("When it ends unless its lease is renewed."),
	"disabled_at": stamp("Since when it is disabled."), "revoked_at": stamp("Since when it is revoked."),
	"first_used_at": stamp("When it was first used, to the minute."),
	"last_used_at":  stamp("When it was used last, to the minute."),
	"last_used_ip":  text("From where it was used last, if the one who asked said so."),
	"ended_at":      stamp("When its lease ended."), "entity_id": text("Who asked for it."),
	"asked_by_name": text("The display name of who asked."),
	"owner":         text("Who answers for it: the role's owner when it was issued."),
	"revision":      number("Counts the changes."),
}

var leasedListAnswer = listAnswer(keyInfos + ", role, entity_id and asked_by_name (who asked for it)")

// leasedStates are the states that reading a leased key shows, and that leased keys are listed by.
var leasedStates = []apikey.State{apikey.Current, apikey.Disabled, apikey.Revoked, apikey.Expired, apikey.Destroyed}

var leasedListFields = join(keyListFields, schema{
	"state": field.ChoiceSchema("Only those in this state.", leasedStates),
	"role":  text("Only those of this role."),
})

func (h *Handlers) leasedResources() []resource {
	folder := "/" + capture("kind") + "/leased/"
	action := func(verb, summary string, fields schema, run handler) resource {
		return resource{
			scope: tenants, pattern: folder + capture("key_id") + "/" + verb, suffix: "leased-" + verb, fields: fields,
			operations:  only(logical.UpdateOperation, run, summary, leasedAnswer),
			synopsis:    summary,
			description: "The key's lease stays as it is until it ends, and is not renewed meanwhile.",
		}
	}
	return []resource{
		{
			scope: tenants, pattern: folder + "?", suffix: "leased-keys", fields: leasedListFields,
			operations: only(logical.ListOperation, h.walking(h.leasedList),
				"List the leased keys of a kind.", leasedListAnswer),
			synopsis:    "The tenant's leased keys by key ID, with role and state.",
			description: "Ended ones are listed until they are erased. " + howPaged,
		},
		{
			scope: tenants, pattern: folder + capture("key_id"), suffix: "leased-key",
			operations: only(logical.ReadOperation, h.leasedRead,
				"Read a leased key, never its secret.", leasedAnswer),
			synopsis:    "One leased key.",
			description: "Leased keys are made by reading creds, and end with their lease.",
		},
		action("disable", "Disable a leased key.", reasonField, h.leasedDisable),
		action("enable", "Enable a disabled leased key.", nil, h.leasedEnable),
		action("revoke", "Revoke a leased key at once and for good.", reasonField, h.leasedRevoke),
	}
}

func (h *Handlers) leasedRead(ctx context.Context, r *request) (*logical.Response, error) {
	kind, keyID, err := r.leasedID()
	if err != nil {
		return nil, err
	}
	uses, err := r.tolerateUsageError(h.store.LeasedUsage(ctx, r.Storage, r.tenant, kind, keyID))
	if err != nil {
		return nil, err
	}
	k, err := h.store.Leased(ctx, r.Storage, r.tenant, kind, keyID)
	if err != nil {
		return nil, err
	}
	role, err := h.store.RoleOf(ctx, r.Storage, k)
	if err != nil {
		return nil, err
	}
	return leasedReply(r, k, role, uses)
}

func (h *Handlers) leasedDisable(ctx context.Context, r *request) (*logical.Response, error) {
	reason, err := r.text("reason", apikey.MaxReason)
	if err != nil {
		return nil, err
	}
	return h.leasedAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		c, err := k.Disable("", reason, r.actor(), r.now)
		if err == nil {
			r.warnReasonKept(reason, c.WhyDisabled(""))
		}
		return c, err
	})
}

func (h *Handlers) leasedEnable(ctx context.Context, r *request) (*logical.Response, error) {
	return h.leasedAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) { return k.Enable("", r.actor(), r.now) })
}

func (h *Handlers) leasedRevoke(ctx context.Context, r *request) (*logical.Response, error) {
	reason, err := r.text("reason", apikey.MaxReason)
	if err != nil {
		return nil, err
	}
	return h.leasedAction(ctx, r, func(k *apikey.Key) (*apikey.Key, error) {
		c, err := k.Revoke("", reason, r.actor(), r.now)
		if err == nil {
			r.warnReasonKept(reason, c.WhyRevoked(""))
		}
		return c, err
	})
}

func (h *Handlers) leasedAction(
	ctx context.Context, r *request, change func(*apikey.Key) (*apikey.Key, error),
) (*logical.Response, error) {
	kind, keyID, err := r.leasedID()
	if err != nil {
		return nil, err
	}
	uses, err := r.tolerateUsageError(h.store.LeasedUsage(ctx, r.Storage, r.tenant, kind, keyID))
	if err != nil {
		return nil, err
	}
	var role *apikey.Role
	change = afterRenewal(ctx, r, change)
	k, err := h.store.UpdateLeased(ctx, r.Storage, r.tenant, kind, keyID, func(old *apikey.Key) (*apikey.Key, error) {
		if old == nil {
			return nil, refusal.Errorf(refusal.NotFound, "leased key: tenant %q has no leased key %q",
				string(r.tenant.Name), keyID)
		}
		// The role is read before: what has been done must not be answered with an error.
		if role, err = r.tolerateRoleError(h.store.RoleOf(ctx, r.Storage, old)); err != nil {
			return nil, err
		}
		return change(old)
	})
	if err != nil {
		return nil, err
	}
	return leasedReply(r, k, role, uses)
}

// tolerateRoleError lets a change do without a damaged role: it must not keep anybody from revoking a key of its.
func (r *request) tolerateRoleError(role *apikey.Role, err error) (*apikey.Role, error) {
	//mutate:false "keys of a damaged role" ./backend TestRevokeBesideADamagedRole
	if damaged(err) {
		r.warn("whether the key's role has revoked it is not known: %s", err)
		err = nil
	}
	return role, err
}

func leasedReply(r *request, k *apikey.Key, role *apikey.Role, uses store.Uses) (*logical.Response, error) {
	v := k.Newest()
	use := uses.Of(v.KeyID)
	return reply(map[string]any{
		"first_used_at": usedAt(use.First, v.IssuedAt), "last_used_at": usedAt(use.Last, v.IssuedAt),
		"last_used_ip": use.From,
		"kind":         string(k.Kind), "role": string(k.Name), "key_id": v.KeyID,
		"state": string(k.StateUnder(role, v, r.now)), "reason": k.ReasonUnder(role),
		"scheme": string(k.Scheme), "owner": k.Owner, "issued_at": field.RFC3339(v.IssuedAt),
		"expires_at":  field.RFC3339(v.ExpiresAt),
		"disabled_at": field.RFC3339(k.DisabledAt), "revoked_at": field.RFC3339(k.RevokedAt),
		"ended_at":  field.RFC3339(k.Lease.EndedAt),
		"entity_id": askedBy(k).EntityID, "asked_by_name": askedBy(k).Name, "revision": k.Revision,
	})
}

// askedBy returns who asked for a leased key.
func askedBy(k *apikey.Key) apikey.Actor { return k.Newest().RevealedTo.Get() }

func (r *request) leasedID() (apikey.Kind, string, error) {
	kind, err := r.kind()
	if err != nil {
		return "", "", err
	}
	keyID, err := r.keyIDInPath()
	return kind, keyID, err
}

// leasedKey is a leased key with its state, which depends on its role too.
type leasedKey struct {
	*apikey.Key
	state apikey.State
}

func (h *Handlers) leasedList(ctx context.Context, r *request, walk *turn) (*logical.Response, error) {
	kind, err := r.kind()
	if err != nil {
		return nil, err
	}
	f, err := r.filter(leasedStates)
	if err != nil {
		return nil, err
	}
	ids, err := h.store.LeasedIDs(ctx, r.Storage, r.tenant, kind)
	if err != nil {
		return nil, err
	}
	keys := listing[leasedKey]{names: ids, read: h.leasedReader(ctx, r, kind)}
	if !f.none() {
		keys.lets = func(k *leasedKey) bool { return f.lets(k.Key, k.state) }
	}
	p, err := keys.page(ctx, r, walk)
	if err != nil {
		return nil, err
	}
	found := make([]*apikey.Key, len(p.found))
	for i, k := range p.found {
		found[i] = k.Key
	}
	used, err := h.lastUses(ctx, r, walk, found)
	if err != nil {
		return nil, err
	}
	return p.list(func(k *leasedKey) (map[string]any, error) { return used.add(leasedInfo(k, r.now), k.Key), nil })
}

// leasedReader reads leased keys, and each of their roles once.
func (h *Handlers) leasedReader(
	ctx context.Context, r *request, kind apikey.Kind,
) func(keyID string) (*leasedKey, error) {
	roles := make(map[apikey.Name]*apikey.Role)
	return func(keyID string) (*leasedKey, error) {
		k, err := ignoreNotFound(h.store.Leased(ctx, r.Storage, r.tenant, kind, keyID))
		if k == nil {
			return nil, err
		}
		role, known := roles[k.Name]
		if !known {
			if role, err = h.store.RoleOf(ctx, r.Storage, k); err != nil {
				return nil, err
			}
			roles[k.Name] = role
		}
		return &leasedKey{k, k.StateUnder(role, k.Newest(), r.now)}, nil
	}
}

// leasedInfo shows of a leased key what lists show of others. It has no schedule, and was revealed when it was issued.
func leasedInfo(k *leasedKey, now time.Time) map[string]any {
	v := k.Newest()
	info := map[string]any{
		"state": string(k.state), "scheme": string(k.Scheme), "owner": k.Owner, "current_key_id": "",
		"expires_at":    field.RFC3339(v.ExpiresAt),
		"next_rotation": nil, "unrevealed": false, "rotation_error": "", "role": string(k.Name),
		"entity_id": askedBy(k.Key).EntityID, "asked_by_name": askedBy(k.Key).Name,
	}
	if k.Current(now) != nil && k.state != apikey.Revoked {
		info["current_key_id"] = v.KeyID
	}
	return info
}
