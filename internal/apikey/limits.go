package apikey

import (
	"net/netip"
	"strings"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// UserHeader names whom a call acts as, where it says so. Its scheme signs it.
const UserHeader = "Verint-UserName"

// ParseCIDR refuses what is no range of addresses as it would be written back.
func ParseCIDR(s string) error {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Masked() != p || p.String() != s || p.Addr().Is4In6() {
		return refusal.Errorf(refusal.Invalid, "allowed_cidrs: must be ranges of addresses such as 192.0.2.0/24 or 2001:db8::/32, "+
			"without bits behind the prefix")
	}
	return nil
}

// within reports whether an address is in one of the ranges. One that is not known is in
// none.
func within(ranges tenant.Lines, from netip.Addr) bool {
	return ranges == "" || isIn(ranges, from.Unmap().WithZone(""))
}

func isIn(ranges tenant.Lines, from netip.Addr) bool {
	for r := range ranges.All() {
		if p, err := netip.ParsePrefix(r); err == nil && p.Contains(from) {
			return true
		}
	}
	return false
}

// Bound is one of the rules that put a call out of scope.
type Bound string

// The bounds, in the order in which they are judged.
const (
	InBounds       Bound = ""
	BoundMessage   Bound = "message"   // a message is for no path and no user
	BoundPath      Bound = "path"      // two readers could take it for different ones
	BoundLength    Bound = "length"    // it is too long to be held against globs
	BoundScopes    Bound = "scopes"    // none of the key's fits
	BoundPublished Bound = "published" // it is not, for external keys
	BoundUser      Bound = "user"      // the call acts as another than the key's
)

// OutOf judges what a call is for: by the key's scopes and user, and for external keys by
// what is published. Head is nil for a message, which has neither.
func (c *Case) OutOf() Bound {
	k, limits := c.Key, c.Key.Rules.Get().Limits
	published := k.publishedBy(c.Mount, c.Tenant)
	limitsPath := limits.Scopes != "" || len(published) > 0
	if !limitsPath && limits.User == "" {
		return InBounds
	}
	if c.Head == nil {
		return BoundMessage
	}
	path := c.Head.Path()
	if limitsPath && tooLong(path) {
		return BoundLength
	}
	if limitsPath && ambiguous(path) {
		return BoundPath
	}
	if limits.Scopes != "" && !(&matching{MaxMatching}).inScope(limits.Scopes, c.Head.Method(), path) {
		return BoundScopes
	}
	for _, globs := range published {
		if !(&matching{MaxMatching}).published(globs, path) {
			return BoundPublished
		}
	}
	if limits.User != "" && !actsAs(c.Head, limits.User) {
		return BoundUser
	}
	return InBounds
}

// publishedBy returns the lists of globs that the paths of k's calls must all match, which
// mount, provider and tenant have published.
func (k *Key) publishedBy(c *tenant.Config, t *tenant.Tenant) []tenant.Lines {
	if k.Kind != External || c.External.Published == "" && t.Provider.Published == "" && t.Own.Published == "" {
		return nil
	}
	var all []tenant.Lines
	for _, globs := range [...]tenant.Lines{c.External.Published, t.Provider.Published, t.Own.Published} {
		if globs != "" {
			all = append(all, globs)
		}
	}
	return all
}

// PublishedBy returns the same as lists, never nil.
func (k *Key) PublishedBy(c *tenant.Config, t *tenant.Tenant) [][]string {
	lists := [][]string{}
	for _, globs := range k.publishedBy(c, t) {
		lists = append(lists, globs.List())
	}
	return lists
}

// actsAs reports whether a call names no other user than the key's. Vrnt-1 signs the name
// in lower case, so its case says nothing.
func actsAs(head *signing.Head, user string) bool {
	for _, name := range head.Values(UserHeader) {
		if asciiLower(name) != asciiLower(user) {
			return false
		}
	}
	return true
}

// asciiLower maps A-Z alone, as the scheme does: by Unicode's rules a Kelvin sign would be
// a k, and one user another.
func asciiLower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, s)
}
