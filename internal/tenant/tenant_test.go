package tenant

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

var start = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

func TestNew(t *testing.T) {
	a, b := New("acme", start), New("acme", start)
	if a.UID == b.UID || len(a.UID) < 26 {
		t.Errorf("UIDs %q and %q", a.UID, b.UID)
	}
	if want := (&Tenant{Name: "acme", UID: a.UID, CreatedAt: start}); !cmp.Equal(a, want) {
		t.Error(cmp.Diff(want, a))
	}
}

func TestState(t *testing.T) {
	for _, row := range []struct {
		name               string
		suspended, deleted bool
		want               State
	}{
		{"new", false, false, Active},
		{"suspended", true, false, Suspended},
		{"deleted", false, true, Deleted},
		{"deleted outranks suspended", true, true, Deleted},
	} {
		tn := &Tenant{}
		if row.suspended {
			tn.SuspendedAt = start
		}
		if row.deleted {
			tn.DeletedAt = start
		}
		if got := tn.State(); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// caps are those that differ in every field, so that none can stand for another.
func caps(n int) Caps {
	d := time.Duration(n)
	return Caps{
		MaxKeys:      300 + n,
		MaxLeased:    10_000 + n,
		MaxVersions:  5 + n,
		MaxTTL:       365*day + d*day,
		WindowPast:   (300 + d) * time.Second,
		WindowFuture: (60 + d) * time.Second,
	}
}

// capped is what holds of caps: the mount's longest life is nobody's to loosen.
func capped(n int) Caps {
	c := caps(n)
	c.MaxTTL = min(c.MaxTTL, 365*day)
	return c
}

func TestCapsAreTheTighter(t *testing.T) {
	for _, row := range []struct {
		name          string
		provider, own Caps
		want          Caps // of the tenant
		looks         Caps // to the provider
	}{
		{"none set: the mount's", Caps{}, Caps{}, caps(0), caps(0)},
		{"the provider may loosen the mount's, but for the longest life", caps(9), Caps{}, capped(9), capped(9)},
		{"the provider may tighten the mount's", caps(-3), Caps{}, caps(-3), caps(-3)},
		{"the tenant tightens the mount's", Caps{}, caps(-2), caps(-2), caps(0)},
		{"the tenant tightens the provider's", caps(9), caps(2), capped(2), capped(9)},
		{"the tenant's are equal", caps(2), caps(2), capped(2), capped(2)},
		{"the provider has tightened below the tenant's since", caps(-3), caps(-2), caps(-3), caps(-3)},
		{"the mount has tightened below the tenant's since", Caps{}, caps(4), caps(0), caps(0)},
	} {
		t.Run(row.name, func(t *testing.T) {
			tn := &Tenant{Provider: row.provider, Own: row.own}
			row.want.LocalVerify = No // since the mount has it off
			if diff := cmp.Diff(row.want, tn.Caps(DefaultConfig())); diff != "" {
				t.Errorf("the tenant's (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.looks, tn.ProviderCaps(DefaultConfig())); diff != "" {
				t.Errorf("the provider's (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMaxTTLOfTheMountIsTheLongerKinds(t *testing.T) {
	c := DefaultConfig()
	for _, kinds := range [][2]time.Duration{{10 * day, 20 * day}, {20 * day, 10 * day}} {
		c.Internal.MaxTTL, c.External.MaxTTL = kinds[0], kinds[1]
		if got := (&Tenant{}).Caps(c).MaxTTL; got != 20*day {
			t.Errorf("%v: %s", kinds, got)
		}
	}
}

func TestCheckOwn(t *testing.T) {
	fields := []struct {
		name string
		set  func(c *Caps, from Caps)
	}{
		{"max_keys", func(c *Caps, from Caps) { c.MaxKeys = from.MaxKeys }},
		{"max_leased", func(c *Caps, from Caps) { c.MaxLeased = from.MaxLeased }},
		{"max_versions", func(c *Caps, from Caps) { c.MaxVersions = from.MaxVersions }},
		{"max_ttl", func(c *Caps, from Caps) { c.MaxTTL = from.MaxTTL }},
		{"window_past", func(c *Caps, from Caps) { c.WindowPast = from.WindowPast }},
		{"window_future", func(c *Caps, from Caps) { c.WindowFuture = from.WindowFuture }},
	}
	for _, provider := range []int{0, 9, -3} { // the mount's, looser, tighter
		for _, f := range fields {
			holds := provider
			if f.name == "max_ttl" {
				holds = min(provider, 0) // the mount's longest life is nobody's to loosen
			}
			for own, taken := range map[int]bool{holds - 1: true, holds: true, holds + 1: false} {
				tn := &Tenant{}
				if provider != 0 {
					tn.Provider = caps(provider)
				}
				f.set(&tn.Own, caps(own))
				err := tn.CheckOwn(Caps{}, DefaultConfig())
				if taken && err != nil {
					t.Errorf("%s %+d under the provider's %+d: %v", f.name, own, provider, err)
				}
				if !taken && (!errors.Is(err, refusal.Invalid) || !strings.HasPrefix(err.Error(), f.name+":")) {
					t.Errorf("%s %+d over the provider's %+d: %v", f.name, own, provider, err)
				}
			}
		}
	}
	if err := (&Tenant{}).CheckOwn(Caps{}, DefaultConfig()); err != nil {
		t.Errorf("nothing set: %v", err)
	}
}

// Lowering the provider's limit must not stop a tenant from changing something else.
func TestOwnLimitThatTheProviderHasUndercutMayStay(t *testing.T) {
	tn := &Tenant{Provider: caps(-3), Own: caps(2)}
	if err := tn.CheckOwn(caps(2), DefaultConfig()); err != nil {
		t.Errorf("as it was: %v", err)
	}
	tn.Own.MaxKeys--
	if err := tn.CheckOwn(caps(2), DefaultConfig()); !errors.Is(err, refusal.Invalid) ||
		!strings.HasPrefix(err.Error(), "max_keys:") {
		t.Errorf("changed, and still over: %v", err)
	}
	tn.Own = caps(-3)
	if err := tn.CheckOwn(caps(2), DefaultConfig()); err != nil {
		t.Errorf("changed to what is allowed: %v", err)
	}
}

func TestLocalVerify(t *testing.T) {
	for _, row := range []struct {
		mount         bool
		provider, own Consent
		want          Consent
		refused       bool // the tenant may not say so
	}{
		{false, Unsaid, Unsaid, No, false},
		{false, Yes, Yes, No, false},
		{true, Unsaid, Unsaid, No, false},
		{true, Yes, Unsaid, Yes, false},
		{true, Unsaid, Yes, Yes, false},
		{true, Yes, Yes, Yes, false},
		{true, Yes, No, No, false},
		{true, Unsaid, No, No, false},
		{true, No, Unsaid, No, false},
		{true, No, Yes, No, true},
		{true, No, No, No, false},
	} {
		c := DefaultConfig()
		c.LocalVerify = row.mount
		tn := &Tenant{Provider: Caps{LocalVerify: row.provider}, Own: Caps{LocalVerify: row.own}}
		if got := tn.Caps(c).LocalVerify; got != row.want {
			t.Errorf("mount %v, provider %d, tenant %d: %d, want %d", row.mount, row.provider, row.own, got, row.want)
		}
		if err := tn.CheckOwn(Caps{}, c); (err != nil) != row.refused ||
			err != nil && !errors.Is(err, refusal.Invalid) {
			t.Errorf("mount %v, provider %d, tenant %d: %v", row.mount, row.provider, row.own, err)
		}
		if err := tn.CheckOwn(tn.Own, c); err != nil {
			t.Errorf("what the provider has said since stands in the way: %v", err)
		}
	}
}
