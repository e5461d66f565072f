package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/paths/field"
	"vault-plugin-secrets-apikeys/signing"
)

var roleSettings = append(limitSettings(func(r *apikey.Role) *apikey.Limits { return &r.Limits }),
	field.Text("description", "What keys of the role are for.", apikey.MaxDescription,
		func(r *apikey.Role) *string { return &r.Description }),
	field.Text("owner", "Who answers for keys of the role.", apikey.MaxOwner,
		func(r *apikey.Role) *string { return &r.Owner }),
	schemeSetting(func(r *apikey.Role) *signing.Scheme { return &r.Scheme }),
	field.Duration("ttl", "The life of a leased key, and of each renewal. Default 1h.", atLeast, field.MaxDuration,
		func(r *apikey.Role) *time.Duration { return &r.TTL }),
	field.Duration("max_ttl", "The longest life of a leased key, renewals included. Default 24h.",
		atLeast, field.MaxDuration,
		func(r *apikey.Role) *time.Duration { return &r.MaxTTL }),
	field.NewSetting("max_leased", field.Schema(framework.TypeInt,
		"How many leased keys of the role may live, at most as many as the tenant may have. None by default: the "+
			"tenant's limit holds alone."),
		func(r *apikey.Role) *int { return &r.MaxLeased },
		func(raw any, _ int, _ bool) (int, error) { return field.ParseInt("max_leased", raw, 1, maxCount) },
		func(n int) any { return unset(n, n == 0) }),
	replaySetting(func(r *apikey.Role) *bool { return &r.Replay }),
	pairsSetting("metadata", "Pairs of texts that verification returns.",
		func(r *apikey.Role) *apikey.Pairs { return &r.Metadata }),
)

var roleAnswer = field.Schemas(roleSettings, schema{
	"kind": text("internal or external."), "name": text("The role's name."),
	"revision":       number("Counts the changes; for cas."),
	"created_at":     stamp("When the role was made."),
	"revoked_before": stamp("Keys issued before this time are revoked."),
	"revoked_reason": text("The reason of the last revocation. Each key shows the reason of the one that ended it."),
	"deleted_at":     stamp("When the role was deleted: only in the answer to its deletion."),
})

func (h *Handlers) roleResources() []resource {
	folder := "/" + capture("kind") + "/roles/"
	return []resource{
		{
			scope: tenants, pattern: folder + "?", suffix: "roles", fields: pageFields,
			operations: only(logical.ListOperation, h.walking(h.roleList), "List the roles of a kind.",
				listAnswer("description, owner, scheme, ttl, max_ttl, max_leased")),
			synopsis:    "The templates of leased keys.",
			description: howPaged,
		},
		{
			scope: tenants, pattern: folder + capture("role"), suffix: "role",
			fields: field.Schemas(roleSettings, casField),
			operations: operations{
				logical.ReadOperation:   {h.roleRead, "Read a role.", roleAnswer},
				logical.UpdateOperation: {h.roleWrite, "Make a role, or change it.", roleAnswer},
				logical.PatchOperation:  {h.roleWrite, "Change a role.", roleAnswer},
				logical.DeleteOperation: {
					h.roleDelete, "Delete a role; its keys live until their leases end.", roleAnswer,
				},
			},
			synopsis: "A template of leased keys.",
			description: "A change counts for keys issued or renewed afterwards. Keys of a deleted role are not " +
				"renewed. Under max_leased count the keys whose leases have not ended and that are not revoked, also " +
				"those of an earlier role of the name. A lower limit ends none.",
		},
		{
			scope: tenants, pattern: folder + capture("role") + "/revoke-leased", suffix: "role-leased",
			fields: reasonField,
			operations: only(logical.UpdateOperation, h.roleRevokeLeased,
				"Revoke all keys that the role has issued so far.", roleAnswer),
			synopsis: "Revoke every leased key of a role at once and for good.",
			description: "Keys issued afterwards are good. The leases of revoked keys stay until they end, and " +
				"cannot be renewed.",
		},
	}
}

// defaultRole returns a role whose writer gives no settings, within the caps.
func defaultRole(r *request, kind apikey.Kind) *apikey.Role {
	role := &apikey.Role{Kind: kind, Scheme: apikey.DefaultScheme, TTL: time.Hour, MaxTTL: 24 * time.Hour, Replay: true}
	span := role.Span(r.config, r.tenant, role.MaxTTL)
	role.TTL, role.MaxTTL = span.TTL, span.Max
	return role
}

func (h *Handlers) roleList(ctx context.Context, r *request, walk *turn) (*logical.Response, error) {
	kind, err := r.kind()
	if err != nil {
		return nil, err
	}
	names, err := h.store.Roles(ctx, r.Storage, r.tenant, kind)
	if err != nil {
		return nil, err
	}
	// Markers of deleted roles are neither shown nor counted.
	roles := listing[apikey.Role]{
		names: names, lets: stillExists[apikey.Role],
		read: func(name string) (*apikey.Role, error) {
			return ignoreNotFound(h.store.Role(ctx, r.Storage, r.tenant, kind, apikey.Name(name)))
		},
	}
	p, err := roles.page(ctx, r, walk)
	if err != nil {
		return nil, err
	}
	return p.list(func(role *apikey.Role) (map[string]any, error) {
		return map[string]any{
			"description": role.Description, "owner": role.Owner, "scheme": string(role.Scheme),
			"ttl": field.Seconds(role.TTL), "max_ttl": field.Seconds(role.MaxTTL),
			"max_leased": unset(role.MaxLeased, role.MaxLeased == 0),
		}, nil
	})
}

func (h *Handlers) roleRead(ctx context.Context, r *request) (*logical.Response, error) {
	kind, name, err := r.named("role")
	if err != nil {
		return nil, err
	}
	role, err := h.store.Role(ctx, r.Storage, r.tenant, kind, name)
	if err != nil {
		return nil, err
	}
	return reply(roleData(role))
}

func (h *Handlers) roleWrite(ctx context.Context, r *request) (*logical.Response, error) {
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	return h.roleChange(ctx, r, func(old *apikey.Role, kind apikey.Kind, name apikey.Name) (*apikey.Role, error) {
		made := old == nil || !old.DeletedAt.IsZero()
		if made && r.patches() {
			return nil, store.NoRole(r.tenant.Name, name)
		}
		role, revision := nextRole(r, old, kind, name, made)
		if err := checkCAS(cas, revision); err != nil {
			return nil, err
		}
		if err := field.Apply(roleSettings, r.Data, r.patches(), role, defaultRole(r, kind)); err != nil {
			return nil, err
		}
		if !made && role.Scheme != old.Scheme {
			return nil, refusal.Errorf(refusal.Invalid, "scheme: cannot change; make a new role for another scheme")
		}
		if !made && *role == *old {
			return old, nil
		}
		role.Revision++
		//mutate:false:1 "a role's limit over the tenant's" TestRoleLimitIsWithinTheTenants
		if made || role.MaxLeased != old.MaxLeased {
			if err := role.CheckMaxLeased(r.tenant.Caps(r.config).MaxLeased); err != nil {
				return nil, err
			}
		}
		if !made && role.TTL == old.TTL && role.MaxTTL == old.MaxTTL && role.Limits == old.Limits {
			return role, nil // a cap that was lowered since does not stop other changes
		}
		return role, role.Check(r.config, r.tenant)
	})
}

// nextRole returns the role to write, and the revision that the caller must expect. A role that replaces a deleted one
// keeps its epoch, so that revoked keys stay revoked.
func nextRole(
	r *request, old *apikey.Role, kind apikey.Kind, name apikey.Name, made bool,
) (role *apikey.Role, revision int) {
	if !made {
		c := *old
		return &c, old.Revision
	}
	role = defaultRole(r, kind)
	role.Tenant, role.Kind, role.Name, role.UID = r.tenant.Name, kind, name, r.tenant.UID
	role.CreatedAt = r.now.UTC().Truncate(time.Second)
	if old != nil {
		role.Epoch, role.Revision = old.Epoch, old.Revision
		role.RevokedBefore, role.Reasons = old.RevokedBefore, old.Reasons
	}
	return role, 0
}

func (h *Handlers) roleDelete(ctx context.Context, r *request) (*logical.Response, error) {
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	return h.roleChange(ctx, r, liveRole(r, cas, func(role *apikey.Role) {
		role.DeletedAt = r.now.UTC().Truncate(time.Second)
	}))
}

func (h *Handlers) roleRevokeLeased(ctx context.Context, r *request) (*logical.Response, error) {
	reason, err := r.text("reason", apikey.MaxReason)
	if err != nil {
		return nil, err
	}
	return h.roleChange(ctx, r, liveRole(r, -1, func(role *apikey.Role) {
		revoked, forgot := role.RevokeLeased(reason, r.now)
		if *role = *revoked; forgot {
			r.warn("reason: a role keeps %d; the oldest was dropped, and the keys revoked for it show no reason now",
				apikey.KeptReasons)
		}
	}))
}

type roleChange func(old *apikey.Role, kind apikey.Kind, name apikey.Name) (*apikey.Role, error)

func liveRole(r *request, cas int, change func(*apikey.Role)) roleChange {
	return func(old *apikey.Role, _ apikey.Kind, name apikey.Name) (*apikey.Role, error) {
		if old == nil || !old.DeletedAt.IsZero() {
			return nil, store.NoRole(r.tenant.Name, name)
		}
		if err := checkCAS(cas, old.Revision); err != nil {
			return nil, err
		}
		role := *old
		change(&role)
		role.Revision++
		return &role, nil
	}
}

func (h *Handlers) roleChange(ctx context.Context, r *request, change roleChange) (*logical.Response, error) {
	kind, name, err := r.named("role")
	if err != nil {
		return nil, err
	}
	named := afterRenewal(ctx, r, func(old *apikey.Role) (*apikey.Role, error) { return change(old, kind, name) })
	role, err := h.store.UpdateRole(ctx, r.Storage, r.tenant, kind, name, named)
	if err != nil {
		return nil, err
	}
	return reply(roleData(role))
}

func roleData(role *apikey.Role) map[string]any {
	data := map[string]any{
		"kind": string(role.Kind), "name": string(role.Name), "revision": role.Revision,
		"created_at": field.RFC3339(role.CreatedAt), "revoked_before": field.RFC3339(role.RevokedBefore),
		"revoked_reason": role.RevokedReason(),
		"deleted_at":     field.RFC3339(role.DeletedAt),
	}
	field.Show(data, roleSettings, role)
	return data
}
