package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

func TestDefaultSettings(t *testing.T) {
	c := tenant.DefaultConfig()
	c.Internal.DefaultTTL, c.Internal.DefaultAutoRotate = 30*day, true
	for _, row := range []struct {
		kind Kind
		ttl  time.Duration
		auto bool
		lap  time.Duration
	}{
		{External, 90 * day, false, 7 * day},
		{Internal, 30 * day, true, 7 * day},
	} {
		s := DefaultSettings(row.kind, c)
		if s.TTL != row.ttl || s.AutoRotate != row.auto || s.Reveal != RevealOnce || !s.Replay ||
			s.Scheme != DefaultScheme ||
			s.DeletionProtected {
			t.Errorf("%s: %+v", row.kind, s)
		}
		resolved, err := s.Resolve(row.kind, c, acme())
		if err != nil || resolved.Overlap != row.lap {
			t.Errorf("%s: overlap %s, %v", row.kind, resolved.Overlap, err)
		}
	}
}

// The overlap nobody gave is the lesser of 7 days and a quarter of the ttl.
func TestDefaultOverlap(t *testing.T) {
	for _, row := range []struct {
		name string
		ttl  time.Duration
		auto bool
		most time.Duration // the kind's default_overlap
		want time.Duration
	}{
		{"a long life", 90 * day, false, 7 * day, 7 * day},
		{"just at the crossing", 28 * day, false, 7 * day, 7 * day},
		{"below the crossing", 27 * day, false, 7 * day, 27 * day / 4},
		{"a day", day, false, 7 * day, 6 * time.Hour},
		{"an odd life: whole seconds", 7 * time.Second, false, 7 * day, time.Second},
		{"a second: no overlap", time.Second, false, 7 * day, 0},
		{"no expiry", 0, false, 7 * day, 7 * day},
		{"the mount's default is shorter", 90 * day, false, day, day},
		{"the mount's default is none", 90 * day, false, 0, 0},
		{"by schedule", 90 * day, true, 7 * day, 7 * day},
		{"by schedule, a short life: min_overlap", 30 * time.Minute, true, 7 * day, 10 * time.Minute},
		{"by schedule, the mount's default is none: min_overlap", 90 * day, true, 0, 10 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := tenant.DefaultConfig()
			c.External.DefaultOverlap, c.AllowNoExpiry = row.most, true
			s, err := settings(
				living(row.ttl),
				overlapFrom(row.most),
				func(s *Settings) { s.AutoRotate = row.auto },
			).Resolve(External, c, acme())
			if err != nil || s.Overlap != row.want {
				t.Errorf("%s, %v; want %s", s.Overlap, err, row.want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	const taken = ""
	for _, row := range []struct {
		name   string
		s      Settings
		refuse string
	}{
		{"as it comes", settings(), taken},
		{"by schedule", settings(rotating), taken},
		{"a year", settings(living(365 * day)), taken},
		{"over a year", settings(living(365*day + time.Second)), "ttl:"},
		{"no expiry", settings(living(0)), "ttl:"},
		{"no overlap", settings(overlap(0)), taken},
		{"half of the ttl", settings(living(10*day), overlap(5*day)), taken},
		{"over half of the ttl", settings(living(10*day), overlap(5*day+time.Second)), "overlap:"},
		{"720h", settings(overlap(720 * time.Hour)), taken},
		{"over 720h", settings(overlap(720*time.Hour + time.Second)), "overlap:"},
		{"by schedule, half of the ttl", settings(rotating, living(10*day), overlap(5*day)), taken},
		{
			"by schedule, over half of the ttl", settings(rotating, living(10*day), overlap(5*day+time.Second)),
			"overlap:",
		},
		{"by schedule, over 720h", settings(rotating, overlap(720*time.Hour+time.Second)), "overlap:"},
		{"by schedule, min_overlap", settings(rotating, overlap(10*time.Minute)), taken},
		{"by schedule, under min_overlap", settings(rotating, overlap(10*time.Minute-time.Second)), "overlap:"},
		{"by hand, under min_overlap", settings(overlap(time.Second)), taken},
		{"by schedule, no overlap", settings(rotating, overlap(0)), "overlap:"},
		{"by schedule, the shortest life", settings(rotating, living(20*time.Minute), overlapFrom(7*day)), taken},
		{
			"by schedule, too short for min_overlap",
			settings(rotating, living(20*time.Minute-time.Second), overlapFrom(7*day)), "ttl:",
		},
		{"rfc9421", settings(func(s *Settings) { s.Scheme = signing.RFC9421 }), taken},
		{
			"a variant of another scheme",
			settings(func(s *Settings) { s.Scheme, s.Rules = signing.Vrnt1, lenient("no_nonce") }), "compat:",
		},
		{
			"variants that contradict",
			settings(func(s *Settings) { s.Scheme, s.Rules = signing.Vrnt1, lenient("path_query\npath_decoded") }),
			"compat:",
		},
		{
			"variants of messages",
			settings(func(s *Settings) { s.Scheme, s.Rules = signing.HMACSHA256, lenient("no_nonce") }), "compat:",
		},
		{"vrnt-1", settings(func(s *Settings) { s.Scheme = signing.Vrnt1 }), taken},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := row.s.Resolve(External, tenant.DefaultConfig(), acme())
			if row.refuse != taken {
				refusedAs(t, err, refusal.Invalid, row.refuse)
				return
			}
			if err != nil || s.TTL != row.s.TTL || row.s.OverlapFrom < 0 && s.Overlap != row.s.Overlap {
				t.Errorf("%s with %s of overlap, %v", s.TTL, s.Overlap, err)
			}
		})
	}
}

func TestNoExpiryNeedsLeaveOfMountAndTenant(t *testing.T) {
	for _, row := range []struct {
		name   string
		allow  bool
		caps   func(*tenant.Tenant)
		refuse bool
	}{
		{"the mount forbids", false, func(*tenant.Tenant) {}, true},
		{"the mount allows", true, func(*tenant.Tenant) {}, false},
		{"the provider caps the tenant", true, func(t *tenant.Tenant) { t.Provider.MaxTTL = 30 * day }, true},
		{"the tenant caps itself", true, func(t *tenant.Tenant) { t.Own.MaxTTL = 30 * day }, true},
		{"a cap between the kinds' caps", true, func(t *tenant.Tenant) { t.Own.MaxTTL = 200 * day }, true},
		{"a cap of another thing", true, func(t *tenant.Tenant) { t.Own.MaxKeys = 3 }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, tn := tenant.DefaultConfig(), acme()
			c.AllowNoExpiry, c.Internal.MaxTTL = row.allow, 100*day
			row.caps(tn)
			_, err := settings(living(0)).Resolve(External, c, tn)
			if row.refuse {
				refusedAs(t, err, refusal.Invalid, "ttl:")
			} else if err != nil {
				t.Error(err)
			}
			if _, err := settings(living(0), rotating).Resolve(External, c, tn); err == nil {
				t.Error("a key without expiry cannot rotate by schedule")
			}
		})
	}
}

// Each cap is named when it is the one that counts.
func TestCapsOfLife(t *testing.T) {
	for _, row := range []struct {
		name             string
		config, prov, by time.Duration // 0: not set
		most             time.Duration
		whose            string
	}{
		{"the mount's for the kind", 100 * day, 0, 0, 100 * day, "config external_max_ttl"},
		{"the provider's for the tenant", 100 * day, 50 * day, 0, 50 * day, "the tenant's max_ttl"},
		{"the tenant's own", 100 * day, 50 * day, 20 * day, 20 * day, "the tenant's max_ttl"},
		{
			"the provider lets the tenant have more than the kind", 100 * day, 300 * day, 0, 100 * day,
			"config external_max_ttl",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, tn := tenant.DefaultConfig(), acme()
			c.External.MaxTTL, tn.Provider.MaxTTL, tn.Own.MaxTTL = row.config, row.prov, row.by
			if most, by := maxTTL(External, c, tn); most != row.most || by != row.whose {
				t.Errorf("%s by %s, want %s by %s", most, by, row.most, row.whose)
			}
			if _, err := settings(living(row.most)).Resolve(External, c, tn); err != nil {
				t.Errorf("at the cap: %v", err)
			}
			_, err := settings(living(row.most+time.Second)).Resolve(External, c, tn)
			refusedAs(t, err, refusal.Invalid, "ttl:")
		})
	}
}

// A cap that has come down since cuts the next version's life; it never stops a rotation.
func TestLifeOfTheNextVersion(t *testing.T) {
	for _, row := range []struct {
		name   string
		ttl    time.Duration
		change func(*tenant.Config, *tenant.Tenant)
		want   time.Duration
		cutBy  string
	}{
		{"its ttl", 90 * day, func(*tenant.Config, *tenant.Tenant) {}, 90 * day, ""},
		{
			"at the cap", 90 * day, func(c *tenant.Config, _ *tenant.Tenant) { c.External.MaxTTL = 90 * day }, 90 * day,
			"",
		},
		{
			"the mount's cap came down", 90 * day,
			func(c *tenant.Config, _ *tenant.Tenant) { c.External.MaxTTL = 10 * day }, 10 * day,
			"config external_max_ttl",
		},
		{
			"the tenant's came down", 90 * day, func(_ *tenant.Config, t *tenant.Tenant) { t.Own.MaxTTL = 10 * day },
			10 * day, "the tenant's max_ttl",
		},
		{"no expiry, still allowed", 0, func(c *tenant.Config, _ *tenant.Tenant) { c.AllowNoExpiry = true }, 0, ""},
		{
			"no expiry, not allowed any more", 0, func(*tenant.Config, *tenant.Tenant) {}, 365 * day,
			"config external_max_ttl",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, tn := tenant.DefaultConfig(), acme()
			row.change(c, tn)
			if life, by := newKey(living(row.ttl)).Life(c, tn); life != row.want || by != row.cutBy {
				t.Errorf("%s cut by %q, want %s cut by %q", life, by, row.want, row.cutBy)
			}
		})
	}
}

// An overlap that nobody has given follows the life, whichever way that changes, and one that was
// given stays.
func TestOverlapsFollowTheLife(t *testing.T) {
	c := tenant.DefaultConfig()
	s := settings(living(30*time.Minute), overlapFrom(7*day))
	for _, row := range []struct{ ttl, want time.Duration }{
		{30 * time.Minute, 450 * time.Second},
		{5 * time.Minute, 75 * time.Second},
		{90 * day, 7 * day},
		{8 * day, 2 * day},
	} {
		s.TTL = row.ttl
		resolved, err := s.Resolve(External, c, acme())
		if s = resolved; err != nil || s.Overlap != row.want || s.OverlapFrom != 7*day {
			t.Errorf("ttl %s: overlap %s from %s, %v; want %s", row.ttl, s.Overlap, s.OverlapFrom, err, row.want)
		}
	}
	given, err := settings(living(10*day), overlap(day)).Resolve(External, c, acme())
	if err != nil || given.Overlap != day {
		t.Errorf("given: %s, %v", given.Overlap, err)
	}
}

// Settings of before it was kept: an overlap that is today's default, or a quarter of the life,
// was given by nobody.
func TestOverlapsOfBefore(t *testing.T) {
	c := tenant.DefaultConfig()
	for _, row := range []struct{ ttl, overlap, want time.Duration }{
		{90 * day, 7 * day, 7 * day},
		{10 * day, 60 * time.Hour, 7 * day},
		{7 * time.Second, time.Second, 7 * day},
		{10 * day, day, OverlapGiven},
		{90 * day, 0, OverlapGiven},
	} {
		if got := settings(living(row.ttl), overlap(row.overlap), overlapFrom(OverlapUnknown)).Known(External, c).
			OverlapFrom; got != row.want {
			t.Errorf("%s of %s: %d, want %d", row.overlap, row.ttl, got, row.want)
		}
	}
	for _, from := range []time.Duration{OverlapGiven, 0, day} {
		if got := settings(overlapFrom(from)).Known(External, c).OverlapFrom; got != from {
			t.Errorf("%d becomes %d", from, got)
		}
	}
}
