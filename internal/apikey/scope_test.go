package apikey

import (
	"errors"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func fits(scopes, method, path string) bool {
	return (&matching{MaxMatching}).inScope(tenant.Lines(scopes), method, path)
}

func TestScopes(t *testing.T) {
	allow := func(scope, call string) {
		t.Helper()
		method, path, _ := strings.Cut(call, " ")
		if ParseScope(scope) != nil || !fits(scope, method, path) {
			t.Errorf("%s is outside %s", call, scope)
		}
	}
	deny := func(scope, call string) {
		t.Helper()
		method, path, _ := strings.Cut(call, " ")
		if ParseScope(scope) != nil || fits(scope, method, path) {
			t.Errorf("%s is within %s", call, scope)
		}
	}
	allow("GET /wfo/**", "GET /wfo/v1/agents")
	allow("GET /wfo/**", "GET /wfo")
	allow("GET /wfo/**", "GET /wfo/")
	deny("GET /wfo/**", "GET /wfox")
	deny("GET /wfo/**", "GET /")
	deny("GET /wfo/**", "POST /wfo/v1")
	deny("GET /wfo/**", "get /wfo/v1")
	allow("* /wfo/**", "PATCH /wfo/v1")
	allow("GET /wfo/*", "GET /wfo/v1")
	allow("GET /wfo/*", "GET /wfo/")
	deny("GET /wfo/*", "GET /wfo")
	deny("GET /wfo/*", "GET /wfo/v1/agents")
	allow("GET /v*/agents/*.json", "GET /v1/agents/7.json")
	allow("GET /v*/agents/*.json", "GET /v/agents/.json")
	deny("GET /v*/agents/*.json", "GET /v1/agents/7.jsonx")
	deny("GET /v*/agents/*.json", "GET /v1/x/agents/7.json")
	allow("GET /a*b*c", "GET /aXbYbZc")
	deny("GET /a*b*c", "GET /acb")
	deny("GET /ab*bc", "GET /abc")
	allow("GET /**/keys/**", "GET /a/b/keys/c")
	allow("GET /**/keys/**", "GET /keys")
	allow("GET /**/a/**/b", "GET /a/a/x/b/b")
	deny("GET /**/a/**/b", "GET /b/a")
	allow("GET /**", "GET /")
	allow("GET /", "GET /")
	deny("GET /", "GET /a")
	allow("GET /caf%C3%A9", "GET /caf%C3%A9")
	deny("GET /caf%C3%A9", "GET /caf%c3%a9") // as received: the escape is not the same text
	deny("GET /a", "GET /%61")
}

func TestWhatIsNoScope(t *testing.T) {
	for _, s := range []string{
		"", "GET", "GET ", "/wfo", "get /wfo", "GET wfo", "GET  /wfo", "GET /wfo ", "GET /a?b", "GET /a#b", "GET /a/../b", "GET /./a", "GET /%2e%2E/a",
		"GET /a//b", "GET /a;b", "GET /a\\b", "GET /a%2fb", "GET /a%5Cb", "GET /a%00", "GET /a%", "GET /a%1", "GET /a%zz", "GET /a**", "GET /***", "GET /é",
		"GET /a\nb", "** /a", "GET /" + strings.Repeat("a", MaxGlob),
	} {
		if err := ParseScope(s); !errors.Is(err, refusal.Invalid) {
			t.Errorf("%q is taken: %v", s, err)
		}
	}
}

func TestAmbiguousPaths(t *testing.T) {
	for _, path := range []string{
		"/.", "/..", "/a/./b", "/a/../b", "/%2e", "/%2E%2e/a", "/.%2e/a", "/a/..", "//", "/a//b", "/a;v=1/b", "/a\\b", "/a%2Fb", "/a%2fb", "/a%5c", "/%00", "/%", "/%4", "/%4g",
		"/wfo/%252e%252e/admin", "/%25%32%65", "/%c0%ae%c0%ae/a", "/%e0%80%ae", "/a/..%20/b", "/..%09", "/. ./a", "/.%20", "/a%3bv=1", "/a%3B", "/%1f", "/%7f", "/%ff",
		"/%ef%bc%8e%ef%bc%8e/a", "/a%ef%bc%8fb", "/%e2%80%a5/a", "/%2e%2e%c2%a0/a",
	} {
		if !ambiguous(path) {
			t.Errorf("%s is plain", path)
		}
	}
	for _, path := range []string{"/", "/a", "/a/", "/...", "/a.b", "/.a", "/a..b/c", "/%20", "/%2E%2E%2E", "/%2ea", "/~a/b_c", "/100%25", "/100%25/x", "/a%25b/%25zz", "/caf%C3%A9", "/%E2%82%AC", "/a%20", "/a.%20b"} {
		if ambiguous(path) {
			t.Errorf("%s is ambiguous", path)
		}
	}
}

// Whatever globs are taken and whatever paths are sent, matching ends within the bound; a
// key of before the bound denies rather than go beyond it.
func TestMatchingIsBounded(t *testing.T) {
	paths := []string{
		strings.Repeat("/a", maxPathParts), "/" + strings.Repeat("a", maxPath-1), strings.Repeat("/"+strings.Repeat("a", 31), maxPathParts), strings.Repeat("/", maxPathParts),
	}
	for _, glob := range []string{"/**/a", "/**/*/*/*/z", "/**" + strings.Repeat("/*", 30) + "/z", "/**/a/**/a/**/z", strings.Repeat("/**", 20) + "/z", "/*a*a*a*z", "/**"} {
		most := worst(glob)
		for _, path := range paths {
			m := matching{1 << 30}
			m.matchGlob(glob, path)
			if took := 1<<30 - m.left; took > most {
				t.Errorf("%s of %.20s…: %d steps, and %d was to be the most", glob, path, took, most)
			}
		}
	}
	var many []string
	for n := range 32 {
		many = append(many, "GET /**"+strings.Repeat("/*", 29)+"/z"+strings.Repeat("x", n))
	}
	costly := tenant.LinesOf(many)
	if err := CheckGlobs("scopes", costly); !errors.Is(err, refusal.Invalid) || !strings.HasPrefix(err.Error(), "scopes: ") {
		t.Error(err)
	}
	for _, path := range paths {
		m := matching{MaxMatching}
		if m.inScope(costly+"\nGET /**", "GET", path) && m.left < 0 {
			t.Error("in scope without a step left")
		}
	}
	if err := CheckGlobs("scopes", tenant.LinesOf([]string{"GET /**/keys/**", "* /wfo/**", "POST /a/*/b"})); err != nil {
		t.Error(err)
	}
}

// slowMatch says the same as matchGlob by trying everything.
func slowMatch(glob, path []string) bool {
	if len(glob) == 0 {
		return len(path) == 0
	}
	if glob[0] == "**" {
		return slowMatch(glob[1:], path) || len(path) > 0 && slowMatch(glob, path[1:])
	}
	return len(path) > 0 && slowSegment(glob[0], path[0]) && slowMatch(glob[1:], path[1:])
}

func slowSegment(glob, s string) bool {
	if glob == "" {
		return s == ""
	}
	if glob[0] == '*' {
		return slowSegment(glob[1:], s) || s != "" && slowSegment(glob, s[1:])
	}
	return s != "" && s[0] == glob[0] && slowSegment(glob[1:], s[1:])
}

func FuzzGlob(f *testing.F) {
	for _, row := range [][2]string{
		{"/wfo/**", "/wfo/v1/agents"}, {"/**/a/**/b", "/a/a/b/b"}, {"/a*b*c", "/abbc"}, {"/**/**", "/"}, {"/*/*", "/a"}, {"/**/a*/**/*b", "/x/ab/b/cb"}, {"/", "//"},
	} {
		f.Add(row[0], row[1])
	}
	f.Fuzz(func(t *testing.T, glob, path string) {
		if ParseGlob(glob) != nil || !strings.HasPrefix(path, "/") || len(glob)+len(path) > 40 || strings.Count(glob, "*") > 8 {
			return // what is slow is too slow for more
		}
		want := slowMatch(strings.Split(glob[1:], "/"), strings.Split(path[1:], "/"))
		if got := (&matching{MaxMatching}).matchGlob(glob, path); got != want {
			t.Errorf("%s of %s: %t, want %t", glob, path, got, want)
		}
	})
}
