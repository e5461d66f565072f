package tenant

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

func TestDefaultConfig(t *testing.T) {
	c := DefaultConfig()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	want := KindConfig{DefaultTTL: 90 * day, MaxTTL: 365 * day, DefaultOverlap: 7 * day}
	if c.Internal != want || c.External != want {
		t.Errorf("kinds: %+v, %+v", c.Internal, c.External)
	}
	if c.AllowNoExpiry || c.MinOverlap != 10*time.Minute || c.Retention != 7*day {
		t.Errorf("lives: %+v", c)
	}
	if c.WindowPast != 300*time.Second || c.WindowFuture != 60*time.Second || c.Replay != ReplayMemory {
		t.Errorf("calls: %+v", c)
	}
	if c.MaxKeys != 300 || c.MaxLeased != 10_000 || c.MaxVersions != 5 {
		t.Errorf("limits: %+v", c)
	}
	if c.TenantMetadata != "tenant" || c.TenantBinding != Required {
		t.Errorf("identity: %+v", c)
	}
	if c == DefaultConfig() {
		t.Error("two callers share one config")
	}
}

func TestCheck(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Config)
		refuse string // how the refusal begins; "": it is taken
	}{
		{"as it comes", func(*Config) {}, ""},
		{"no metadata to look for", func(c *Config) { c.TenantMetadata = "" }, "tenant_metadata:"},
		{"a default at its cap", func(c *Config) { c.External.DefaultTTL = c.External.MaxTTL }, ""},
		{
			"a default over its cap", func(c *Config) { c.External.DefaultTTL = c.External.MaxTTL + time.Second },
			"external_default_ttl:",
		},
		{
			"the other kind's cap does not help",
			func(c *Config) { c.Internal.MaxTTL = 10 * day; c.External.MaxTTL = 900 * day }, "internal_default_ttl:",
		},
		{"no expiry by default, not allowed", func(c *Config) { c.Internal.DefaultTTL = 0 }, "internal_default_ttl:"},
		{"no expiry by default, allowed", func(c *Config) { c.Internal.DefaultTTL, c.AllowNoExpiry = 0, true }, ""},
		{"a cap of nothing", func(c *Config) { c.External.MaxTTL = 0 }, "external_max_ttl:"},
		{"a cap under a second", func(c *Config) { c.Internal.MaxTTL = time.Second - 1 }, "internal_max_ttl:"},
		{
			"a cap of a second",
			func(c *Config) { c.Internal.MaxTTL, c.Internal.DefaultTTL = time.Second, time.Second }, "",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := DefaultConfig()
			row.change(c)
			err := c.Check()
			if row.refuse == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, refusal.Invalid) || !strings.HasPrefix(err.Error(), row.refuse) {
				t.Errorf("%v, want a refusal of %s", err, row.refuse)
			}
		})
	}
}

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Second: "10s", 90 * time.Second: "1m30s", time.Minute: "1m", 10 * time.Minute: "10m",
		time.Hour: "1h", 90 * time.Minute: "1h30m", time.Hour + 10*time.Second: "1h0m10s", 10 * time.Hour: "10h", day: "24h", 36 * time.Hour: "36h",
		2 * day: "2d", 90 * day: "90d", 90*day + time.Hour: "2161h", 365 * day: "365d",
	} {
		if got := Spell(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
