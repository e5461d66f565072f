package paths_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// BenchmarkVictim measures a tenant's plain verify while another sends its worst, 16 at a
// time: its median, and what 1 of 100 takes. Figures to report, not to hold anybody to.
func BenchmarkVictim(b *testing.B) {
	x := newBench(b)
	evil := x.Tenant("evil")
	h := evil.Key("my/internal/keys/long", fields{"scheme": "hmac-sha256"})
	lenient := evil.Key(
		"my/internal/keys/lenient",
		fields{"scheme": "vrnt-1", "compat": []any{"headers_sorted", "header_value_case", "path_query"}},
	)
	long := strings.Repeat("m", 1<<20)
	items := make([]any, 1000)
	for i := range items {
		items[i] = looking(h.Call())
	}
	for i := range 250 {
		evil.Write(fmt.Sprintf("my/internal/keys/k%03d", i), nil)
	}
	for _, row := range []struct {
		name, path string
		op         logical.Operation
		f          fields
	}{
		{"nothing", "", "", nil},
		{
			"explain of 1 MiB", "my/explain", logical.UpdateOperation,
			fields{"message": long, "signature": h.Forged()["signature"]},
		},
		{
			"explain of a body of 1 MiB", "my/explain", logical.UpdateOperation,
			fields{"request": lenient.Forged()["request"], "body": long},
		},
		{
			"messages of 1 MiB", "my/verify", logical.UpdateOperation,
			fields{"message": long, "signature": h.Forged()["signature"]},
		},
		{"signing 1 MiB", "my/internal/sign/long", logical.UpdateOperation, fields{"message": long}},
		{"batches of 1000", "my/verify", logical.UpdateOperation, fields{"batch": items, "replay_check": false}},
		{"reports", "my/report", logical.ReadOperation, nil},
	} {
		b.Run(row.name, func(b *testing.B) {
			ctx, stop := context.WithCancel(b.Context())
			var all sync.WaitGroup
			defer all.Wait()
			defer stop()
			for range 16 {
				if row.path == "" {
					break
				}
				all.Go(func() {
					for ctx.Err() == nil {
						req := evil.Request(row.op, row.path, row.f)
						req.Storage = x.Storage
						_, _ = x.Engine.HandleRequest(ctx, req) // busy is an answer, too
					}
				})
			}
			took := make([]time.Duration, 0, 1<<16)
			req := x.Root().Request(logical.PatchOperation, "verify", looking(x.h.Call()))
			req.Storage = x.Storage
			for b.Loop() {
				time.Sleep(time.Millisecond) // as calls come from outside: whoever spins keeps its processor
				began := time.Now()
				if resp, err := x.Engine.HandleRequest(b.Context(), req); err != nil ||
					resp.Data["verdict"] != "valid" {
					b.Fatal(resp, err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-median")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
			b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "processors")
		})
	}
}
