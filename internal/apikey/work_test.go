package apikey

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// mostWork is how many times the work of a call under a key without rules the same call may be under the worst rules.
const mostWork = 40

// hostile are lists that a tenant, the provider and an operator could have, and a path.
type hostile struct {
	name              string
	scopes, published []string // the second in three places
	path              string
}

// work returns the steps that judging a call takes, and those of the same call under a key without rules: each byte of
// the head once, each byte hashed, and what the rules look at. Variants are taken to cost the most that they may.
func work(t *testing.T, h hostile) (under, plain int) {
	t.Helper()
	k := newKey()
	cidrs := slices.Repeat([]string{"192.0.2.0/24"}, 31)
	k.Scheme = signing.Vrnt1
	k.Rules = Intern(Rules{Limits: Limits{
		Scopes: match.ScopesOf(h.scopes),
		CIDRs:  match.RangesOf(append(cidrs, "2001:db8::/32")),
		Compat: "headers_sorted\nheader_value_case\npath_query\nkey_ascii",
	}})
	c := goodCase(k, 1)
	v := c.Key.Versions[0]
	const salt = "oKGio6SlpqeoqaqrrK2urw"
	iat := start.Format(time.RFC3339)
	tag := signing.MAC(v.Secret.Reveal(), []byte(salt+"\nGET\n"+h.path+"\n"+iat+"\n\n"))
	text := "GET " + h.path + "\nAuthorization: Vrnt-1-HMAC-SHA256 salt=" + salt + ",iat=" + iat + ",kid=" + v.KeyID + ",sig=" + base64.RawURLEncoding.EncodeToString(
		tag[:],
	)
	head, err := signing.ParseHeadString(text)
	if err == nil {
		c.Call, err = signing.ParseLenientCall(head)
	}
	if err != nil {
		t.Fatal(err)
	}
	globs := match.GlobsOf(h.published)
	c.Head, c.From = head, netip.MustParseAddr("2001:db8::1")
	c.Mount.External.Published, c.Tenant.Provider.Published, c.Tenant.Own.Published = globs, globs, globs
	if verdict, _ := c.Judge(start); verdict != Valid && verdict != OutOfScope {
		t.Fatalf("%s: %s", h.name, verdict)
	}
	const ends = 192 // bytes that a MAC hashes beside the message
	message := len(c.Call.Message)
	plain = len(text) + message + ends
	return plain + c.found.Steps + min(15*message, signing.MaxVariantBytes) + 15*ends, plain
}

func repeated(n int, format string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return all
}

// all returns the same globs as scopes and as what is published, the first of which lets the call through so that all
// lists are looked at.
func everywhere(name, path string, globs []string) hostile {
	h := hostile{name: name, published: append(slices.Clone(globs[:min(31, len(globs))]), "/**"), path: path}
	for _, g := range h.published {
		h.scopes = append(h.scopes, "GET "+g)
	}
	return h
}

var hostiles = []hostile{
	{
		"segments by segments",
		repeated(32, "GET /**"+strings.Repeat("/*", 118)+"/z%d"),
		nil,
		"/" + strings.Repeat("a/", 7500),
	},
	{
		"the same within the bounds of a path",
		repeated(32, "GET /**"+strings.Repeat("/*", 118)+"/z%d"),
		nil,
		"/" + strings.Repeat("a/", 60),
	},
	everywhere(
		"as many segments as there may be",
		"/"+strings.Repeat("a/", 62)+"z",
		repeated(32, "/**"+strings.Repeat("/*", 29)+"/y%d"),
	),
	everywhere("runs between **", "/"+strings.Repeat("a/", 62)+"z", repeated(32, "/**/*/*/*/*/*/*/*/y%d/**")),
	everywhere("a text anywhere", "/"+strings.Repeat("a", 250), repeated(32, "/*"+strings.Repeat("a", 120)+"b%d*")),
	everywhere(
		"a text anywhere in a long path",
		"/"+strings.Repeat("a", 4000),
		repeated(32, "/**/*"+strings.Repeat("a", 120)+"b%d*/**"),
	),
	everywhere(
		"texts that are nearly the path",
		"/"+strings.Repeat("a", 250),
		repeated(32, "/"+strings.Repeat("a", 248)+"%02d"),
	),
	everywhere(
		"beginnings and ends",
		"/"+strings.Repeat("a", 250),
		repeated(32, "/"+strings.Repeat("a", 120)+"*"+strings.Repeat("a", 120)+"%02d"),
	),
	everywhere("nearly a short path", "/"+strings.Repeat("a", 120), repeated(32, "/"+strings.Repeat("a", 118)+"%02d")),
	everywhere(
		"nearly the path, and anywhere in it",
		"/"+strings.Repeat("a", 250),
		append(repeated(8, "/*"+strings.Repeat("a", 120)+"b%d*"), repeated(12, "/"+strings.Repeat("a", 248)+"%02d")...),
	),
	everywhere("stars alone", "/"+strings.Repeat("a/", 30)+"a", repeated(32, "/"+strings.Repeat("*/", 30)+"z%d")),
	everywhere("three stars", "/"+strings.Repeat("ab", 100), repeated(32, "/*a*b%d*")),
	everywhere("many **", "/"+strings.Repeat("a/", 62)+"z", repeated(32, "/**/a/**/a%d/**")),
}

// A key's rules make a call at most so many times as much work as none, whatever they are and whatever the call is.
func TestWorkOfACall(t *testing.T) {
	worst := 0.0
	look := func(h hostile) {
		under, plain := work(t, h)
		if times := float64(under) / float64(plain); times > worst {
			worst = times
			t.Logf("%4.1f times: %s, %d steps instead of %d", times, h.name, under, plain)
		}
	}
	for _, h := range hostiles {
		look(h)
	}
	for n := 4; n < match.MaxGlob; n++ {
		look(
			everywhere(
				"nearly a path of any length",
				"/"+strings.Repeat("a", n),
				repeated(32, "/"+strings.Repeat("a", n-2)+"%02d"),
			),
		)
		look(
			everywhere(
				"with searches",
				"/"+strings.Repeat("a", n),
				append(
					repeated(8, "/*"+strings.Repeat("a", n/2-1)+"b%d*"),
					repeated(23, "/"+strings.Repeat("a", n-2)+"%02d")...),
			),
		)
	}
	random := rand.New(rand.NewPCG(7, 40))
	for range 2000 {
		look(anyHostile(random))
	}
	if worst > mostWork {
		t.Errorf("the worst rules make %.1f times the work of none, and %d is the most", worst, mostWork)
	}
	if worst < 5 {
		t.Errorf("the worst rules make %.1f times the work of none: nothing was looked at", worst)
	}
}

// anyHostile makes a path of equal segments, and globs that fit it as far as they can.
func anyHostile(random *rand.Rand) hostile {
	unit := strings.Repeat(string("ab"[random.IntN(2)]), 1+random.IntN(1<<random.IntN(9)))
	n := 1 + random.IntN(match.MaxSegments-1)
	path := strings.Repeat("/"+unit, n)
	parts := []string{
		"**",
		"*",
		unit,
		"*" + unit[:len(unit)/2] + "*",
		unit[:len(unit)/2] + "*",
		"*a*b*",
		unit[:len(unit)-1] + "z",
		"*" + unit + "z*",
	}
	var globs []string
	for range 1 + random.IntN(31) {
		glob := ""
		for range 1 + random.IntN(match.MaxGlobSegments) {
			if next := "/" + parts[random.IntN(len(parts))]; len(glob)+len(next) <= match.MaxGlob-2 {
				glob += next
			}
		}
		globs = append(globs, glob+"/z")
	}
	return everywhere("made at random", path[:min(len(path), match.MaxPath)], globs)
}

// Records from before there were bounds are judged within them, and explained.
func TestOldRulesAreOutOfScope(t *testing.T) {
	old := "GET /**" + strings.Repeat("/*", 118) + "/z"
	k := newKey()
	for _, row := range []struct {
		scopes []string
		path   string
		want   ScopeRule
	}{
		{[]string{old}, "/" + strings.Repeat("a/", 30) + "z", ScopeTooComplex},
		{[]string{old, "GET /wfo/**"}, "/wfo/a", InScope},
		{[]string{"GET /wfo/**"}, "/a", ScopeNoMatch},
		{[]string{"GET /**"}, "/" + strings.Repeat("a/", match.MaxSegments-1), InScope},
		{[]string{"GET /**"}, "/" + strings.Repeat("a/", match.MaxSegments), ScopeLongPath},
		{[]string{"GET /**"}, "/" + strings.Repeat("a", match.MaxPath-1), InScope},
		{[]string{"GET /**"}, "/" + strings.Repeat("a", match.MaxPath), ScopeLongPath},
		{nil, "/" + strings.Repeat("a/", 7500), InScope},
	} {
		k.Rules = Intern(Rules{Limits: Limits{Scopes: match.ScopesOf(row.scopes)}})
		_, got := restricted(k, acme(), tenant.DefaultConfig(), head("GET "+row.path), netip.Addr{})
		if got != row.want {
			t.Errorf("%.40s of %.40s: %q, want %q", row.path, row.scopes, got, row.want)
		}
	}
	_, err := ParseScopes("scopes", []string{old})
	refusedAs(t, err, refusal.Invalid, "scopes: item 1: ")
	_, err = ParseScopes("scopes", repeated(9, "GET /**/a%d/**"))
	refusedAs(t, err, refusal.Invalid, "scopes: together")
	_, err = ParsePublished("external_published", repeated(9, "/**/a%d/**"))
	refusedAs(t, err, refusal.Invalid, "external_published: together")
}

// BenchmarkWorstScopes is the call that cost four seconds, and the worst that there is within the bounds.
func BenchmarkWorstScopes(b *testing.B) {
	for _, h := range []hostile{hostiles[0], hostiles[1], hostiles[5]} {
		b.Run(strings.ReplaceAll(h.name, " ", "-"), func(b *testing.B) {
			k := newKey()
			k.Rules = Intern(Rules{Limits: Limits{Scopes: match.ScopesOf(h.scopes)}})
			g, _ := GrantOf(k.Versions[0].KeyID, k, acme(), nil, tenant.DefaultConfig())
			in := &JudgeInput{Grant: &g, Head: head("GET " + h.path)}
			b.ReportAllocs()
			for b.Loop() {
				new(Judgement).outOf(in)
			}
		})
	}
}
