package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/paths/field"
)

const (
	atLeast = time.Second
	year    = 365 * 24 * time.Hour
)

var configSettings = append(append(
	kindSettings("internal", func(c *tenant.Config) *tenant.KindConfig { return &c.Internal }),
	kindSettings("external", func(c *tenant.Config) *tenant.KindConfig { return &c.External })...),
	field.Lines("external_published",
		"Path globs: calls of external keys are limited to them, such as /wfo/**; none: every path.",
		func(c *tenant.Config) *match.Globs { return &c.External.Published }, apikey.ParsePublished),
	field.Bool("allow_no_expiry", "Whether keys may live for ever (ttl=0).",
		func(c *tenant.Config) *bool { return &c.AllowNoExpiry }),
	field.Duration("min_overlap", "The shortest overlap of keys that rotate by schedule. Make it twice as long as the "+
		"rotation of all keys due together; two cores rotate 2000 to 4000 a minute.", atLeast, apikey.MaxOverlap,
		func(c *tenant.Config) *time.Duration { return &c.MinOverlap }),
	field.Duration("static_ttl",
		"The longest time between an app's reads of static-creds; at most half of min_overlap.",
		tenant.LeastReread, 24*time.Hour,
		func(c *tenant.Config) *time.Duration { return &c.StaticTTL }),
	field.Duration("retention",
		"The shortest time for which ended secrets and deleted keys and tenants are kept.", time.Minute, year,
		func(c *tenant.Config) *time.Duration { return &c.Retention }),
	field.Duration("window_past", "How old a call may be.", tenant.MinWindow, tenant.MaxWindow,
		func(c *tenant.Config) *time.Duration { return &c.WindowPast }),
	field.Duration("window_future", "How far ahead a caller's clock may be.", tenant.MinWindow, tenant.MaxWindow,
		func(c *tenant.Config) *time.Duration { return &c.WindowFuture }),
	field.Choice("replay", "memory, or strict: calls stamped before this node started are too old.",
		[]tenant.ReplayMode{tenant.ReplayMemory, tenant.ReplayStrict},
		func(c *tenant.Config) *tenant.ReplayMode { return &c.Replay }),
	field.Int("replay_entries",
		"How many calls are remembered for one tenant. When the table is full, calls are refused.", 1_000, 100_000_000,
		func(c *tenant.Config) *int { return &c.ReplayEntries }),
	field.Int("replay_entries_total",
		"How many calls are remembered for all tenants. One may have as many as are left free.", 1_000, 100_000_000,
		func(c *tenant.Config) *int { return &c.ReplayTotal }),
	field.Int("cache_entries", "How many records are kept decoded in memory.", 100, 10_000_000,
		func(c *tenant.Config) *int { return &c.CacheEntries }),
	field.Text("tenant_metadata", "The metadata key, of entities and groups, that names a caller's tenant.", 128,
		func(c *tenant.Config) *string { return &c.TenantMetadata }),
	field.Lines("tenant_claims", "Each is accessor:key, an auth mount and a metadata key of its aliases, such as a "+
		"claim of a login: it names a caller's tenant too. Everything that names a caller's tenant must agree.",
		func(c *tenant.Config) *tenant.Claims { return &c.TenantClaims }, tenant.ParseClaims),
	field.Choice("tenant_binding",
		"required: callers of a tenant's paths must have its metadata; auto: policies decide about callers that "+
			"have none.",
		[]tenant.Binding{tenant.Required, tenant.Auto},
		func(c *tenant.Config) *tenant.Binding { return &c.TenantBinding }),
	field.Int("max_keys", "How many keys a tenant may have.", 1, 1_000_000,
		func(c *tenant.Config) *int { return &c.MaxKeys }),
	field.Int("max_leased", "How many leased keys of a tenant may live.", 1, 1_000_000,
		func(c *tenant.Config) *int { return &c.MaxLeased }),
	field.Int("max_versions", "How many versions of a key may be live.", 1, mostVersions,
		func(c *tenant.Config) *int { return &c.MaxVersions }),
	field.Duration("max_extension", "How far extend may move the end of a version, once; 0: not at all.", 0, year,
		func(c *tenant.Config) *time.Duration { return &c.MaxExtension }),
	field.Bool("force_wrap", "Whether secrets are handed out only response-wrapped, or sealed to a recipient.",
		func(c *tenant.Config) *bool { return &c.ForceWrap }),
	field.Time("allow_import_until",
		"Until when admin/import is open, such as 2026-01-31T12:00:00Z; null: it is closed.",
		func(c *tenant.Config) *time.Time { return &c.ImportUntil }),
	field.Bool("allow_local_verify", "Whether gateways may fetch keys from keyring/, of tenants that allow it too.",
		func(c *tenant.Config) *bool { return &c.LocalVerify }),
	field.Duration("keyring_max_age", "How long a gateway may use what it has fetched from keyring/, and so how late "+
		"it may notice a revocation.", atLeast, time.Hour,
		func(c *tenant.Config) *time.Duration { return &c.KeyringMaxAge }),
	field.Bool("allow_purge", "Whether tenants may erase deleted keys before the retention has passed, by purge.",
		func(c *tenant.Config) *bool { return &c.AllowPurge }),
	field.Duration("idle_disable_after",
		"Keys that nobody has used for this long are disabled; 0: none are.", 0, field.MaxDuration,
		func(c *tenant.Config) *time.Duration { return &c.IdleAfter }),
)

// mostVersions keeps the record of a key well below the longest that storage takes.
const mostVersions = 20

func kindSettings(kind string, at func(*tenant.Config) *tenant.KindConfig) []field.Setting[tenant.Config] {
	return []field.Setting[tenant.Config]{
		field.Duration(kind+"_default_ttl",
			"The life of a version whose writer gives none; 0: no expiry.", 0, field.MaxDuration,
			func(c *tenant.Config) *time.Duration { return &at(c).DefaultTTL }),
		field.Duration(kind+"_max_ttl", "The longest life of a version.", atLeast, field.MaxDuration,
			func(c *tenant.Config) *time.Duration { return &at(c).MaxTTL }),
		field.Duration(kind+"_default_overlap",
			"How long old versions verify after a rotation, at most a quarter of the life.", 0, apikey.MaxOverlap,
			func(c *tenant.Config) *time.Duration { return &at(c).DefaultOverlap }),
		field.Bool(kind+"_default_auto_rotate", "Whether keys rotate by schedule unless their writer says otherwise.",
			func(c *tenant.Config) *bool { return &at(c).DefaultAutoRotate }),
	}
}

var configAnswer = field.Schemas(configSettings, schema{
	"revision":  number("Counts the changes; for cas."),
	"effective": table("The values that hold where one setting bounds another: static_ttl."),
})

func (h *Handlers) configResources() []resource {
	write := operation{h.configWrite, "Change the mount's settings.", configAnswer}
	return []resource{{
		scope: platform, pattern: "config", suffix: "config",
		fields: field.Schemas(configSettings, casField),
		operations: operations{
			logical.ReadOperation:   {h.configRead, "Read the mount's settings.", configAnswer},
			logical.UpdateOperation: write,
			logical.PatchOperation:  write,
		},
		synopsis: "The mount's defaults for keys, and its caps.",
		description: "Defaults apply to keys made afterwards. Limits and windows hold for tenants for which the " +
			"provider has set none; max_ttl holds for all. A field left out stays as it is; null sets its default.",
	}}
}

func (h *Handlers) configRead(_ context.Context, r *request) (*logical.Response, error) {
	return reply(configData(r.config))
}

func (h *Handlers) configWrite(ctx context.Context, r *request) (*logical.Response, error) {
	cas, err := r.cas()
	if err != nil {
		return nil, err
	}
	c, err := h.store.UpdateConfig(ctx, r.Storage, func(old *tenant.Config) (*tenant.Config, error) {
		if err := checkCAS(cas, old.Revision); err != nil {
			return nil, err
		}
		c := *old
		if err := field.Apply(configSettings, r.Data, r.patches(), &c, tenant.DefaultConfig()); err != nil {
			return nil, err
		}
		if !field.Resets(r.Data["static_ttl"]) {
			if err := c.CheckStaticTTL(); err != nil {
				return nil, err
			}
		}
		if c == *old {
			return old, nil
		}
		c.Revision++
		return &c, c.Check()
	})
	if err != nil {
		return nil, err
	}
	h.store.Resize(c)
	return reply(configData(c))
}

func configData(c *tenant.Config) map[string]any {
	data := map[string]any{
		"revision": c.Revision, "effective": map[string]any{"static_ttl": field.Seconds(c.RereadAfter())},
	}
	field.Show(data, configSettings, c)
	return data
}
