package apikey

import (
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

// slowAmbiguous asks the standard library what a path decodes to, and looks for all that a server behind could read differently.
func slowAmbiguous(path string) bool {
	decoded, err := url.PathUnescape(path)
	if again := regexp.MustCompile(`%[0-9a-fA-F]{2}`); err == nil && (again.MatchString(decoded) || !utf8.ValidString(decoded) || strings.ContainsAny(decoded, lookalikes)) {
		return true
	}
	if err != nil || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' }) || strings.Contains(path, "//") || strings.ContainsAny(path, ";\\") || strings.ContainsAny(decoded, "\\;") || regexp.MustCompile(`(?i)%([01][0-9a-f]|7f)`).MatchString(path) {
		return true
	}
	if strings.Count(decoded, "/") != strings.Count(path, "/") {
		return true
	}
	dots := regexp.MustCompile(`(^|/)(\.{1,2}|[ .\x{85}\x{a0}]*\.[ .\x{85}\x{a0}]*[ \x{85}\x{a0}][ .\x{85}\x{a0}]*|[ .\x{85}\x{a0}]*[ \x{85}\x{a0}][ .\x{85}\x{a0}]*\.[ .\x{85}\x{a0}]*)(/|$)`)
	return dots.MatchString(decoded)
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
		base, length, _ := strings.Cut(r, "/")
		n, _ := strconv.Atoi(length)
		of := netip.MustParseAddr(base)
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

// FuzzLimits holds all that limits a call against the slow words for it.
func FuzzLimits(f *testing.F) {
	f.Add(true, "GET /wfo/**", "/wfo/*", "192.0.2.0/24", "aB", "GET", "/wfo/v1", "Ab", "192.0.2.7")
	f.Add(false, "* /a*/**", "", "2001:db8::/33", "k", "POST", "/ab/%2e%2E/c", "\u212a", "2001:db8:8000::1")
	f.Add(true, "", "/**", "", "", "GET", "/a%2fb;c", "", "::ffff:192.0.2.1")
	f.Add(true, "GET /**", "", "0.0.0.0/0", "", "GET", "/a/.%2", "z", "")
	f.Fuzz(func(t *testing.T, external bool, scope, published, cidr, user, method, path, name, from string) {
		if scope != "" && ParseScope(scope) != nil || published != "" && ParseGlob(published) != nil || cidr != "" && ParseCIDR(cidr) != nil {
			return
		}
		if len(scope)+len(published)+len(path) > 60 || strings.Count(scope+published, "*") > 8 || strings.Trim(user+name, "aAbBcCkKsSzZ\u212a@.-") != "" {
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
		k.Rules = Share(Rules{Limits: Limits{Scopes: tenant.Lines(scope), User: user, CIDRs: tenant.Lines(cidr)}})
		c := &Case{Key: k, Head: head, Mount: tenant.DefaultConfig(), Tenant: acme()}
		c.Mount.External.Published = tenant.Lines(published)
		if got, want := c.OutOf() == InBounds, slowInScope(k.Kind, scope, published, user, method, path, name, named); got != want {
			t.Errorf("%s key, scope %q, published %q, user %q: %q is in scope: %t, want %t", k.Kind, scope, published, user, text, got, want)
		}
		addr, _ := netip.ParseAddr(from)
		var ranges []string
		if cidr != "" {
			ranges = []string{cidr}
		}
		if addr.Zone() == "" {
			if got, want := within(tenant.Lines(cidr), addr), slowWithin(ranges, from); got != want {
				t.Errorf("%q within %q: %t, want %t", from, cidr, got, want)
			}
		}
	})
}
