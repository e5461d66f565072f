package judge

import (
	"slices"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// TestCodes holds that the codes are the engine's verdicts, in its order, and that they are signed where its are.
func TestCodes(t *testing.T) {
	codes := []Code{
		Malformed, UnknownKey, BadSignature, TenantSuspended, Revoked, Disabled, Expired, TooOld, TooNew, SourceDenied,
		OutOfScope, Replayed, Valid,
	}
	var verdicts []Code
	for _, v := range apikey.Verdicts {
		verdicts = append(verdicts, Code(v))
		if Code(v).Signed() != v.Signed() {
			t.Errorf("%s: signed %v", v, Code(v).Signed())
		}
	}
	if !slices.Equal(codes, verdicts) {
		t.Errorf("codes %v, verdicts %v", codes, verdicts)
	}
	if Code("").Signed() || Code("of a later engine").Signed() {
		t.Error("a code that is not known is signed")
	}
}
