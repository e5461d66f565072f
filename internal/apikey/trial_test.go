package apikey

import (
	"net/netip"
	"time"

	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// trial is a call with all that it is judged by, for tests to spoil.
type trial struct {
	Call         *signing.Call
	Head         *signing.Head
	From         netip.Addr
	Key          *Key
	Tenant       *tenant.Tenant
	Role         *Role
	Mount        *tenant.Config
	Past, Future time.Duration // in place of the grant's
	Since        time.Time
	Strict       bool
	Seen         func() replay.Outcome

	found Judgement // by the last Judge
}

func (c *trial) Judge(now time.Time) (Verdict, *Version) {
	in, v := c.input()
	c.found = Judge(in, now)
	if !c.found.Verdict.Signed() {
		v = nil
	}
	return c.found.Verdict, v
}

// input is what the engine makes of the trial.
func (c *trial) input() (*JudgeInput, *Version) {
	g, v := GrantOf(c.Call.KeyID, c.Key, c.Tenant, c.Role, c.Mount)
	g.Past, g.Future = c.Past, c.Future
	return &JudgeInput{
		Call: c.Call, Head: c.Head, From: c.From, Grant: &g, Since: c.Since, Strict: c.Strict, Seen: c.Seen,
	}, v
}

// restricted returns what judging a call of k's only version beside its signature finds: by its source, and by what it
// is for.
func restricted(
	k *Key,
	t *tenant.Tenant,
	c *tenant.Config,
	head *signing.Head,
	from netip.Addr,
) (inRange bool, bound ScopeRule) {
	g, _ := GrantOf(k.Versions[0].KeyID, k, t, nil, c)
	in, j := &JudgeInput{Grant: &g, Head: head, From: from}, new(Judgement)
	return j.within(in), j.outOf(in)
}
