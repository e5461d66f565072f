//go:build acceptance

package acceptance

import (
	"fmt"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/client/verify"

	"vault-plugin-secrets-apikeys/signing"
)

// BenchmarkVerifier has callers verify through a verifier, and one by one.
func BenchmarkVerifier(b *testing.B) {
	vault, key := gateway(b)
	for _, callers := range []int{1, 64, 512} {
		b.Run(
			fmt.Sprintf("callers=%d/one by one", callers),
			func(b *testing.B) { crowdBench(b, callers, key, oneByOne{vault}) },
		)
		for _, row := range []struct {
			name string
			opts []verify.VerifierOption
		}{
			{"in flight=1", []verify.VerifierOption{verify.WithInFlight(1)}},
			{"in flight=2", []verify.VerifierOption{verify.WithInFlight(2)}},
			{"in flight=4", []verify.VerifierOption{verify.WithInFlight(4)}},
			{"in flight=1,audit items", []verify.VerifierOption{verify.WithInFlight(1), verify.WithAuditItems()}},
		} {
			b.Run(fmt.Sprintf("callers=%d/verifier/%s", callers, row.name), func(b *testing.B) {
				v, err := verify.NewVerifier(vault, "apikeys/verify", row.opts...)
				if err != nil {
					b.Fatal(err)
				}
				crowdBench(b, callers, key, v)
				if err := v.Close(); err != nil {
					b.Error(err)
				}
			})
		}
	}
}

func crowdBench(b *testing.B, callers int, key *signing.Key, judge verify.Judge) {
	b.Helper()
	calls, err := callsOf(key, b.N)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	if err := crowdOf(callers, calls, judge); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkVerifierGain tells how many times the calls one by one 64 callers get through a verifier. Both have their
// turn in each round, a tenth of a second each, so that the machine is the same to both.
func BenchmarkVerifierGain(b *testing.B) {
	const callers, few, many = 64, 200, 2000
	vault, key := gateway(b)
	v, err := verify.NewVerifier(vault, "apikeys/verify")
	if err != nil {
		b.Fatal(err)
	}
	calls, err := callsOf(key, b.N*(few+many))
	if err != nil {
		b.Fatal(err)
	}
	var apart, together time.Duration
	b.ResetTimer()
	for round := range b.N {
		of := calls[round*(few+many):][:few+many]
		before := time.Now()
		if err := crowdOf(callers, of[:few], oneByOne{vault}); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if err := crowdOf(callers, of[few:], v); err != nil {
			b.Fatal(err)
		}
		apart, together = apart+between.Sub(before), together+time.Since(between)
	}
	b.ReportMetric(apart.Seconds()/together.Seconds()*many/few, "times")
	if err := v.Close(); err != nil {
		b.Error(err)
	}
}
