package paths_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
	"vault-plugin-secrets-apikeys/signing"
)

// BenchmarkTiming asks whether a stranger could tell by the time of an answer what it does
// not say: whether a key ID exists, and how much of a tag was right. The samples of both
// sides are interleaved at random. It reports the medians, their difference, and Welch's t
// of all samples but the slowest tenth: beyond 4.5 either way, the sides differ.
func BenchmarkTiming(b *testing.B) {
	x := newBench(b)
	now := time.Now()
	right := x.h.Head("GET /wfo/agents HTTP/1.1", now)
	stranger := withKeyID(x.h, "0123456789abcdef").Head("GET /wfo/agents HTTP/1.1", now)
	first, last := spoiled(b, right, 0), spoiled(b, right, signing.TagSize-1)

	b.Run("core/unknown key or bad signature", func(b *testing.B) {
		compare(b, x.judges(b, stranger, apikey.UnknownKey), x.judges(b, first, apikey.BadSignature))
	})
	b.Run("core/first or last byte of the tag", func(b *testing.B) {
		compare(b, x.judges(b, first, apikey.BadSignature), x.judges(b, last, apikey.BadSignature))
	})
	b.Run("handler/unknown key or bad signature", func(b *testing.B) {
		compare(b, x.verifies(b, stranger, apikey.UnknownKey), x.verifies(b, first, apikey.BadSignature))
	})
	b.Run("handler/first or last byte of the tag", func(b *testing.B) {
		compare(b, x.verifies(b, first, apikey.BadSignature), x.verifies(b, last, apikey.BadSignature))
	})
	b.Run("none", func(b *testing.B) { // what the measuring itself finds where there is nothing
		compare(b, x.judges(b, first, apikey.BadSignature), x.judges(b, first, apikey.BadSignature))
	})
}

// spoiled returns a head whose tag is wrong in one byte alone.
func spoiled(b *testing.B, text string, at int) string {
	b.Helper()
	head, err := signing.ParseHead([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	authorization := head.Values("Authorization")[0]
	v, err := signing.ParseVrnt1Header(authorization)
	if err != nil {
		b.Fatal(err)
	}
	v.Tag[at] ^= 1
	return text[:len(text)-len(authorization)-1] + v.String() + "\n"
}

// judges returns the core's judging of a head.
func (x *bench) judges(b *testing.B, text string, want apikey.Verdict) func() {
	b.Helper()
	head, err := signing.ParseHead([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	call, err := signing.ParseCall(head)
	if err != nil {
		b.Fatal(err)
	}
	config, now := tenant.DefaultConfig(), time.Now()
	var key *apikey.Key
	if want != apikey.UnknownKey {
		v := vector{KeyID: call.KeyID, Key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", Now: now}
		key = v.record(b, "uid")
	}
	judge := func() apikey.Verdict {
		g, _ := apikey.GrantOf(call.KeyID, key, tenant.New("acme", now), nil, config)
		return apikey.Judge(&apikey.JudgeInput{Call: call, Head: head, Grant: &g}, now).Verdict
	}
	if got := judge(); got != want {
		b.Fatal(got)
	}
	return func() { judge() }
}

// verifies returns the handler's answering of a head.
func (x *bench) verifies(b *testing.B, text string, want apikey.Verdict) func() {
	b.Helper()
	req := x.Root().Request(logical.PatchOperation, "verify", fields{"request": text})
	req.Storage = x.Storage
	ask := func() any {
		resp, err := x.Engine.HandleRequest(context.Background(), req)
		if err != nil {
			b.Fatal(err)
		}
		return resp.Data["verdict"]
	}
	if got := ask(); got != string(want) {
		b.Fatal(got)
	}
	return func() { ask() }
}

// compare times both sides once in each round, in an order of chance.
func compare(b *testing.B, left, right func()) {
	b.Helper()
	sides := [2]func(){left, right}
	var samples [2][]float64
	for b.Loop() {
		first := rand.IntN(2)
		for _, i := range []int{first, 1 - first} {
			began := time.Now()
			sides[i]()
			samples[i] = append(samples[i], float64(time.Since(began)))
		}
	}
	for i := range samples {
		slices.Sort(samples[i])
	}
	l, r := samples[0][len(samples[0])/2], samples[1][len(samples[1])/2]
	b.ReportMetric(l, "left-ns")
	b.ReportMetric(r, "right-ns")
	b.ReportMetric(r-l, "more-ns")
	b.ReportMetric(welch(cropped(samples[0]), cropped(samples[1])), "t")
}

// cropped leaves out the slowest tenth of sorted samples: those were interrupted.
func cropped(sorted []float64) []float64 { return sorted[:(len(sorted)*9+9)/10] }

// welch returns Welch's t of two sets of samples, or 0 when they are too few.
func welch(l, r []float64) float64 {
	meanL, varL := moments(l)
	meanR, varR := moments(r)
	spread := math.Sqrt(varL/float64(len(l)) + varR/float64(len(r)))
	if spread == 0 || len(l) < 2 || len(r) < 2 {
		return 0
	}
	return (meanR - meanL) / spread
}

func moments(samples []float64) (mean, variance float64) {
	for i, x := range samples {
		step := x - mean
		mean += step / float64(i+1)
		variance += step * (x - mean)
	}
	return mean, variance / float64(max(len(samples)-1, 1))
}
