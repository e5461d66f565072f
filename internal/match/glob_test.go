package match

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// inScope reads both, as judging a call does.
func inScope(list []string, method, path string) bool {
	var p Path
	return p.Read(path) && ScopesOf(list).Match(method, &p)
}

func TestScopes(t *testing.T) {
	allow := func(scope, call string) {
		t.Helper()
		method, path, _ := strings.Cut(call, " ")
		if ParseScope(scope) != nil || !inScope([]string{scope}, method, path) {
			t.Errorf("%s is outside %s", call, scope)
		}
	}
	deny := func(scope, call string) {
		t.Helper()
		method, path, _ := strings.Cut(call, " ")
		if ParseScope(scope) != nil || inScope([]string{scope}, method, path) {
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
		"", "GET", "GET ", "/wfo", "get /wfo", "GET wfo", "GET  /wfo", "GET /wfo ", "GET /a?b", "GET /a#b",
		"GET /a/../b", "GET /./a", "GET /%2e%2E/a",
		"GET /a//b", "GET /a;b", "GET /a\\b", "GET /a%2fb", "GET /a%5Cb", "GET /a%00", "GET /a%", "GET /a%1",
		"GET /a%zz", "GET /a**", "GET /***", "GET /é",
		"GET /a\nb", "** /a", "GET /a%3Bb", "GET /%252e%252e/a", "GET /..%20/a", "GET /%c0%ae", "GET /.../a",
		"GET /" + strings.Repeat("a", MaxGlob),
	} {
		if err := ParseScope(s); !errors.Is(err, refusal.Invalid) {
			t.Errorf("%q is taken: %v", s, err)
		}
	}
}

// What would be too much work is refused by name, and what is stored from before there was a bound matches nothing.
func TestBoundsOfGlobs(t *testing.T) {
	for _, row := range []struct{ good, bad, says string }{
		{strings.Repeat("/a", MaxGlobSegments), strings.Repeat("/a", MaxGlobSegments+1), "at most 32 segments"},
		{"/**/a/**/**", "/**/a/**/**/b/**", "** at most 3 times"},
		{"/a*b*c*", "/a*b*c*d*", "* at most 3 times"},
		{"/" + strings.Repeat("a", MaxGlob-1), "/" + strings.Repeat("a", MaxGlob), "at most 256 bytes"},
	} {
		if err := ParseGlob(row.good); err != nil {
			t.Errorf("%s: %v", row.good, err)
		}
		if err := ParseGlob(row.bad); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.bad, err)
		}
		path := strings.ReplaceAll(strings.ReplaceAll(row.bad, "**", "x"), "*", "")
		list := GlobsOf([]string{row.bad, "/fine"})
		var p, fine Path
		if !p.Read(path) || !fine.Read("/fine") || list.Match(&p) || !list.Match(&fine) || !list.Over() {
			t.Errorf("%s: is not left out, or is not told", row.bad)
		}
		if s := ScopesOf([]string{"GET " + row.bad}); !s.Over() || s.Match("GET", &p) {
			t.Errorf("%s: is not left out of scopes", row.bad)
		}
	}
}

// Over a list, so many segments are looked for anywhere in a path, and what is behind them is left out.
func TestBoundOfAList(t *testing.T) {
	for _, row := range []struct {
		glob  string
		times int
	}{
		{"/a/**", 0},
		{"/**/a", 0},
		{"/v*/**/*.json", 0},
		{"/**/a/**", 1},
		{"/**/a/*/b*/**/c/**", 3},
		{"/*a*", 1},
		{"/*a*/*b*", 1},
		{"/*a*/**/x/**/*b*", 2},
		{"/**/**/**", 0},
	} {
		g, n, ok := compileGlob(row.glob, 0)
		if !ok || n != row.times {
			t.Errorf("%s: %d times, %t: %+v", row.glob, n, ok, g)
		}
		if row.times > 0 {
			most := MaxSearches / row.times
			if GlobsOf(slices.Repeat([]string{row.glob}, most)).Over() ||
				!GlobsOf(slices.Repeat([]string{row.glob}, most+1)).Over() {
				t.Errorf("%s: not %d of them are the most", row.glob, most)
			}
		}
	}
}

// A list is read once, however often it comes, and is forgotten with the last who has it.
func TestListsAreShared(t *testing.T) {
	list := []string{"GET /shared/**", "* /x"}
	a, b := ScopesOf(list), ScopesOf(slices.Clone(list))
	if a != b || a == ScopesOf(list[:1]) || ScopesOf(nil) != (Scopes{}) || fmt.Sprint(a.List()) != fmt.Sprint(list) {
		t.Error("equal lists differ, or others do not")
	}
	if n := testing.AllocsPerRun(100, func() {
		var p Path
		if !p.Read("/shared/a") || !a.Match("GET", &p) || Ambiguous("/shared/a%20b") {
			t.Fatal("no match")
		}
	}); n != 0 {
		t.Errorf("a match allocates %v times", n)
	}
	const key = "GET /gone"
	func() {
		if ScopesOf([]string{key}).Empty() {
			t.Error("empty")
		}
	}()
	for range 100 {
		runtime.GC()
		if _, there := shelf.Load(readKey[scopes]{key}); !there {
			return
		}
		runtime.Gosched()
	}
	t.Error("a list that nobody has is kept")
}

// slowMatch says the same as Match by trying everything.
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
		{"/wfo/**", "/wfo/v1/agents"},
		{"/**/a/**/b", "/a/a/b/b"},
		{"/a*b*c", "/abbc"},
		{"/**/**", "/"},
		{"/*/*", "/a"},
		{"/**/a*/**/*b", "/x/ab/b/cb"},
		{"/", "//"},
		{"/**/a/**/b/**/c/d", "/x/a/b/y/b/c/d"},
		{"/*ab*a*b", "/abaabab"},
	} {
		f.Add(row[0], row[1])
	}
	f.Fuzz(func(t *testing.T, glob, path string) {
		if ParseGlob(glob) != nil || !strings.HasPrefix(path, "/") || len(glob)+len(path) > 40 ||
			strings.Count(glob, "*") > 8 {
			return // what is slow is too slow for more
		}
		want := slowMatch(strings.Split(glob[1:], "/"), strings.Split(path[1:], "/"))
		var p Path
		if !p.Read(path) {
			t.Fatalf("%s is too long", path)
		}
		if got := GlobsOf([]string{glob}).Match(&p); got != want {
			t.Errorf("%s of %s: %t, want %t", glob, path, got, want)
		}
	})
}
