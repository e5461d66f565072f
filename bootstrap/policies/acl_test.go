package policies_test

import (
	"embed"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// server is one whose rules for matching a path are rebuilt here.
type server string

const (
	vault   server = "Vault"
	openbao server = "OpenBao" // since 2.6.0
)

var servers = []server{vault, openbao}

// rule is one path of a policy.
type rule struct {
	path string
	may  []string // deny alone, where any policy denies
}

// acl are the rules of all policies of one token, by path.
type acl map[string]*rule

var (
	stanza = regexp.MustCompile(
		`(?m)^path "([^"]+)" \{\n  capabilities\s+= \[([^\]]*)\]\n(?:  denied_parameters = .*\n)?\}\n`,
	)
	commentLine  = regexp.MustCompile(`(?m)^#.*\n`)
	entityTenant = "{{identity.entity.metadata.tenant}}"
)

// add adds the rules of a policy, for somebody of the tenant, and fails the test for what it cannot read.
func (a acl) add(t *testing.T, text, tenant string) {
	t.Helper()
	for _, found := range stanza.FindAllStringSubmatch(text, -1) {
		path := strings.ReplaceAll(found[1], entityTenant, tenant)
		var may []string
		for name := range strings.SplitSeq(found[2], ",") {
			may = append(may, strings.Trim(name, ` "`))
		}
		old, ok := a[path]
		switch {
		case !ok:
			a[path] = &rule{path, may}
		case slices.Contains(old.may, "deny") || slices.Contains(may, "deny"):
			old.may = []string{"deny"}
		default:
			old.may = append(old.may, may...)
		}
	}
	if rest := strings.TrimSpace(commentLine.ReplaceAllString(stanza.ReplaceAllString(text, ""), "")); rest != "" {
		t.Fatalf("cannot read %q", rest)
	}
}

//go:embed *.hcl
var files embed.FS

// shipped returns the rules of shipped policies, for somebody of the tenant acme.
func shipped(t *testing.T, names ...string) acl {
	t.Helper()
	a := acl{}
	for _, name := range names {
		text, err := files.ReadFile(name + ".hcl")
		if err != nil {
			t.Fatal(err)
		}
		a.add(t, string(text), "acme")
	}
	return a
}

// decides returns the rule by which a server decides about a path, or nil. A list comes with its slash. Vault looks
// first for what matches without it, OpenBao for what matches with it; exact paths come before, in the same way on
// both.
func (a acl) decides(by server, capability, path string) *rule {
	spelled := []string{path}
	if short, slash := strings.CutSuffix(path, "/"); capability == "list" && slash {
		spelled = []string{path, short}
	}
	for _, exactly := range spelled {
		if r := a[exactly]; r != nil && !strings.ContainsAny(exactly, "+*") {
			return r
		}
	}
	if by == vault {
		slices.Reverse(spelled)
	}
	for _, one := range spelled {
		var best *rule
		for _, r := range a {
			if matches(r.path, one) && (best == nil || rank(r.path).over(rank(best.path))) {
				best = r
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

func (a acl) allows(by server, capability, path string) bool {
	r := a.decides(by, capability, path)
	return r != nil && slices.Contains(r.may, capability)
}

// matches reports whether a path with a plus or a star matches: a plus is one segment, an empty one too.
func matches(pattern, path string) bool {
	open, star := strings.CutSuffix(pattern, "*")
	if !strings.Contains(pattern, "+") {
		return star && strings.HasPrefix(path, open)
	}
	want, has := strings.Split(open, "/"), strings.Split(path, "/")
	if len(has) < len(want) || !star && len(has) != len(want) {
		return false
	}
	for i, segment := range want {
		last := star && i == len(want)-1
		if segment != "+" && segment != has[i] && (!last || !strings.HasPrefix(has[i], segment)) {
			return false
		}
	}
	return true
}

// ranked is what decides between patterns that match: the larger wins, by the first number that differs.
type ranked [4]int

// rank prefers a late first wildcard, then no star at the end, then few pluses, then length.
func rank(pattern string) ranked {
	open, star := strings.CutSuffix(pattern, "*")
	first, exact := strings.IndexAny(pattern, "+*"), 1
	if star {
		exact = 0
	}
	return ranked{first, exact, -strings.Count(open, "+"), len(open)}
}

func (r ranked) over(other ranked) bool { return slices.Compare(r[:], other[:]) > 0 }

// TestMatching holds the rebuilt rules to what was seen on both servers.
func TestMatching(t *testing.T) {
	const (
		read  = `path "a/my/+/keys/+" { capabilities = ["read"] }`
		bare  = `path "a/my/+/keys" { capabilities = ["list"] }`
		slash = `path "a/my/+/keys/" { capabilities = ["list"] }`
		star  = `path "a/my/+/keys/*" { capabilities = ["read", "list"] }`
		exact = `path "a/my/external/keys" { capabilities = ["list"] }`
		wide  = `path "a/*" { capabilities = ["read", "list"] }`
		deny  = `path "a/my/*" { capabilities = ["deny"] }`
	)
	for _, test := range []struct {
		rules            []string
		capability, path string
		onVault, onBao   bool
		what             string
	}{
		{[]string{bare, read}, "list", "a/my/external/keys/", true, false, "the plus matches what is behind the " +
			"slash, nothing"},
		{[]string{slash, read}, "list", "a/my/external/keys/", true, true, "with the slash it is the closer one"},
		{[]string{slash, read}, "read", "a/my/external/keys/billing", true, true, ""},
		{[]string{slash, read}, "list", "a/my/external/keys/billing/", false, false, "what is below is no list"},
		{[]string{slash}, "read", "a/my/external/keys/", false, false, ""},
		{[]string{bare, star}, "list", "a/my/external/keys/", true, true, ""},
		{[]string{exact, read}, "list", "a/my/external/keys/", true, true, "exact paths come first, with or without " +
			"the slash"},
		{[]string{wide, deny}, "list", "a/my/external/keys/", false, false, ""},
		{[]string{wide, deny}, "read", "a/config", true, true, ""},
		{[]string{wide, deny, slash}, "list", "a/my/external/keys/", false, true, "Vault asks first without the slash"},
		{
			[]string{slash, strings.ReplaceAll(slash, "list", "deny")},
			"list", "a/my/external/keys/", false, false,
			"and against the same path",
		},
	} {
		rules := acl{}
		for _, one := range test.rules {
			rules.add(t, strings.NewReplacer("{ ", "{\n  ", " }", "\n}\n").Replace(one), "")
		}
		for by, want := range map[server]bool{vault: test.onVault, openbao: test.onBao} {
			if got := rules.allows(by, test.capability, test.path); got != want {
				t.Errorf("%s: %q %s %s: %t (%s)", by, test.rules, test.capability, test.path, got, test.what)
			}
		}
	}
}
