package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

const (
	maxDisplayName = 256
	maxCount       = 1_000_000
)

// capSettings are the limits that the provider sets for a tenant, and the tenant for itself. A limit that is not set
// is shown as null; effective shows the one that holds.
func capSettings(at func(*tenant.Tenant) *tenant.Caps) []field.Setting[tenant.Tenant] {
	settings := []field.Setting[tenant.Tenant]{
		field.Int("max_keys", "How many keys the tenant may have.", 1, maxCount,
			func(t *tenant.Tenant) *int { return &at(t).MaxKeys }),
		field.Int("max_leased", "How many leased keys may live.", 1, maxCount,
			func(t *tenant.Tenant) *int { return &at(t).MaxLeased }),
		field.Int("max_versions", "How many versions of a key may be live.", 1, mostVersions,
			func(t *tenant.Tenant) *int { return &at(t).MaxVersions }),
		field.Duration("max_ttl", "The longest life of a version or a leased key.", atLeast, field.MaxDuration,
			func(t *tenant.Tenant) *time.Duration { return &at(t).MaxTTL }),
		field.Duration("window_past", "How old a call may be.", tenant.MinWindow, tenant.MaxWindow,
			func(t *tenant.Tenant) *time.Duration { return &at(t).WindowPast }),
		field.Duration("window_future", "How far ahead a caller's clock may be.", tenant.MinWindow, tenant.MaxWindow,
			func(t *tenant.Tenant) *time.Duration { return &at(t).WindowFuture }),
		field.Duration("idle_disable_after", "Keys that nobody has used for this long are disabled.",
			time.Minute, field.MaxDuration,
			func(t *tenant.Tenant) *time.Duration { return &at(t).IdleAfter }),
		field.Lines("published",
			"Path globs: calls of external keys must be within them, and within those of mount, provider and tenant.",
			func(t *tenant.Tenant) *match.Globs { return &at(t).Published }, apikey.ParsePublished),
		field.NewSetting("allow_local_verify", field.Schema(framework.TypeBool, "Whether gateways may fetch the "+
			"tenant's keys from keyring/. The mount must allow it, provider or tenant must say yes, and neither may "+
			"say no."),
			func(t *tenant.Tenant) *tenant.Consent { return &at(t).LocalVerify }, parseConsent, showConsent),
	}
	for i := range settings {
		show := settings[i].Show
		settings[i].Show = func(t *tenant.Tenant) any {
			switch v := show(t).(type) {
			case int:
				return unset(v, v == 0)
			case int64:
				return unset(v, v == 0)
			case []string:
				return unset(v, len(v) == 0)
			default:
				return v
			}
		}
	}
	return settings
}

func parseConsent(raw any, _ tenant.Consent, _ bool) (tenant.Consent, error) {
	yes, err := field.ParseBool("allow_local_verify", raw)
	if err != nil || yes {
		return tenant.Yes, err
	}
	return tenant.No, nil
}

func showConsent(c tenant.Consent) any { return unset(c == tenant.Yes, c == tenant.Unsaid) }

// unset shows a limit that is not set as null.
func unset(v any, not bool) any {
	if not {
		return nil
	}
	return v
}

var (
	ownCaps      = capSettings(func(t *tenant.Tenant) *tenant.Caps { return &t.Own })
	providerCaps = capSettings(func(t *tenant.Tenant) *tenant.Caps { return &t.Provider })
)

var tenantAnswer = field.Schemas(providerCaps, schema{
	"display_name":     text("What people call the tenant."),
	"state":            text("active, suspended or deleted."),
	"uid":              text("A random ID; a later tenant of the same name has another one."),
	"created_at":       stamp("When the tenant was opened."),
	"suspended_by":     text("The entity that suspended the tenant."),
	"suspended_at":     stamp("Since when the tenant is suspended."),
	"suspended_reason": text("Why the tenant is suspended."),
	"deleted_at":       stamp("When the tenant was deleted."),
	"restorable_to":    stamp("Until when a deleted tenant can be restored."),
	"effective": table("The limits that hold: the tenant's own if they are tighter, else the provider's for the " +
		"tenant, else the mount's. For published it shows one list, but calls must be within all three."),
	"keys":        number("How many keys the tenant has."),
	"leased_keys": number("How many leased keys the tenant has."),
	"revision":    number("Counts the changes; for cas."),
})

func (h *Handlers) tenantResources() []resource {
	return []resource{{
		scope: tenants, pattern: "", suffix: "settings",
		fields: field.Schemas(ownCaps, casField),
		operations: operations{
			logical.ReadOperation:  {h.tenantRead, "Read the tenant's settings and limits.", tenantAnswer},
			logical.PatchOperation: {h.tenantPatch, "Tighten the tenant's limits.", tenantAnswer},
		},
		synopsis: "A tenant's own settings.",
		description: "Reading shows the tenant's own limits, the limits that hold, and the number of keys. It also " +
			"shows who suspended the tenant, when and why. The tenant may only tighten the provider's limits. Null " +
			"removes an own limit, and the provider's holds again.",
	}}
}

func (h *Handlers) tenantRead(ctx context.Context, r *request) (*logical.Response, error) {
	n, err := h.count(ctx, r, r.tenant)
	if err != nil {
		return nil, err
	}
	return reply(tenantData(r, r.tenant, r.tenant.Own, r.tenant.Caps(r.config), n))
}

func (h *Handlers) tenantPatch(ctx context.Context, r *request) (*logical.Response, error) {
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	//mutate:instead:2 "settings that put off a suspension" TestNobodyPutsOffTheirOwnSuspension
	//mutate:more => h.shares.writes
	place, err := r.enter(ctx, h.shares.own, r.owner())
	if err != nil {
		return nil, err
	}
	defer place.Leave()
	n, err := h.count(ctx, r, r.tenant) // before the change, which must not be answered with an error
	if err != nil {
		return nil, err
	}
	t, err := h.store.UpdateTenant(ctx, r.Storage, r.tenant.Name, func(old *tenant.Tenant) (*tenant.Tenant, error) {
		if old, err = openTenant(old, r.tenant.Name, cas); err != nil {
			return nil, err
		}
		t := *old
		if err := field.Apply(ownCaps, r.Data, r.patches(), &t, &tenant.Tenant{}); err != nil {
			return nil, err
		}
		//mutate:zero:3 "own limits that are looser" TestOwnLimitsOnlyTighten
		return changedTenant(old, &t, t.CheckOwn(old.Own, r.config))
	})
	if err != nil {
		return nil, err
	}
	return reply(tenantData(r, t, t.Own, t.Caps(r.config), n))
}

// changedTenant returns t with the next revision. It returns old if nothing has changed, so that nothing is written.
func changedTenant(old, t *tenant.Tenant, err error) (*tenant.Tenant, error) {
	if err != nil || *t == *old {
		return old, err
	}
	t.Revision++
	return t, nil
}

// keyCounts are how many keys and leased keys a tenant has.
type keyCounts struct{ keys, leased any } // nil: not known

// count counts the keys of a tenant. A tenant that does not exist yet, nil, has none.
func (h *Handlers) count(ctx context.Context, r *request, t *tenant.Tenant) (keyCounts, error) {
	if t == nil {
		return keyCounts{0, 0}, nil
	}
	keys, leased, err := h.store.Counts(ctx, r.Storage, t)
	if err != nil {
		return keyCounts{}, err
	}
	return keyCounts{keys, leased}, nil
}

// tenantData shows a tenant with the limits that the reader may set, which are the tenant's own or the provider's, and
// with the limits that hold.
func tenantData(r *request, t *tenant.Tenant, set, hold tenant.Caps, n keyCounts) map[string]any {
	data := map[string]any{
		"display_name": t.DisplayName, "state": string(t.State()), "uid": t.UID,
		"created_at":   field.RFC3339(t.CreatedAt),
		"suspended_by": t.SuspendedBy, "suspended_at": field.RFC3339(t.SuspendedAt),
		"suspended_reason": t.SuspendedReason,
		"deleted_at":       field.RFC3339(t.DeletedAt), "restorable_to": nil,
		"keys": n.keys, "leased_keys": n.leased, "revision": t.Revision,
	}
	if t.State() == tenant.Deleted {
		data["restorable_to"] = field.RFC3339(t.DeletedAt.Add(r.config.Retention))
	}
	field.Show(data, providerCaps, &tenant.Tenant{Provider: set})
	effective := make(map[string]any)
	hold.LocalVerify = t.Caps(r.config).LocalVerify // all of mount, provider and tenant decide
	field.Show(effective, providerCaps, &tenant.Tenant{Provider: hold})
	data["effective"] = effective
	return data
}

// openTenant returns old if it exists, is not deleted and has the expected revision.
func openTenant(old *tenant.Tenant, name tenant.Name, cas int) (*tenant.Tenant, error) {
	if old == nil || old.State() == tenant.Deleted {
		return nil, store.NoTenant(name)
	}
	return old, checkCAS(cas, old.Revision)
}
