package tenant

import (
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// Binding says what a caller without a tenant may do on tenants' paths.
type Binding string

// The bindings of config tenant_binding.
const (
	Required Binding = "required" // a caller needs a tenant in its identity
	Auto     Binding = "auto"     // for callers without a tenant, policies decide
)

// ReplayMode says what happens to calls that a node may have seen before it restarted.
type ReplayMode string

// The modes of config replay.
const (
	ReplayMemory ReplayMode = "memory" // calls seen before a start are forgotten
	ReplayStrict ReplayMode = "strict" // calls stamped before a start are too old
)

// Bounds of the clock window, in either direction.
const (
	MinWindow = 5 * time.Second
	MaxWindow = 900 * time.Second
)

// KindConfig holds the defaults and the cap for one kind of key.
type KindConfig struct {
	DefaultTTL        time.Duration
	MaxTTL            time.Duration
	DefaultOverlap    time.Duration
	DefaultAutoRotate bool
	Published         match.Globs // path globs that calls must match; none: every path; only for external keys
}

// Config is the settings of a mount: defaults for each kind of key, and caps for all keys.
type Config struct {
	Internal, External KindConfig

	AllowNoExpiry  bool
	MinOverlap     time.Duration
	StaticTTL      time.Duration // how soon apps read a secret again: see [Config.RereadAfter]
	Retention      time.Duration // how long an ended secret and a deleted name are kept
	WindowPast     time.Duration
	WindowFuture   time.Duration
	Replay         ReplayMode
	ReplayEntries  int // calls remembered for one tenant
	ReplayTotal    int // calls remembered for all tenants
	CacheEntries   int // decoded records in memory
	TenantMetadata string
	TenantClaims   Claims // metadata of aliases that names tenants too
	TenantBinding  Binding
	MaxKeys        int
	MaxLeased      int
	MaxVersions    int
	MaxExtension   time.Duration // by how much a version's end may be moved later, once
	IdleAfter      time.Duration // keys unused for so long are disabled; 0: no limit
	ForceWrap      bool          // secrets are handed out only response-wrapped or sealed
	AllowPurge     bool          // tenants may erase deleted keys before their retention has passed
	ImportUntil    time.Time     // the provider may import keys until then; zero: never
	LocalVerify    bool          // gateways may fetch the keys of tenants that allow it too, and verify locally
	KeyringMaxAge  time.Duration // how long such a gateway may use what it fetched
	Revision       int
}

const day = 24 * time.Hour

// DefaultConfig returns the settings of a new mount: keys live 90 days, at most a year, with a week of overlap
// (PCI DSS 8.3.9, 8.6.3).
func DefaultConfig() *Config {
	kind := KindConfig{DefaultTTL: 90 * day, MaxTTL: 365 * day, DefaultOverlap: 7 * day}
	return &Config{
		Internal: kind, External: kind,
		MinOverlap: 10 * time.Minute, StaticTTL: 5 * time.Minute, Retention: 7 * day,
		WindowPast: 300 * time.Second, WindowFuture: 60 * time.Second,
		Replay: ReplayMemory, ReplayEntries: 1_000_000, ReplayTotal: 4_000_000, CacheEntries: 100_000,
		TenantMetadata: "tenant", TenantBinding: Required,
		MaxKeys: 300, MaxLeased: 10_000, MaxVersions: 5, MaxExtension: 7 * day,
		KeyringMaxAge: time.Minute, AllowPurge: true,
	}
}

// Spell writes a duration in the form that people use: 90d, 36h, 1h30m, 10s.
func Spell(d time.Duration) string {
	if d >= 2*day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// LeastReread is the shortest time after which apps are told to read a secret again. Vault's own agents fail at
// 2 s and less.
const LeastReread = 5 * time.Second

// RereadAfter returns how soon apps are told to read a secret again: at most half of the shortest overlap, so
// that the other half is left for reading.
func (c *Config) RereadAfter() time.Duration {
	return max(LeastReread, min(c.StaticTTL, c.MinOverlap/2)).Truncate(time.Second)
}

// CheckStaticTTL refuses a static_ttl over half of min_overlap.
func (c *Config) CheckStaticTTL() error {
	if most := max(LeastReread, c.MinOverlap/2); c.StaticTTL > most {
		return refusal.Errorf(
			refusal.Invalid,
			"static_ttl: %s is over half of min_overlap, %s; raise min_overlap or give at most that",
			Spell(c.StaticTTL),
			Spell(most),
		)
	}
	return nil
}

// Check refuses settings that contradict each other, and names the first.
func (c *Config) Check() error {
	if c.TenantMetadata == "" {
		return refusal.Errorf(refusal.Invalid, "tenant_metadata: must name the metadata that holds a caller's tenant")
	}
	for _, k := range []struct {
		name string
		kind KindConfig
	}{{"internal", c.Internal}, {"external", c.External}} {
		switch {
		case k.kind.MaxTTL < time.Second:
			return refusal.Errorf(refusal.Invalid, "%s_max_ttl: must be at least one second", k.name)
		case k.kind.DefaultTTL == 0 && !c.AllowNoExpiry:
			return refusal.Errorf(refusal.Invalid, "%s_default_ttl: 0 (no expiry) needs allow_no_expiry", k.name)
		case k.kind.DefaultTTL > k.kind.MaxTTL:
			return refusal.Errorf(refusal.Invalid, "%s_default_ttl: is over %[1]s_max_ttl", k.name)
		}
	}
	return nil
}
