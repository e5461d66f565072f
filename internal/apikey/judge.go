package apikey

import (
	"net/netip"
	"time"

	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/signing"
)

// JudgeInput is a call, with what it is judged by.
type JudgeInput struct {
	Call  *signing.Call
	Head  *signing.Head // of a request; nil: the call is a message
	From  netip.Addr    // where it came from; the zero value is not known
	Grant *Grant        // of the version that the call names

	Since  time.Time // calls stamped before are too old; zero: none
	Strict bool      // a call is only good once, whatever the grant says

	// Seen reports whether the call has been seen before, recording it. It is asked last
	// and only for calls that are otherwise valid. Nil: they are not asked about.
	Seen func() replay.Outcome
}

// Judgement is what judging a call found.
type Judgement struct {
	Verdict   Verdict
	Variants  signing.Compat // that the call needed, where its signature is right
	ScopeRule ScopeRule      // why it is out of scope
	Replay    replay.Outcome
	Steps     int // what was looked at beside the signature: bytes, segments, ranges
}

// Judge judges a call. It computes one MAC whatever the outcome; where a grant lets variants
// in, as many as those that fit the call make.
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

// unsigned returns the verdict on a call without a right tag. One of a deviating form is
// malformed, whether or not there is a key that lets the form in: callers that cannot sign
// must not learn that.
func (in *JudgeInput) unsigned(strict Verdict) Verdict {
	//mutate:false "nothing told of forms before the signature" TestFormsAreMalformedUnlessLetIn
	if len(in.Call.Form) > 0 {
		return Malformed
	}
	return strict
}

// at returns what stands against all calls at now; Valid: nothing.
func (g *Grant) at(now time.Time) Verdict {
	//mutate:false:3 "expired versions" TestExpiryIsExactToTheSecond
	if g.Standing == Valid && !g.ExpiresAt.IsZero() && !now.Before(g.ExpiresAt) {
		return VerdictExpired
	}
	return g.Standing
}

// clock judges the time stamp, where the scheme has one.
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
