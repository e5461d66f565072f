package apikey

import (
	"strings"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// UserHeader names whom a call acts as, where it says so. Its scheme signs it.
const UserHeader = "Verint-UserName"

// within reports whether the call comes from where the key's calls may. An address that is not known is in no range.
func (c *Case) within() bool {
	ranges := c.Key.Rules.Get().CIDRs
	//mutate:instead "addresses that are not known" TestSources => ranges.Empty() || !c.From.IsValid()
	if ranges.Empty() {
		return true
	}
	ok, steps := ranges.Contain(c.From)
	c.Steps += steps
	return ok
}

// Bound is one of the rules that put a call out of scope.
type Bound string

// The bounds, in the order in which they are judged.
const (
	InBounds       Bound = ""
	BoundMessage   Bound = "message"   // a message is for no path and no user
	BoundLong      Bound = "long"      // the path has too many bytes or segments
	BoundPath      Bound = "path"      // two readers could take it for different ones
	BoundOver      Bound = "over"      // none of the key's scopes fits that is not over a bound itself
	BoundScopes    Bound = "scopes"    // none of the key's fits
	BoundPublished Bound = "published" // it is not, for external keys
	BoundUser      Bound = "user"      // the call acts as another than the key's
)

// OutOf judges what a call is for: by the key's scopes and user, and for external keys by
// what is published. Head is nil for a message, which has neither.
func (c *Case) OutOf() Bound {
	limits := c.Key.Rules.Get().Limits
	published, limitsPath := c.Key.publishedBy(c.Mount, c.Tenant)
	limitsPath = limitsPath || !limits.Scopes.Empty()
	if !limitsPath && limits.User == "" {
		return InBounds
	}
	if c.Head == nil {
		//mutate:zero "scopes of messages" TestSeenIsAskedLast
		return BoundMessage
	}
	if limitsPath {
		if bound := c.outOfPaths(limits.Scopes, &published); bound != InBounds {
			return bound
		}
	}
	//mutate:false "whom a call acts as" TestWhatCallsMayBeFor
	if limits.User != "" && !actsAs(c.Head, limits.User) {
		return BoundUser
	}
	return InBounds
}

// outOfPaths judges the path. It is read once for all lists.
func (c *Case) outOfPaths(scopes match.Scopes, published *publishedLists) Bound {
	var path match.Path
	defer func() { c.Steps += path.Steps }()
	//mutate:false "paths that are too long" TestOldRulesAreOutOfScope
	if !path.Read(c.Head.Path()) {
		return BoundLong
	}
	path.Steps += match.LooksOfAmbiguous * len(c.Head.Path())
	//mutate:false "paths with two readings" TestWhatCallsMayBeFor
	if match.Ambiguous(c.Head.Path()) {
		return BoundPath
	}
	if !scopes.Empty() && !scopes.Match(c.Head.Method(), &path) {
		if scopes.Over() {
			return BoundOver
		}
		return BoundScopes
	}
	for _, globs := range published {
		//mutate:false:1 "what is published" TestWhatCallsMayBeFor
		if !globs.Empty() && !globs.Match(&path) {
			return BoundPublished
		}
	}
	return InBounds
}

// publishedLists are the mount's, the provider's and the tenant's. Each that is not empty must match.
type publishedLists [3]match.Globs

// publishedBy returns the lists that the paths of k's calls must match, and whether there are any.
func (k *Key) publishedBy(c *tenant.Config, t *tenant.Tenant) (lists publishedLists, some bool) {
	if k.Kind == External {
		lists = publishedLists{c.External.Published, t.Provider.Published, t.Own.Published}
	}
	return lists, lists != publishedLists{}
}

// PublishedBy returns the same as lists, never nil.
func (k *Key) PublishedBy(c *tenant.Config, t *tenant.Tenant) [][]string {
	lists := [][]string{}
	published, _ := k.publishedBy(c, t)
	for _, globs := range published {
		if !globs.Empty() {
			lists = append(lists, globs.List())
		}
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
