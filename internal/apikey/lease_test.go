package apikey

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

func TestIssue(t *testing.T) {
	r := role()
	r.Epoch = 3
	k := r.Issue(id(1), Span{TTL: 20 * time.Minute, Max: time.Hour}, app, start.Add(time.Millisecond))
	v := k.Newest()
	if k.Ref != (Ref{"acme", Internal, "agent"}) || k.UID != r.UID || len(k.Versions) != 1 {
		t.Errorf("%+v of %s with %d versions", k.Ref, k.UID, len(k.Versions))
	}
	if diff := cmp.Diff(&Lease{Epoch: 3}, k.Lease); diff != "" {
		t.Errorf("lease (-want +got):\n%s", diff)
	}
	if v.IssuedAt != start || v.ExpiresAt != at(20*time.Minute) || v.Number != 1 {
		t.Errorf("lives from %s to %s", v.IssuedAt, v.ExpiresAt)
	}
	want := Settings{
		OverlapFrom: OverlapUnknown,
		Scheme:      r.Scheme,
		TTL:         20 * time.Minute,
		Reveal:      RevealNever,
		Replay:      true,
		Metadata:    r.Metadata,
	}
	if diff := cmp.Diff(want, k.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if k.Unrevealed(start) || v.RevealedTo.Get() != app.as("") {
		t.Errorf("revealed %s to %+v", v.RevealedAt, v.RevealedTo.Get())
	}
	if !k.NextRotation().IsZero() || !k.DueAt(keep).IsZero() {
		t.Error("the schedule would touch a leased key")
	}
}

// Whichever cap cuts is named.
func TestSpan(t *testing.T) {
	for _, row := range []struct {
		name                       string
		ttl, max, kind, own, mount time.Duration
		want                       Span
	}{
		{
			"the role's own", time.Hour, 24 * time.Hour, day * 30, 0, day * 32,
			Span{time.Hour, 24 * time.Hour, "the role's max_ttl"},
		},
		{
			"the kind's cap", time.Hour, 24 * time.Hour, 12 * time.Hour, 0, day * 32,
			Span{time.Hour, 12 * time.Hour, "config internal_max_ttl"},
		},
		{
			"the tenant's cap", time.Hour, 24 * time.Hour, 12 * time.Hour, 6 * time.Hour, day * 32,
			Span{time.Hour, 6 * time.Hour, "the tenant's max_ttl"},
		},
		{
			"the mount's longest lease", time.Hour, 24 * time.Hour, 12 * time.Hour, 6 * time.Hour, 3 * time.Hour,
			Span{time.Hour, 3 * time.Hour, "the mount's max_lease_ttl"},
		},
		{
			"the first life is cut too", time.Hour, 24 * time.Hour, day * 30, 0, time.Minute,
			Span{time.Minute, time.Minute, "the mount's max_lease_ttl"},
		},
		{
			"all equal: the role's", time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour,
			Span{time.Hour, 24 * time.Hour, "the role's max_ttl"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, tn, r := tenant.DefaultConfig(), acme(), role()
			c.Internal.MaxTTL, tn.Own.MaxTTL, r.TTL, r.MaxTTL = row.kind, row.own, row.ttl, row.max
			if diff := cmp.Diff(row.want, r.Span(c, tn, row.mount)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenew(t *testing.T) {
	for _, row := range []struct {
		name      string
		now       time.Duration
		increment time.Duration
		want      time.Duration // expiry, from the start
		cut       bool
	}{
		{"the role's ttl", 30 * time.Minute, 0, 90 * time.Minute, false},
		{"an increment", 30 * time.Minute, 2 * time.Hour, 150 * time.Minute, false},
		{"a shorter life", 30 * time.Minute, time.Minute, 31 * time.Minute, false},
		{"a negative increment asks for nothing", 30 * time.Minute, -time.Hour, 90 * time.Minute, false},
		{"up to the last moment", 30 * time.Minute, 23*time.Hour + 30*time.Minute, 24 * time.Hour, false},
		{"over it", 30 * time.Minute, 23*time.Hour + 30*time.Minute + time.Second, 24 * time.Hour, true},
		{"far over it", 30 * time.Minute, 1000 * day, 24 * time.Hour, true},
		{"whole seconds", 30*time.Minute + time.Millisecond, 0, 90 * time.Minute, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			k, cut, err := leased().Renew(role(), acme(), span(), row.increment, at(row.now))
			if err != nil {
				t.Fatal(err)
			}
			if got := k.Newest().ExpiresAt; got != at(row.want) || cut != row.cut || k.Revision != 2 {
				t.Errorf("expires %s, cut %t, revision %d; want %s", got, cut, k.Revision, at(row.want))
			}
		})
	}
}

// Renewals in a row never pass the span, counted from the issue.
func TestRenewalsEnd(t *testing.T) {
	k, now := leased(), start
	for n := 0; ; n++ {
		renewed, _, err := k.Renew(role(), acme(), span(), 0, now)
		if err != nil {
			t.Fatalf("renewal %d: %v", n, err)
		}
		k = renewed
		end := k.Newest().ExpiresAt
		if end.After(at(24 * time.Hour)) {
			t.Fatalf("renewal %d: to %s", n, end)
		}
		if now = end.Add(-time.Second); end.Equal(at(24 * time.Hour)) {
			break
		}
	}
	_, _, err := k.Renew(role(), acme(), Span{TTL: time.Hour, Max: 12 * time.Hour, By: "the tenant's max_ttl"}, 0, now)
	refusedAs(t, err, refusal.Invalid, "expired:") // a cap has come down meanwhile
}

func TestRenewIsRefused(t *testing.T) {
	deletedRole, revokedRole := role(), role()
	deletedRole.DeletedAt = start
	revokedRole.Epoch = 1
	deletedTenant := acme()
	deletedTenant.DeletedAt = start
	for _, row := range []struct {
		name   string
		k      *Key
		role   *Role
		tenant *tenant.Tenant
		now    time.Duration
		what   string
	}{
		{"disabled", must(leased().Disable("", "", admin, start)), role(), acme(), 0, "disabled:"},
		{"revoked", must(leased().Revoke("", "", admin, start)), role(), acme(), 0, "revoked:"},
		{"its version revoked", must(leased().Revoke(id(1), "", admin, start)), role(), acme(), 0, "revoked:"},
		{"ended", leased().End(start), role(), acme(), 0, "revoked:"},
		{"expired", leased(), role(), acme(), time.Hour, "expired:"},
		{"the role is gone", leased(), nil, acme(), 0, "role:"},
		{"the role is deleted", leased(), deletedRole, acme(), 0, "role:"},
		{"the role has revoked what it issued before", leased(), revokedRole, acme(), 0, "revoked:"},
		{"the tenant is suspended", leased(), role(), suspended(), 0, "tenant_suspended:"},
		{"the tenant is deleted", leased(), role(), deletedTenant, 0, "tenant_suspended:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			k, _, err := row.k.Renew(row.role, row.tenant, span(), 0, at(row.now))
			refusedAs(t, err, refusal.Invalid, row.what)
			if k != nil {
				t.Error("a refusal and a key")
			}
		})
	}
}

func TestEnd(t *testing.T) {
	for _, row := range []struct {
		name  string
		k     *Key
		now   time.Duration
		state State
	}{
		{"before its time: revoked", leased(), 30 * time.Minute, Revoked},
		{"a moment before: revoked", leased(), time.Hour - 1, Revoked},
		{"when its time runs out: expired", leased(), time.Hour, Expired},
		{"after: expired", leased(), 2 * time.Hour, Expired},
		{"disabled before: revoked", must(leased().Disable("", "", admin, start)), time.Minute, Revoked},
		{"revoked before: revoked", must(leased().Revoke("", "stolen", admin, start)), time.Minute, Revoked},
	} {
		t.Run(row.name, func(t *testing.T) {
			now := at(row.now)
			c := row.k.End(now)
			if got := c.VersionState(c.Newest(), now); got != row.state {
				t.Errorf("%s, want %s", got, row.state)
			}
			if c.Lease.EndedAt != second(now) || c.Revision != row.k.Revision+1 || !row.k.Lease.EndedAt.IsZero() {
				t.Errorf("ended %s, revision %d", c.Lease.EndedAt, c.Revision)
			}
			if again := c.End(at(100 * day)); again != c {
				t.Error("ended twice")
			}
			if row.k.RevokedReason != "" && c.RevokedReason != row.k.RevokedReason {
				t.Errorf("the first reason is lost: %q", c.RevokedReason)
			}
		})
	}
}

func TestRevokingARolesKeysSparesLaterOnes(t *testing.T) {
	r := role()
	old := r.Issue(id(1), span(), app, start)
	r.Epoch++
	later := r.Issue(id(2), span(), app, start) // in the very same second
	if !old.RevokedByRole(r) || later.RevokedByRole(r) || old.RevokedByRole(nil) || newKey().RevokedByRole(r) {
		t.Errorf("outlived: old %t, later %t", old.RevokedByRole(r), later.RevokedByRole(r))
	}
	for want, k := range map[State]*Key{Revoked: old, Current: later} {
		if got := k.StateUnder(r, k.Newest(), start); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := k.StateUnder(nil, k.Newest(), start); got != Current {
			t.Errorf("without a role: %s", got)
		}
	}
}

// A role may have as many leased keys as its tenant.
func TestCheckMaxLeased(t *testing.T) {
	for limit, refused := range map[int]bool{0: false, 1: false, 7: false, 8: true} {
		r := role()
		r.MaxLeased = limit
		if err := r.CheckMaxLeased(7); refused {
			refusedAs(t, err, refusal.Invalid, "max_leased: 8 is over the 7 leased keys")
		} else if err != nil {
			t.Errorf("%d: %v", limit, err)
		}
	}
}

func TestRoleCheck(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Role)
		refuse string
	}{
		{"as it comes", func(*Role) {}, ""},
		{"ttl at max_ttl", func(r *Role) { r.TTL = r.MaxTTL }, ""},
		{"ttl over max_ttl", func(r *Role) { r.TTL = r.MaxTTL + time.Second }, "ttl:"},
		{"max_ttl at the cap", func(r *Role) { r.MaxTTL = 365 * day }, ""},
		{"max_ttl over the cap", func(r *Role) { r.MaxTTL = 365*day + time.Second }, "max_ttl:"},
		{"a variant", func(r *Role) { r.Scheme, r.Compat = signing.RFC9421, "no_nonce" }, ""},
		{
			"a variant of another scheme", func(r *Role) { r.Scheme, r.Compat = signing.RFC9421, "headers_sorted" },
			"compat:",
		},
		{
			"a variant for imported keys", func(r *Role) { r.Scheme, r.Compat = signing.Vrnt1, "key_ascii" },
			"compat: key_ascii is for imported keys",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := role()
			row.change(r)
			err := r.Check(tenant.DefaultConfig(), acme())
			if row.refuse == "" && err != nil {
				t.Error(err)
			}
			if row.refuse != "" {
				refusedAs(t, err, refusal.Invalid, row.refuse)
			}
		})
	}
}
