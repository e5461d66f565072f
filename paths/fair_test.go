package paths

import (
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// What is worth a turn, as policy.
func TestWhatIsHeavy(t *testing.T) {
	many := slices.Repeat([]string{"/**"}, 32)
	with := func(l apikey.Limits) *apikey.Key {
		return &apikey.Key{
			Ref:      apikey.Ref{Kind: apikey.External},
			Settings: apikey.Settings{Rules: apikey.Intern(apikey.Rules{Limits: l})},
		}
	}
	plain, lenient := with(apikey.Limits{}), with(apikey.Limits{Compat: "a\nb\nc\nd\ne"})
	scoped := with(apikey.Limits{Scopes: match.ScopesOf(slices.Repeat([]string{"GET /**"}, 32))})
	one, some := with(apikey.Limits{Compat: "a"}), with(apikey.Limits{Scopes: match.ScopesOf([]string{"GET /**"})})
	config := &tenant.Config{}
	published := &tenant.Config{External: tenant.KindConfig{Published: match.GlobsOf(many)}}
	head := func(path, rest int) *call {
		return &call{http: true, content: "GET /" + strings.Repeat("a", path) + "\n" + strings.Repeat("b", rest)}
	}
	message := func(size int) *call { return &call{content: strings.Repeat("m", size)} }
	for _, row := range []struct {
		name string
		c    *call
		k    *apikey.Key
		m    *tenant.Config
		want bool
	}{
		{"a usual head", head(60, 900), plain, config, false},
		{"a head of much", head(60, 16_000), plain, config, false},
		{"the longest head", head(60, 32_700), plain, config, true},
		{"a usual head of a key with many scopes", head(60, 900), scoped, published, false},
		{"a long path, two lists", head(2500, 500), scoped, published, true},
		{"a long path, one list", head(2500, 500), scoped, config, false},
		{"a long path, another list", head(2500, 500), plain, published, false},
		{"the longest path, one list", head(4090, 4000), some, config, true},
		{"a usual head of a lenient key", head(60, 900), lenient, config, false},
		{"a long head of a lenient key", head(60, 4000), lenient, config, true},
		{"a long head of a key that is so in one way", head(60, 4000), one, config, false},
		{"a short message", message(20_000), plain, config, false},
		{"a long message", message(33_000), plain, config, true},
		{"a long message of nobody's", message(33_000), nil, config, true},
		{"a usual head of nobody's", head(60, 900), nil, config, false},
	} {
		if got := row.c.isHeavy(granted(row.k, new(tenant.Tenant), row.m)); got != row.want {
			t.Errorf("%s: heavy %v, weight %d", row.name, got, row.c.weight(granted(row.k, new(tenant.Tenant), row.m)))
		}
	}
	all := with(apikey.Limits{Compat: "a\nb\nc\nd\ne", Scopes: match.ScopesOf([]string{"GET /**"})})
	both := &tenant.Tenant{
		Own: tenant.Caps{Published: match.GlobsOf(many)}, Provider: tenant.Caps{Published: match.GlobsOf(many)},
	}
	if most := head(light-6, 0); most.weight(granted(all, both, published)) >= heavy {
		t.Error("a call that is let through for its length alone is heavy")
	}
}

// granted returns what the only version of a key may do.
func granted(k *apikey.Key, t *tenant.Tenant, c *tenant.Config) *apikey.Grant {
	if k != nil {
		k.Versions = []apikey.Version{{KeyID: "tEsTkId1tEsTkId1", Secret: secret.Random()}}
	}
	g, _ := apikey.GrantOf("tEsTkId1tEsTkId1", k, t, nil, c)
	return &g
}

// What a plain call adds for the gate's sake is reading a few lengths.
func TestEstimatesTakeNoMemory(t *testing.T) {
	globs := []string{"GET /**"}
	k := &apikey.Key{Ref: apikey.Ref{Kind: apikey.External}}
	k.Rules = apikey.Intern(apikey.Rules{Limits: apikey.Limits{Compat: "a\nb\nc", Scopes: match.ScopesOf(globs)}})
	c := &call{http: true, content: "GET /" + strings.Repeat("a", 60) + "\n" + strings.Repeat("b", 900)}
	grant := granted(k, new(tenant.Tenant), new(tenant.Config))
	if allocs := testing.AllocsPerRun(100, func() {
		if c.isHeavy(grant) {
			t.Error("heavy")
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// One processor is left for plain calls, where there are several, and no tenant has all.
func TestShares(t *testing.T) {
	for _, processors := range []int{1, 2, 8} {
		s := newShares(processors)
		for _, g := range []*fair.Gate{s.work, s.walks, s.writes, s.own} {
			in := 0
			for ; in < 1000; in++ {
				if _, err := g.Enter(t.Context(), "a", 0); err != nil {
					break
				}
			}
			_, err := g.Enter(t.Context(), "b", 0)
			if err == nil != (g != s.work || processors > 2) {
				t.Errorf("%d processors: %d of one tenant are in, and one of another: %v", processors, in, err)
			}
		}
	}
}
