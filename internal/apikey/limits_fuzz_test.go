package apikey

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// slowAmbiguous asks the standard library what a path decodes to, and looks for all that a server behind could read
// differently.
func slowAmbiguous(path string) bool {
	decoded, err := url.PathUnescape(path)
	if err != nil || strings.Contains(path, "//") || strings.Count(decoded, "/") != strings.Count(path, "/") ||
		!utf8.ValidString(decoded) {
		return true
	}
	if regexp.MustCompile(`[;?#\\\x00-\x1f\x7f-\x{9f}]|%([0-9a-fA-F]{2}|[uU].)`).MatchString(decoded) {
		return true
	}
	for _, r := range decoded { // The others of these are in the tests of match.
		if strings.ContainsRune("\uff0f\uff3c\uff1b\uff05\u2215\u2044", r) {
			return true
		}
	}
	return regexp.MustCompile(`(^|/)[. \x{a0}\x{200b}\x{3000}\x{ff0e}\x{2024}\x{2025}]+(/|$)`).MatchString(decoded)
}

// slowWithin compares the addresses as bits.
func slowWithin(ranges []string, from string) bool {
	bits := func(a netip.Addr) (s string) {
		for _, b := range a.Unmap().AsSlice() {
			s += strconv.FormatUint(uint64(b)|0x100, 2)[1:]
		}
		return s
	}
	addr, err := netip.ParseAddr(from)
	for _, r := range ranges {
		base, length, ranged := strings.Cut(r, "/")
		of := netip.MustParseAddr(base)
		n, _ := strconv.Atoi(length)
		if !ranged {
			n = of.BitLen()
		}
		if err == nil && of.Is4() == addr.Unmap().Is4() && bits(of)[:n] == bits(addr)[:n] {
			return true
		}
	}
	return len(ranges) == 0
}

// slowInScope says what section 5 of the design says, a sentence at a time.
func slowInScope(kind Kind, scope, published, user, method, path, name string, named bool) bool {
	limitsPath := scope != "" || kind == External && published != ""
	if limitsPath && slowAmbiguous(path) {
		return false
	}
	split := func(s string) []string { return strings.Split(s[1:], "/") }
	if scope != "" {
		wanted, glob, _ := strings.Cut(scope, " ")
		if wanted != "*" && wanted != method || !slowMatch(split(glob), split(path)) {
			return false
		}
	}
	if kind == External && published != "" && !slowMatch(split(published), split(path)) {
		return false
	}
	lower := strings.NewReplacer("A", "a", "B", "b", "C", "c", "K", "k", "S", "s", "Z", "z")
	return user == "" || !named || lower.Replace(user) == lower.Replace(name)
}

// slowMatch says what globs say by trying everything.
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

// FuzzLimits holds all that limits a call against the slow words for it.
func FuzzLimits(f *testing.F) {
	f.Add(true, "GET /wfo/**", "/wfo/*", "192.0.2.0/24", "aB", "GET", "/wfo/v1", "Ab", "192.0.2.7")
	f.Add(false, "* /a*/**", "", "2001:db8::/33", "k", "POST", "/ab/%2e%2E/c", "\u212a", "2001:db8:8000::1")
	f.Add(true, "", "/**", "", "", "GET", "/a%2fb;c", "", "::ffff:192.0.2.1")
	f.Add(true, "GET /**", "", "0.0.0.0/0", "", "GET", "/a/.%2", "z", "")
	f.Add(true, "GET /wfo/**", "/wfo/*/*a*", "", "", "GET", "/wfo/%252e%252e/a", "", "")
	f.Add(true, "* /**/a/**/b*c*", "/**/*a*/**", "", "", "GET", "/b/a/a/bcc", "", "")
	f.Add(true, "GET /wfo/**", "", "", "", "GET", "/wfo/..%20/%c0%ae", "", "")
	f.Fuzz(func(t *testing.T, external bool, scope, published, cidr, user, method, path, name, from string) {
		scopes, err1 := ParseScopes("scopes", listOf(scope))
		globs, err2 := ParsePublished("published", listOf(published))
		ranges, err3 := ParseCIDRs("allowed_cidrs", listOf(cidr))
		if errors.Join(err1, err2, err3) != nil || strings.Contains(path, "%") && path != asked(path) {
			return
		}
		if len(scope)+len(published)+len(path) > 60 || strings.Count(scope+published, "*") > 8 ||
			strings.Trim(user+name, "aAbBcCkKsSzZ\u212a@.-") != "" {
			return // what is slow is too slow for more, and folds these letters alone
		}
		text, named := method+" "+path+"\n", name != ""
		if named {
			text += UserHeader + ": " + name + "\n"
		}
		head, err := signing.ParseHead([]byte(text))
		if err != nil || head.Path() != path {
			return
		}
		k := newKey()
		k.Kind = Internal
		if external {
			k.Kind = External
		}
		k.Rules = Intern(Rules{Limits: Limits{Scopes: scopes, User: user, CIDRs: ranges}})
		mount := tenant.DefaultConfig()
		mount.External.Published = globs
		addr, _ := netip.ParseAddr(from)
		inRange, bound := restricted(k, acme(), mount, head, addr)
		if got, want := bound == InScope, slowInScope(
			k.Kind,
			scope,
			published,
			user,
			method,
			path,
			name,
			named,
		); got != want {
			t.Errorf(
				"%s key, scope %q, published %q, user %q: %q is in scope: %t, want %t",
				k.Kind,
				scope,
				published,
				user,
				text,
				got,
				want,
			)
		}
		if addr.Zone() == "" {
			if got, want := inRange, slowWithin(listOf(cidr), from); got != want {
				t.Errorf("%q within %q: %t, want %t", from, cidr, got, want)
			}
		}
	})
}

// asked returns "" for a path with characters that slowAmbiguous does not know.
func asked(path string) string {
	decoded, err := url.PathUnescape(path)
	if err == nil && utf8.ValidString(decoded) &&
		strings.Trim(
			decoded,
			" .%/;?#\\abcuwfo0123456789AF\x00\u00a0\u200b\u3000\uff0e\u2024\u2025\uff0f\uff3c\uff1b\uff05\u2215\u2044\u00e9",
		) != "" {
		return ""
	}
	return path
}

// listOf returns the lines of a text, none of "".
func listOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
