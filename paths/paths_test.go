package paths

import (
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// Verdicts are counted for the whole mount, so however many tenants there are, there are as
// many numbers as verdicts, and none tells of a tenant.
func TestVerdictsAreCountedForAll(t *testing.T) {
	v := newVerdicts()
	for range 1000 {
		for _, verdict := range apikey.Verdicts {
			v.count(verdict)
		}
	}
	if len(v) != len(apikey.Verdicts) || v[apikey.Valid].Load() != 1000 {
		t.Errorf("%d numbers, %d valid", len(v), v[apikey.Valid].Load())
	}
}
