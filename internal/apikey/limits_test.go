package apikey

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

func sources(ranges string, from netip.Addr) bool {
	k := newKey()
	k.Rules = Intern(Rules{Limits: Limits{CIDRs: match.RangesOf(listOf(ranges))}})
	ok, _ := restricted(k, acme(), tenant.DefaultConfig(), nil, from)
	return ok
}

func TestSources(t *testing.T) {
	for _, row := range []struct {
		ranges, from string
		ok           bool
	}{
		{"", "", true},
		{"", "192.0.2.1", true},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.0/24", "::ffff:192.0.2.7", true}, // the same address in another form
		{"192.0.2.0/24", "", false},
		{"192.0.2.0/24", "2001:db8::1", false},
		{"192.0.2.7/32\n2001:db8::/32", "2001:db8::1", true},
		{"192.0.2.7/32\n2001:db8::/32", "192.0.2.8", false},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"2001:DB8::1", "2001:db8::1", true},
		{"2001:DB8::1", "2001:db8::2", false},
	} {
		from := netip.Addr{}
		if row.from != "" {
			from = netip.MustParseAddr(row.from)
		}
		if got := sources(row.ranges, from); got != row.ok {
			t.Errorf("%s in %q: %t", row.from, row.ranges, got)
		}
	}
	for _, s := range []string{
		"", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/24 ", "::ffff:192.0.2.0/120", "fe80::%eth0/64", "fe80::1%eth0",
		"0192.0.2.0/24", "2001:db8:0::1", "::ffff:192.0.2.7", "192.0.2.7/",
	} {
		if _, err := ParseCIDRs("allowed_cidrs", []string{s}); !errors.Is(err, refusal.Invalid) {
			t.Errorf("%q is taken: %v", s, err)
		}
	}
	for _, s := range []string{
		"192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:DB8::/32", "192.0.2.7",
		"2001:dB8::1",
	} {
		if _, err := ParseCIDRs("allowed_cidrs", []string{s}); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func published(globs string) match.Globs { return match.GlobsOf(listOf(globs)) }

func TestWhatCallsMayBeFor(t *testing.T) {
	const call = "GET /wfo/v1/agents"
	type world struct {
		kind                 Kind
		rules                Rules
		mount, provider, own string
	}
	scoped := func(scopes string) Rules { return Rules{Limits: Limits{Scopes: match.ScopesOf(listOf(scopes))}} }
	acting := Rules{Limits: Limits{User: "agent-7"}}
	for _, row := range []struct {
		name string
		w    world
		head *signing.Head
		ok   bool
	}{
		{"without limits", world{kind: External}, head("GET /a/../b;c"), true},
		{"a message without limits", world{kind: External}, nil, true},
		{"in scope", world{External, scoped("POST /x\nGET /wfo/**"), "", "", ""}, head(call), true},
		{"another method", world{External, scoped("POST /wfo/**"), "", "", ""}, head(call), false},
		{
			"the query is no part of the path",
			world{External, scoped("GET /wfo/*"), "", "", ""},
			head("GET /wfo/a?b=/../c"), true,
		},
		{"ambiguous", world{External, scoped("GET /**"), "", "", ""}, head("GET /wfo/%2e%2e/admin"), false},
		{
			"a path of as many segments as may be",
			world{External, scoped("GET /**"), "", "", ""},
			head("GET " + strings.Repeat("/a", 64)), true,
		},
		{
			"a path of more",
			world{External, scoped("GET /**"), "", "", ""},
			head("GET " + strings.Repeat("/a", 65)),
			false,
		},
		{"a longer path", world{External, Rules{}, "/**", "", ""}, head("GET /" + strings.Repeat("a", 4096)), false},
		{"a long path without limits", world{kind: External}, head("GET /" + strings.Repeat("a/", 2048)), true},
		{"published by all", world{External, Rules{}, "/wfo/**", "/**", "/*/v1/*"}, head(call), true},
		{"not by the mount", world{External, Rules{}, "/other/**", "/**", "/**"}, head(call), false},
		{"not by the provider", world{External, Rules{}, "", "/other", ""}, head(call), false},
		{"not by the tenant", world{External, Rules{}, "/wfo/**", "", "/other"}, head(call), false},
		{"published, and ambiguous", world{External, Rules{}, "/**", "", ""}, head("GET /wfo//v1"), false},
		{"published, and out of scope", world{External, scoped("GET /x"), "/**", "", ""}, head(call), false},
		{"internal keys reach all", world{Internal, Rules{}, "/other", "/other", "/other"}, head(call), true},
		{"a message where paths are published", world{External, Rules{}, "/**", "", ""}, nil, false},
		{"names nobody", world{Internal, acting, "", "", ""}, head(call), true},
		{"names the user", world{Internal, acting, "", "", ""}, head(call, "verint-username: Agent-7"), true},
		{"names another", world{Internal, acting, "", "", ""}, head(call, "Verint-UserName: agent-8"), false},
		{
			"names one that looks alike",
			world{Internal, Rules{Limits: Limits{User: "k"}}, "", "", ""},
			head(call, "Verint-UserName: \u212a"), false,
		},
		{"names an empty one", world{Internal, acting, "", "", ""}, head(call, "Verint-UserName:"), false},
		{
			"anybody where the key has none",
			world{Internal, Rules{}, "", "", ""},
			head(call, "Verint-UserName: agent-8"), true,
		},
		{"a user and an ambiguous path", world{Internal, acting, "", "", ""}, head("GET /a//b"), true},
	} {
		k := newKey()
		k.Kind, k.Rules = row.w.kind, Intern(row.w.rules)
		mount, of := tenant.DefaultConfig(), acme()
		mount.External.Published, of.Provider.Published, of.Own.Published =
			published(row.w.mount), published(row.w.provider), published(row.w.own)
		_, bound := restricted(k, of, mount, row.head, netip.Addr{})
		if got := bound == InScope; got != row.ok {
			t.Errorf("%s: %t", row.name, got)
		}
	}
}

func TestLimitsOfMessages(t *testing.T) {
	for _, rules := range []Rules{
		{Limits: Limits{Scopes: match.ScopesOf([]string{"GET /"})}}, {Limits: Limits{User: "agent"}},
	} {
		s := settings()
		s.Rules = Intern(rules)
		_, err := s.Resolve(External, tenant.DefaultConfig(), acme())
		refusedAs(t, err, refusal.Invalid, "scopes")
		s.Scheme = signing.Vrnt1
		if _, err := s.Resolve(External, tenant.DefaultConfig(), acme()); err != nil {
			t.Error(err)
		}
	}
}
