package apikey

// Verdict is the result of verification. The zero value is not a verdict.
type Verdict string

// The verdicts, in the order in which they are judged.
const (
	Malformed       Verdict = "malformed"
	UnknownKey      Verdict = "unknown_key"
	BadSignature    Verdict = "bad_signature"
	TenantSuspended Verdict = "tenant_suspended"
	VerdictRevoked  Verdict = "revoked"
	VerdictDisabled Verdict = "disabled"
	VerdictExpired  Verdict = "expired"
	TooOld          Verdict = "too_old"
	TooNew          Verdict = "too_new"
	SourceDenied    Verdict = "source_denied"
	OutOfScope      Verdict = "out_of_scope"
	Replayed        Verdict = "replayed"
	Valid           Verdict = "valid"
)

// Verdicts are all verdicts, in the order in which they are judged.
var Verdicts = []Verdict{
	Malformed,
	UnknownKey,
	BadSignature,
	TenantSuspended,
	VerdictRevoked,
	VerdictDisabled,
	VerdictExpired,
	TooOld,
	TooNew,
	SourceDenied,
	OutOfScope,
	Replayed,
	Valid,
}

// Signed reports whether the call had a right signature, so that the answer may describe the key.
func (v Verdict) Signed() bool {
	return v != Malformed && v != UnknownKey && v != BadSignature
}
