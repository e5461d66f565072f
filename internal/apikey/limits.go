package apikey

import (
	"strings"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// UserHeader names the user that a call acts as. The schemes sign it.
const UserHeader = "Verint-UserName"

// restrict judges where a valid call comes from and what it asks for.
func (j *Judgement) restrict(in *JudgeInput) {
	//mutate:false "addresses" TestEveryVerdictIsReached|TestVerdictPrecedence
	if !j.within(in) {
		j.Verdict = SourceDenied
		return
	}
	//mutate:false "scopes" TestEveryVerdictIsReached|TestVerdictPrecedence
	if j.ScopeRule = j.outOf(in); j.ScopeRule != InScope {
		j.Verdict = OutOfScope
	}
}

// within reports whether the call comes from an allowed address. An unknown address is in no range.
func (j *Judgement) within(in *JudgeInput) bool {
	ranges := in.Grant.CIDRs
	//mutate:instead "addresses that are not known" TestSources => ranges.Empty() || !in.From.IsValid()
	if ranges.Empty() {
		return true
	}
	ok, steps := ranges.Contain(in.From)
	j.Steps += steps
	return ok
}

// ScopeRule is a rule that can put a call out of scope.
type ScopeRule string

// The rules, in the order in which they are judged.
const (
	InScope            ScopeRule = ""
	ScopeMessage       ScopeRule = "message"   // a message has neither path nor user
	ScopeLongPath      ScopeRule = "long"      // the path has too many bytes or segments
	ScopeAmbiguousPath ScopeRule = "path"      // two readers could take the path for different ones
	ScopeTooComplex    ScopeRule = "over"      // no scope fits, but some are over a bound and were left out
	ScopeNoMatch       ScopeRule = "scopes"    // no scope of the key fits
	ScopeUnpublished   ScopeRule = "published" // the path is not published for external keys
	ScopeUser          ScopeRule = "user"      // the call acts as another user than the key's
)

// outOf judges the call by scopes, user and published paths. in.Head is nil for a message, which has neither
// path nor user.
func (j *Judgement) outOf(in *JudgeInput) ScopeRule {
	g := in.Grant
	limitsPath := !g.Scopes.Empty() || g.Published != [3]match.Globs{}
	if !limitsPath && g.User == "" {
		return InScope
	}
	if in.Head == nil {
		//mutate:zero "scopes of messages" TestSeenIsAskedLast
		return ScopeMessage
	}
	if limitsPath {
		if bound := j.outOfPaths(in.Head, g); bound != InScope {
			return bound
		}
	}
	//mutate:false "whom a call acts as" TestWhatCallsMayBeFor
	if g.User != "" && !actsAs(in.Head, g.User) {
		return ScopeUser
	}
	return InScope
}

// outOfPaths judges the path. It parses the path once for all lists.
func (j *Judgement) outOfPaths(head *signing.Head, g *Grant) ScopeRule {
	var path match.Path
	defer func() { j.Steps += path.Steps }()
	//mutate:false "paths that are too long" TestOldRulesAreOutOfScope
	if !path.Read(head.Path()) {
		return ScopeLongPath
	}
	path.Steps += match.AmbiguousSteps * len(head.Path())
	//mutate:false "paths with two readings" TestWhatCallsMayBeFor
	if match.Ambiguous(head.Path()) {
		return ScopeAmbiguousPath
	}
	if !g.Scopes.Empty() && !g.Scopes.Match(head.Method(), &path) {
		if g.Scopes.Over() {
			return ScopeTooComplex
		}
		return ScopeNoMatch
	}
	for _, globs := range g.Published {
		//mutate:false:1 "what is published" TestWhatCallsMayBeFor
		if !globs.Empty() && !globs.Match(&path) {
			return ScopeUnpublished
		}
	}
	return InScope
}

// published returns the lists that the paths of k's calls must match.
func (k *Key) published(c *tenant.Config, t *tenant.Tenant) (lists [3]match.Globs) {
	if k.Kind == External {
		lists = [3]match.Globs{c.External.Published, t.Provider.Published, t.Own.Published}
	}
	return lists
}

// actsAs reports whether the call names no user other than the key's. It ignores case, because vrnt-1 signs the
// name in lower case.
func actsAs(head *signing.Head, user string) bool {
	for _, name := range head.Values(UserHeader) {
		if asciiLower(name) != asciiLower(user) {
			return false
		}
	}
	return true
}

// asciiLower lowers A-Z only, as the scheme does. Unicode's rules would turn the Kelvin sign into a k, and so
// one user into another.
func asciiLower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, s)
}
