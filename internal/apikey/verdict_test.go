package apikey

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/secret"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// order is that in which the API says calls are judged, as far as the core does.
var order = []Verdict{
	UnknownKey, BadSignature, TenantSuspended, VerdictRevoked, VerdictDisabled, VerdictExpired, TooOld, TooNew,
	SourceDenied, OutOfScope, Replayed, Valid,
}

// goodCase is a call that is valid at start, signed with k's version of that number. All
// that a fault may spoil is the case's own.
func goodCase(k *Key, number int) *trial {
	k = deep(k)
	v := k.Versions[slices.IndexFunc(k.Versions, func(v Version) bool { return v.Number == number })]
	message := []byte("a message")
	return &trial{
		Mount: tenant.DefaultConfig(),
		Call: &signing.Call{
			Scheme: k.Scheme, KeyID: v.KeyID, Nonce: "a-nonce", Time: start,
			Tag: signing.MAC(v.Secret.Reveal(), message), Message: message,
		},
		Key: k, Tenant: acme(), Role: role(), Past: 300 * time.Second, Future: 60 * time.Second,
		Seen: func() replay.Outcome { return replay.New },
	}
}

type fault struct {
	name    string
	verdict Verdict
	apply   func(*trial)
}

// faults are all that can stand against a call.
var faults = []fault{
	{"no such key", UnknownKey, func(c *trial) { c.Key = nil }},
	{"no such tenant", UnknownKey, func(c *trial) { c.Tenant = nil }},
	{"the tenant is deleted", UnknownKey, func(c *trial) { c.Tenant.DeletedAt = start }},
	{"no such version", UnknownKey, func(c *trial) { c.Call.KeyID = id(7) }},
	{"the version is destroyed", UnknownKey, func(c *trial) { c.Key.Versions[0].Secret = secret.Bytes{} }},
	{"tampered", BadSignature, func(c *trial) { c.Call.Message = []byte("another message") }},
	{"another scheme", BadSignature, func(c *trial) { c.Call.Scheme = signing.Vrnt1 }},
	{"the tenant is suspended", TenantSuspended, func(c *trial) { c.Tenant.SuspendedAt = start }},
	{"the version is revoked", VerdictRevoked, func(c *trial) { c.Key.Versions[0].RevokedAt = start }},
	{"the key is revoked", VerdictRevoked, func(c *trial) { c.Key.RevokedAt = start }},
	{"the role has revoked its keys", VerdictRevoked, func(c *trial) { c.Role.Epoch++ }},
	{"the version is disabled", VerdictDisabled, func(c *trial) { c.Key.Versions[0].DisabledAt = start }},
	{"the key is disabled", VerdictDisabled, func(c *trial) { c.Key.DisabledAt = start }},
	{"the key is deleted", VerdictDisabled, func(c *trial) { c.Key.DeletedAt = start }},
	{"expired", VerdictExpired, func(c *trial) { c.Key.Versions[0].ExpiresAt = start }},
	{"stamped before the node's start", TooOld, func(c *trial) { c.Since = start.Add(day) }},
	{"stamped ahead", TooNew, func(c *trial) { c.Call.Time = start.Add(61 * time.Second) }},
	{
		"from an unknown address",
		SourceDenied,
		func(c *trial) { ruled(c.Key, func(r *Rules) { r.CIDRs = match.RangesOf([]string{"192.0.2.0/24"}) }) },
	},
	{"from another address", SourceDenied, func(c *trial) {
		ruled(c.Key, func(r *Rules) { r.CIDRs = match.RangesOf([]string{"192.0.2.0/24", "2001:db8::/32"}) })
		c.From = netip.MustParseAddr("198.51.100.1")
	}},
	{
		"for a message, which has no path",
		OutOfScope,
		func(c *trial) { ruled(c.Key, func(r *Rules) { r.Scopes = match.ScopesOf([]string{"GET /wfo/**"}) }) },
	},
	{"for another path", OutOfScope, func(c *trial) {
		ruled(c.Key, func(r *Rules) { r.Scopes = match.ScopesOf([]string{"GET /wfo/**"}) })
		c.Head = head("GET /other")
	}},
	{"seen", Replayed, func(c *trial) { c.Seen = func() replay.Outcome { return replay.Seen } }},
}

// ruled changes the rules of a case's own key.
func ruled(k *Key, change func(*Rules)) {
	r := k.Rules.Get()
	change(&r)
	k.Rules = Intern(r)
}

func head(lines ...string) *signing.Head {
	h, err := signing.ParseHead([]byte(strings.Join(lines, "\n")))
	if err != nil {
		panic(err)
	}
	return h
}

// Every combination of faults, at most one for each verdict, has the verdict of the first
// of them: each verdict wins over all later ones.
func TestVerdictPrecedence(t *testing.T) {
	k, n := leased(), 0
	for chosen := range combinations(order) {
		c, want := goodCase(k, 1), Valid
		for _, f := range slices.Backward(chosen) { // those that take the key or the tenant away come last
			f.apply(c)
			want = f.verdict
		}
		got, v := c.Judge(start)
		if got != want {
			t.Fatalf("%v: %s, want %s", names(chosen), got, want)
		}
		if (v != nil) != got.Signed() || v != nil && v != &c.Key.Versions[0] {
			t.Fatalf("%v: %s with version %t", names(chosen), got, v != nil)
		}
		n++
	}
	if n != 6*3*2*4*4*2*2*2*3*3*2 {
		t.Errorf("%d combinations", n)
	}
}

// combinations returns all choices of no fault or one for each of the verdicts, in their order.
func combinations(verdicts []Verdict) iter.Seq[[]fault] {
	return func(yield func([]fault) bool) {
		var walk func(left []Verdict, chosen []fault) bool
		walk = func(left []Verdict, chosen []fault) bool {
			if len(left) == 0 {
				return yield(chosen)
			}
			more := walk(left[1:], chosen)
			for _, f := range faults {
				if more && f.verdict == left[0] {
					more = walk(left[1:], append(slices.Clone(chosen), f))
				}
			}
			return more
		}
		walk(verdicts, nil)
	}
}

func names(chosen []fault) []string {
	all := make([]string, len(chosen))
	for i, f := range chosen {
		all[i] = f.name
	}
	return all
}

// Each verdict is reached by some fault alone.
func TestEveryVerdictIsReached(t *testing.T) {
	reached := map[Verdict]bool{Valid: true}
	for _, f := range faults {
		reached[f.verdict] = true
	}
	for _, v := range order {
		if !reached[v] {
			t.Errorf("nothing leads to %s", v)
		}
		if v.Signed() != (v != UnknownKey && v != BadSignature) {
			t.Errorf("%s: signed %t", v, v.Signed())
		}
	}
	if Malformed.Signed() {
		t.Error("a malformed call counts as signed")
	}
}

func TestOldAndNewVersionVerifyAndTheCurrentOneSigns(t *testing.T) {
	k := rotated(newKey(), 1, start)
	for number := 1; number <= 2; number++ {
		if verdict, v := goodCase(k, number).Judge(start); verdict != Valid || v.Number != number {
			t.Errorf("version %d: %s", number, verdict)
		}
	}
	v, verdict := k.MaySign(acme(), start)
	if verdict != Valid || v.Number != 2 {
		t.Errorf("version %v signs, %s", v, verdict)
	}
	c := goodCase(k, 1)
	c.Call.KeyID = id(2)
	if verdict, _ := c.Judge(start); verdict != BadSignature {
		t.Errorf("one version's tag under another's ID: %s", verdict)
	}
}

func TestOverlappingVersionEndsExactly(t *testing.T) {
	k := rotated(newKey(overlap(100*time.Second)), 1, start)
	for after, want := range map[time.Duration]Verdict{100*time.Second - 1: Valid, 100 * time.Second: VerdictExpired} {
		if got, _ := goodCase(k, 1).Judge(start.Add(after)); got != want {
			t.Errorf("after %s: %s, want %s", after, got, want)
		}
	}
}

func TestCallOfAnotherSchemeIsABadSignature(t *testing.T) {
	for _, key := range []signing.Scheme{signing.Vrnt1, signing.HMACSHA256, signing.RFC9421} {
		for _, call := range []signing.Scheme{signing.Vrnt1, signing.HMACSHA256, signing.RFC9421} {
			c := goodCase(newKey(func(s *Settings) { s.Scheme = key }), 1)
			c.Call.Scheme = call
			want := BadSignature
			if key == call {
				want = Valid
			}
			if got, _ := c.Judge(start); got != want {
				t.Errorf("a %s call with a %s key: %s", call, key, got)
			}
		}
	}
}

// Unknown keys cost what bad signatures cost: each allocates what one MAC allocates.
func TestUnknownKeyComputesAMAC(t *testing.T) {
	known, unknown := goodCase(newKey(), 1), goodCase(newKey(), 1)
	known.Call.Message = []byte("tampered")
	unknown.Key, unknown.Tenant, unknown.Role = nil, nil, nil
	cost := func(c *trial, want Verdict) float64 {
		return testing.AllocsPerRun(100, func() {
			if got, _ := c.Judge(start); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	key, message := []byte("a key"), []byte("a message")
	mac := testing.AllocsPerRun(100, func() { signing.MAC(key, message) })
	bad, none := cost(known, BadSignature), cost(unknown, UnknownKey)
	if mac == 0 || bad < mac || none != bad {
		t.Errorf("a MAC allocates %v, a bad signature %v, an unknown key %v", mac, bad, none)
	}
}

func TestLeasedKeyWithoutARoleVerifiesUntilItsLeaseEnds(t *testing.T) {
	c := goodCase(leased(), 1)
	c.Role = nil
	if got, _ := c.Judge(start); got != Valid {
		t.Errorf("the role is gone: %s", got)
	}
	c.Role = role()
	c.Role.DeletedAt = start
	if got, _ := c.Judge(start); got != Valid {
		t.Errorf("the role is deleted: %s", got)
	}
	named := goodCase(newKey(), 1)
	named.Role.Epoch = 9
	if got, _ := named.Judge(start); got != Valid {
		t.Errorf("a named key and a role's epoch: %s", got)
	}
}
