package apikey

import (
	"net/netip"
	"time"

	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/signing"
)

// JudgeInput is a call and everything it is judged by.
type JudgeInput struct {
	Call  *signing.Call
	Head  *signing.Head // the request's head; nil: the call is a message
	From  netip.Addr    // the caller's address; the zero value: not known
	Grant *Grant        // of the version that the call names

	Since  time.Time // calls stamped earlier are too old; zero: no such limit
	Strict bool      // a call is accepted once, whatever the grant says

	// Seen records the call and reports whether it was seen before. Judge asks it last, and only about calls
	// that are otherwise valid. Nil: replays are not checked.
	Seen func() replay.Outcome
}

// Judgement is the result of judging a call.
type Judgement struct {
	Verdict   Verdict
	Variants  signing.Compat // the variants that the call needed, if its signature is right
	ScopeRule ScopeRule      // why the call is out of scope
	Replay    replay.Outcome
	Steps     int // the work beside the signature: bytes, segments and ranges looked at
}

// Judge judges a call. It computes one MAC whatever the verdict. If the grant accepts variants, it computes one
// MAC for each combination of them that fits the call.
func Judge(in *JudgeInput, now time.Time) Judgement {
	//mutate:before "one MAC for unknown keys too" TestUnknownKeyComputesAMAC
	//mutate:more => if in.Grant.Standing == UnknownKey { return Judgement{Verdict: in.unsigned(UnknownKey)} }
	g := in.Grant
	//mutate:before "nothing told before the signature" TestVerdictPrecedence
	//mutate:more => if g.Standing != Valid && g.Standing != UnknownKey { return Judgement{Verdict: g.Standing} }
	matched, signed := g.MAC.SignedAs(in.Call, g.Compat)
	if g.Standing == UnknownKey {
		return Judgement{Verdict: in.unsigned(UnknownKey)}
	}
	//mutate:false:1 "the signature" TestEveryVerdictIsReached|TestVerdictPrecedence
	//mutate:false:2 "the key's scheme" TestCallOfAnotherSchemeIsABadSignature
	if !signed || in.Call.Scheme != g.Scheme {
		return Judgement{Verdict: in.unsigned(BadSignature)}
	}
	j := Judgement{Verdict: g.at(now), Variants: matched}
	if j.Verdict == Valid {
		j.Verdict = in.clock(now)
	}
	if j.Verdict == Valid {
		j.restrict(in)
	}
	//mutate:false:3 "replays" TestEveryVerdictIsReached|TestSeenIsAskedLast
	if j.Verdict == Valid && (g.Replay || in.Strict) && in.Call.Nonce != "" && in.Seen != nil {
		if j.Replay = in.Seen(); j.Replay != replay.New {
			j.Verdict = Replayed
		}
	}
	return j
}

// unsigned returns the verdict on a call whose tag is wrong. A call of a deviating form is malformed, even if
// the key accepts that form, because callers that cannot sign must not learn what the key accepts.
func (in *JudgeInput) unsigned(strict Verdict) Verdict {
	//mutate:false "nothing told of forms before the signature" TestFormsAreMalformedUnlessLetIn
	if len(in.Call.Form) > 0 {
		return Malformed
	}
	return strict
}

// at returns the verdict that all calls get at now, or Valid.
func (g *Grant) at(now time.Time) Verdict {
	//mutate:false:3 "expired versions" TestExpiryIsExactToTheSecond
	if g.Standing == Valid && !g.ExpiresAt.IsZero() && !now.Before(g.ExpiresAt) {
		return VerdictExpired
	}
	return g.Standing
}

// clock judges the call's time stamp, if its scheme has one.
func (in *JudgeInput) clock(now time.Time) Verdict {
	stamp := in.Call.Time
	if stamp.IsZero() {
		return Valid
	}
	switch age := now.Sub(stamp); {
	//mutate:false:3 "calls after their own end" TestExpiresOfACall
	//mutate:false:1 "old calls" TestClockWindow
	//mutate:false:2 "calls from before the start" TestSince
	case age > in.Grant.Past || stamp.Before(in.Since) || !in.Call.Expires.IsZero() && !now.Before(in.Call.Expires):
		return TooOld
	//mutate:false "calls from the future" TestClockWindow
	case age < -in.Grant.Future:
		return TooNew
	default:
		return Valid
	}
}
