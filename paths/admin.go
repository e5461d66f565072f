package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

// adminSettings are what the provider's administrator writes about a tenant.
var adminSettings = append([]field.Setting[tenant.Tenant]{
	field.Text("display_name", "What people call the tenant.", maxDisplayName,
		func(t *tenant.Tenant) *string { return &t.DisplayName }),
}, providerCaps...)

var adminAnswer = join(join(tenantAnswer, answerTenant), schema{
	"suspended_by_name": text("The display name of the person who suspended the tenant. The tenant does not see it."),
})

func (h *Handlers) adminResources() []resource {
	named := "admin/tenants/" + capture("tenant")
	action := func(verb, summary, description string, fields schema, run handler) resource {
		return resource{
			scope: platform, pattern: named + "/" + verb, suffix: "admin-tenant-" + verb, fields: fields,
			operations: only(logical.UpdateOperation, run, summary, adminAnswer),
			synopsis:   summary, description: description,
		}
	}
	return []resource{
		{
			scope: platform, pattern: "admin/tenants/?", suffix: "admin-tenants", fields: pageFields,
			operations: only(logical.ListOperation, h.walking(h.adminList), "List the tenants.",
				listAnswer("display_name, state, keys, leased_keys")),
			synopsis:    "The tenants with state and counts, never a key.",
			description: "Deleted tenants are listed until all their records are erased. " + howPaged,
		},
		{
			scope: platform, pattern: named, suffix: "admin-tenant", fields: field.Schemas(adminSettings, casField),
			operations: operations{
				logical.ReadOperation:   {h.adminRead, "Read a tenant.", adminAnswer},
				logical.UpdateOperation: {h.adminWrite, "Open a tenant, or change it.", adminAnswer},
				logical.PatchOperation:  {h.adminWrite, "Change a tenant.", adminAnswer},
				logical.DeleteOperation: {
					h.adminDelete, "Delete a tenant; it can be restored for a while.", adminAnswer,
				},
			},
			synopsis: "A tenant as the provider's administrator sees it: name, limits, state.",
			description: "A deleted tenant's keys are unknown at once. Until the retention has passed its name stays " +
				"taken, and restore brings the tenant back.",
		},
		action("suspend", "Suspend a tenant: all its calls are refused at once.",
			"Every verify and sign answers tenant_suspended. The tenant sees who suspended it, when and why.",
			reasonField, h.adminSuspend),
		action("resume", "End a tenant's suspension.", "Calls are judged as before at once.", nil, h.adminResume),
		action(
			"restore",
			"Bring a deleted tenant back.",
			"Possible until the retention has passed. Versions have expired meanwhile; the time of "+
				"idle_disable_after begins again.",
			nil,
			h.adminRestore,
		),
	}
}

func (h *Handlers) adminList(ctx context.Context, r *request, walk *turn) (*logical.Response, error) {
	names, err := h.store.Tenants(ctx, r.Storage)
	if err != nil {
		return nil, err
	}
	all := listing[tenant.Tenant]{names: names, read: func(name string) (*tenant.Tenant, error) {
		return h.store.Tenant(ctx, r.Storage, tenant.Name(name))
	}}
	p, err := all.page(ctx, r, walk)
	if err != nil {
		return nil, err
	}
	return p.list(func(t *tenant.Tenant) (map[string]any, error) {
		if err := walk.next(ctx); err != nil {
			return nil, err
		}
		keys, leased, err := h.store.Counts(ctx, r.Storage, t)
		return map[string]any{
			"display_name": t.DisplayName, "state": string(t.State()), "keys": keys, "leased_keys": leased,
		}, err
	})
}

func (h *Handlers) adminRead(ctx context.Context, r *request) (*logical.Response, error) {
	name, err := r.tenantName()
	if err != nil {
		return nil, err
	}
	t, err := h.store.Tenant(ctx, r.Storage, name)
	if err == nil && t == nil {
		err = store.NoTenant(name)
	}
	if err != nil {
		return nil, err
	}
	n, err := h.count(ctx, r, t)
	if err != nil {
		return nil, err
	}
	return adminReply(r, t, n)
}

func (h *Handlers) adminWrite(ctx context.Context, r *request) (*logical.Response, error) {
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	return h.adminChange(ctx, r, func(old *tenant.Tenant, name tenant.Name) (*tenant.Tenant, error) {
		t := tenant.New(name, r.now.UTC().Truncate(time.Second))
		switch {
		case old == nil && r.patches():
			return nil, store.NoTenant(name)
		case old != nil && old.State() == tenant.Deleted:
			return nil, refusal.Errorf(refusal.Invalid,
				"deleted: the name is taken until all is erased; restore the tenant to use it again")
		case old == nil:
			old = &tenant.Tenant{}
		default:
			c := *old
			t = &c
		}
		if err := checkCAS(cas, old.Revision); err != nil {
			return nil, err
		}
		return changedTenant(old, t, field.Apply(adminSettings, r.Data, r.patches(), t, &tenant.Tenant{}))
	})
}

func (h *Handlers) adminDelete(ctx context.Context, r *request) (*logical.Response, error) {
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	return h.adminChange(ctx, r, existing(func(t *tenant.Tenant) error {
		if err := checkCAS(cas, t.Revision); err != nil {
			return err
		}
		if t.DeletedAt.IsZero() {
			t.DeletedAt = r.now.UTC().Truncate(time.Second)
		}
		return nil
	}))
}

func (h *Handlers) adminRestore(ctx context.Context, r *request) (*logical.Response, error) {
	return h.adminChange(ctx, r, existing(func(t *tenant.Tenant) error {
		//mutate:false "the time to restore a tenant" TestTenantIsRestoredInTimeOnly
		if t.Gone(r.config.Retention, r.now) {
			return refusal.Errorf(refusal.Invalid, "deleted: the time to restore it has passed")
		}
		if t.State() == tenant.Deleted {
			t.DeletedAt, t.ResumedAt = time.Time{}, r.now.UTC().Truncate(time.Second)
		}
		return nil
	}))
}

func (h *Handlers) adminSuspend(ctx context.Context, r *request) (*logical.Response, error) {
	reason, err := r.text("reason", apikey.MaxReason)
	if err != nil {
		return nil, err
	}
	return h.adminChange(ctx, r, existing(func(t *tenant.Tenant) error {
		if t.State() == tenant.Deleted {
			return refusal.Errorf(refusal.Invalid, "deleted: restore the tenant first")
		}
		if t.SuspendedAt.IsZero() {
			t.SuspendedAt, t.SuspendedBy = r.now.UTC().Truncate(time.Second), r.EntityID
			t.SuspendedByName = r.callerName()
		}
		if t.SuspendedReason == "" {
			t.SuspendedReason = reason
		}
		r.warnReasonKept(reason, t.SuspendedReason)
		return nil
	}))
}

func (h *Handlers) adminResume(ctx context.Context, r *request) (*logical.Response, error) {
	return h.adminChange(ctx, r, existing(func(t *tenant.Tenant) error {
		if t.State() == tenant.Deleted {
			return refusal.Errorf(refusal.Invalid, "deleted: restore the tenant first")
		}
		if !t.SuspendedAt.IsZero() {
			t.SuspendedAt, t.SuspendedBy, t.SuspendedByName, t.SuspendedReason = time.Time{}, "", "", ""
			t.ResumedAt = r.now.UTC().Truncate(time.Second)
		}
		return nil
	}))
}

// existing returns a change that refuses a tenant that does not exist.
func existing(change func(*tenant.Tenant) error) func(*tenant.Tenant, tenant.Name) (*tenant.Tenant, error) {
	return func(old *tenant.Tenant, name tenant.Name) (*tenant.Tenant, error) {
		if old == nil {
			return nil, store.NoTenant(name)
		}
		t := *old
		return changedTenant(old, &t, change(&t))
	}
}

func (h *Handlers) adminChange(
	ctx context.Context, r *request, change func(*tenant.Tenant, tenant.Name) (*tenant.Tenant, error),
) (*logical.Response, error) {
	name, err := r.tenantName()
	if err != nil {
		return nil, err
	}
	t, err := h.store.UpdateTenant(ctx, r.Storage, name, func(old *tenant.Tenant) (*tenant.Tenant, error) {
		return change(old, name)
	})
	if err != nil {
		return nil, err
	}
	// A suspension does not wait for a count, and a change that succeeded is not answered with an error.
	n, err := h.count(ctx, r, t)
	if err != nil {
		r.warn("keys, leased_keys: not counted, but the change is done: %s",
			publicError(h.log, "keys not counted", err))
	}
	return adminReply(r, t, n)
}

func adminReply(r *request, t *tenant.Tenant, n keyCounts) (*logical.Response, error) {
	data := tenantData(r, t, t.Provider, t.ProviderCaps(r.config), n)
	data["tenant"], data["suspended_by_name"] = string(t.Name), t.SuspendedByName
	return reply(data)
}

func (r *request) tenantName() (tenant.Name, error) {
	return tenant.ParseName(r.captured.Get("tenant").(string))
}
