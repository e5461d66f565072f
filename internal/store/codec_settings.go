package store

import (
	"cmp"
	"time"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

type storedKind struct {
	DefaultTTL        int64    `json:"default_ttl"`
	MaxTTL            int64    `json:"max_ttl"`
	DefaultOverlap    int64    `json:"default_overlap"`
	DefaultAutoRotate bool     `json:"default_auto_rotate"`
	Published         []string `json:"published,omitempty"`
}

// storedConfig is the entry config. Durations are in seconds.
type storedConfig struct {
	header
	Revision       int        `json:"revision"`
	Internal       storedKind `json:"internal"`
	External       storedKind `json:"external"`
	AllowNoExpiry  bool       `json:"allow_no_expiry"`
	MinOverlap     int64      `json:"min_overlap"`
	Retention      int64      `json:"retention"`
	WindowPast     int64      `json:"window_past"`
	WindowFuture   int64      `json:"window_future"`
	Replay         string     `json:"replay"`
	ReplayEntries  int        `json:"replay_entries"`
	ReplayTotal    int        `json:"replay_entries_total,omitempty"` // absent in older records: the default
	CacheEntries   int        `json:"cache_entries"`
	TenantMetadata string     `json:"tenant_metadata"`
	TenantClaims   []string   `json:"tenant_claims,omitempty"`
	TenantBinding  string     `json:"tenant_binding"`
	MaxKeys        int        `json:"max_keys"`
	MaxLeased      int        `json:"max_leased"`
	MaxVersions    int        `json:"max_versions"`
	MaxExtension   int64      `json:"max_extension"`
	IdleAfter      int64      `json:"idle_disable_after"`
	ForceWrap      bool       `json:"force_wrap"`
	ImportUntil    time.Time  `json:"allow_import_until,omitzero"`
	LocalVerify    bool       `json:"allow_local_verify,omitempty"`
	KeyringMaxAge  int64      `json:"keyring_max_age,omitempty"` // absent in older records: the default
	StaticTTL      int64      `json:"static_ttl,omitempty"`      // absent in older records: the default
	DenyPurge      bool       `json:"deny_purge,omitempty"`      // absent in older records: purging is allowed
}

func encodeConfig(c *tenant.Config) ([]byte, error) {
	kind := func(k tenant.KindConfig) storedKind {
		return storedKind{
			seconds(k.DefaultTTL),
			seconds(k.MaxTTL),
			seconds(k.DefaultOverlap),
			k.DefaultAutoRotate,
			k.Published.List(),
		}
	}
	return encode(storedConfig{
		header:         header{schema},
		Revision:       c.Revision,
		Internal:       kind(c.Internal),
		External:       kind(c.External),
		AllowNoExpiry:  c.AllowNoExpiry,
		MinOverlap:     seconds(c.MinOverlap),
		Retention:      seconds(c.Retention),
		WindowPast:     seconds(c.WindowPast),
		WindowFuture:   seconds(c.WindowFuture),
		Replay:         string(c.Replay),
		ReplayEntries:  c.ReplayEntries,
		ReplayTotal:    c.ReplayTotal,
		CacheEntries:   c.CacheEntries,
		TenantMetadata: c.TenantMetadata,
		TenantClaims:   c.TenantClaims.List(),
		TenantBinding:  string(c.TenantBinding),
		MaxKeys:        c.MaxKeys,
		MaxLeased:      c.MaxLeased,
		MaxVersions:    c.MaxVersions,
		MaxExtension:   seconds(c.MaxExtension),
		IdleAfter:      seconds(c.IdleAfter),
		ForceWrap:      c.ForceWrap,
		ImportUntil:    c.ImportUntil,
		LocalVerify:    c.LocalVerify,
		KeyringMaxAge:  seconds(c.KeyringMaxAge),
		StaticTTL:      seconds(c.StaticTTL),
		DenyPurge:      !c.AllowPurge,
	})
}

func decodeConfig(at location, raw []byte) (*tenant.Config, error) {
	var s storedConfig
	if err := decode(at.family, raw, &s); err != nil {
		return nil, err
	}
	kind := func(k storedKind) tenant.KindConfig {
		return tenant.KindConfig{
			DefaultTTL: duration(k.DefaultTTL), MaxTTL: duration(k.MaxTTL),
			DefaultOverlap: duration(k.DefaultOverlap), DefaultAutoRotate: k.DefaultAutoRotate,
			Published: match.GlobsOf(k.Published),
		}
	}
	return &tenant.Config{
		Revision:       s.Revision,
		Internal:       kind(s.Internal),
		External:       kind(s.External),
		AllowNoExpiry:  s.AllowNoExpiry,
		MinOverlap:     duration(s.MinOverlap),
		Retention:      duration(s.Retention),
		WindowPast:     duration(s.WindowPast),
		WindowFuture:   duration(s.WindowFuture),
		Replay:         tenant.ReplayMode(s.Replay),
		ReplayEntries:  s.ReplayEntries,
		ReplayTotal:    cmp.Or(s.ReplayTotal, tenant.DefaultConfig().ReplayTotal),
		CacheEntries:   s.CacheEntries,
		TenantMetadata: s.TenantMetadata,
		TenantClaims:   tenant.ClaimsOf(s.TenantClaims),
		TenantBinding:  tenant.Binding(s.TenantBinding),
		MaxKeys:        s.MaxKeys,
		MaxLeased:      s.MaxLeased,
		MaxVersions:    s.MaxVersions,
		MaxExtension:   duration(s.MaxExtension),
		IdleAfter:      duration(s.IdleAfter),
		ForceWrap:      s.ForceWrap,
		ImportUntil:    s.ImportUntil,
		LocalVerify:    s.LocalVerify,
		KeyringMaxAge:  cmp.Or(duration(s.KeyringMaxAge), tenant.DefaultConfig().KeyringMaxAge),
		StaticTTL:      cmp.Or(duration(s.StaticTTL), tenant.DefaultConfig().StaticTTL),
		AllowPurge:     !s.DenyPurge,
	}, nil
}

type storedCaps struct {
	MaxKeys      int      `json:"max_keys,omitempty"`
	MaxLeased    int      `json:"max_leased,omitempty"`
	MaxVersions  int      `json:"max_versions,omitempty"`
	MaxTTL       int64    `json:"max_ttl,omitempty"`
	WindowPast   int64    `json:"window_past,omitempty"`
	WindowFuture int64    `json:"window_future,omitempty"`
	IdleAfter    int64    `json:"idle_disable_after,omitempty"`
	Published    []string `json:"published,omitempty"`
	LocalVerify  int8     `json:"allow_local_verify,omitempty"` // 1 yes, -1 no
}

// storedTenant is a record under tenants/.
type storedTenant struct {
	header
	UID             string     `json:"uid"`
	Revision        int        `json:"revision"`
	DisplayName     string     `json:"display_name,omitempty"`
	Provider        storedCaps `json:"provider,omitzero"`
	Own             storedCaps `json:"own,omitzero"`
	CreatedAt       time.Time  `json:"created_at"`
	SuspendedBy     string     `json:"suspended_by,omitempty"`
	SuspendedByName string     `json:"suspended_by_name,omitempty"`
	SuspendedAt     time.Time  `json:"suspended_at,omitzero"`
	SuspendedReason string     `json:"suspended_reason,omitempty"`
	ResumedAt       time.Time  `json:"resumed_at,omitzero"`
	DeletedAt       time.Time  `json:"deleted_at,omitzero"`
	ErasedSince     time.Time  `json:"erased_since,omitzero"`
}

func encodeTenant(t *tenant.Tenant) ([]byte, error) {
	caps := func(c tenant.Caps) storedCaps {
		return storedCaps{
			c.MaxKeys,
			c.MaxLeased,
			c.MaxVersions,
			seconds(c.MaxTTL),
			seconds(c.WindowPast),
			seconds(c.WindowFuture),
			seconds(c.IdleAfter),
			c.Published.List(),
			int8(c.LocalVerify),
		}
	}
	return encode(storedTenant{
		header:          header{schema},
		UID:             t.UID,
		Revision:        t.Revision,
		DisplayName:     t.DisplayName,
		Provider:        caps(t.Provider),
		Own:             caps(t.Own),
		CreatedAt:       t.CreatedAt,
		SuspendedBy:     t.SuspendedBy,
		SuspendedByName: t.SuspendedByName,
		SuspendedAt:     t.SuspendedAt,
		SuspendedReason: t.SuspendedReason,
		DeletedAt:       t.DeletedAt,
		ResumedAt:       t.ResumedAt,
		ErasedSince:     t.ErasedSince,
	})
}

func decodeTenant(at location, raw []byte) (*tenant.Tenant, error) {
	var s storedTenant
	if err := decode(at.family, raw, &s); err != nil {
		return nil, err
	}
	caps := func(c storedCaps) tenant.Caps {
		return tenant.Caps{
			MaxKeys:      c.MaxKeys,
			MaxLeased:    c.MaxLeased,
			MaxVersions:  c.MaxVersions,
			MaxTTL:       duration(c.MaxTTL),
			WindowPast:   duration(c.WindowPast),
			WindowFuture: duration(c.WindowFuture),
			IdleAfter:    duration(c.IdleAfter),
			Published:    match.GlobsOf(c.Published),
			LocalVerify:  tenant.Consent(c.LocalVerify),
		}
	}
	return &tenant.Tenant{
		Name:            at.tenant,
		UID:             s.UID,
		Revision:        s.Revision,
		DisplayName:     s.DisplayName,
		Provider:        caps(s.Provider),
		Own:             caps(s.Own),
		CreatedAt:       s.CreatedAt,
		SuspendedBy:     s.SuspendedBy,
		SuspendedByName: s.SuspendedByName,
		SuspendedAt:     s.SuspendedAt,
		SuspendedReason: s.SuspendedReason,
		DeletedAt:       s.DeletedAt,
		ResumedAt:       s.ResumedAt,
		ErasedSince:     s.ErasedSince,
	}, nil
}
