package paths_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
)

// bench is a warm world. Its requests run as the plugin's process sees them: without gRPC,
// Vault's policies and its audit, which cost more than all this.
type bench struct {
	*world
	acme person
	h, m holder // of vrnt-1 and of hmac-sha256
}

func newBench(b *testing.B) *bench {
	w := newWorld(b)
	acme := w.Tenant("acme")
	w.Root().Write("config", fields{"max_leased": 1_000_000})
	acme.Write("my/external/roles/app", nil)
	return &bench{
		w, acme,
		acme.Key(billing, fields{"metadata": fields{"team": "red"}}),
		acme.Key("my/external/keys/orders", fields{"scheme": "hmac-sha256"}),
	}
}

// run measures one request, again and again; it has to be answered well.
func (x *bench) run(b *testing.B, who person, op logical.Operation, path string, f fields) {
	b.Helper()
	b.ReportAllocs()
	req := who.Request(op, path, f)
	req.Storage = x.Storage
	for b.Loop() {
		resp, err := x.Engine.HandleRequest(context.Background(), req)
		if err != nil || resp.IsError() {
			b.Fatal(err, resp)
		}
	}
}

// looking has a call judged as often as it comes, replay table and all.
func looking(f fields) fields {
	f["replay_check"] = false
	return f
}

func BenchmarkVerify(b *testing.B) {
	x := newBench(b)
	b.Run("peer", func(b *testing.B) { peer(b, x.h, x.h.Call()["request"].(string)) })
	b.Run("vrnt-1", func(b *testing.B) { x.run(b, x.Root(), logical.PatchOperation, "verify", looking(x.h.Call())) })
	b.Run("hmac-sha256", func(b *testing.B) { x.run(b, x.Root(), logical.PatchOperation, "verify", x.m.Call()) })
	b.Run("of the tenant's own", func(b *testing.B) {
		x.run(b, x.acme, logical.PatchOperation, "my/verify", looking(x.h.Call()))
	})
	b.Run("unknown", func(b *testing.B) {
		x.run(b, x.Root(), logical.PatchOperation, "verify", withKeyID(x.h, "0123456789abcdef").Call())
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		req := x.Root().Request(logical.PatchOperation, "verify", looking(x.h.Call()))
		req.Storage = x.Storage
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := x.Engine.HandleRequest(context.Background(), req); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkVerifyBatchOf500(b *testing.B) {
	x := newBench(b)
	items := make([]any, 500)
	for i := range items {
		items[i] = x.h.Call()
	}
	text, err := json.Marshal(items)
	if err != nil {
		b.Fatal(err)
	}
	for name, batch := range map[string]any{"batch": items, "batch_json": string(text)} {
		b.Run(name, func(b *testing.B) {
			x.run(b, x.Root(), logical.PatchOperation, "verify", fields{name: batch, "replay_check": false})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/item")
		})
	}
}

func BenchmarkSign(b *testing.B) {
	x := newBench(b)
	head := "GET /wfo/agents HTTP/1.1\nHost: api.example.com\n"
	b.Run("peer", func(b *testing.B) { peer(b, x.h, head) })
	b.Run("vrnt-1", func(b *testing.B) {
		x.run(b, x.acme, logical.PatchOperation, "my/external/sign/billing", fields{"request": head})
	})
	b.Run("hmac-sha256", func(b *testing.B) {
		x.run(b, x.acme, logical.PatchOperation, "my/external/sign/orders", fields{"message": head})
	})
	b.Run("batch of 500", func(b *testing.B) {
		items := make([]any, 500)
		for i := range items {
			items[i] = head
		}
		x.run(b, x.acme, logical.PatchOperation, "my/external/sign/billing", fields{"batch": items})
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/item")
	})
}

func BenchmarkCreds(b *testing.B) {
	x := newBench(b)
	x.run(b, x.acme, logical.ReadOperation, "tenants/acme/external/creds/app", nil)
}

func BenchmarkRotate(b *testing.B) {
	x := newBench(b)
	x.run(b, x.acme, logical.UpdateOperation, billing+"/rotate", fields{"overlap": 0})
}

// peer is the least that any of this can cost: one MAC of the same bytes, as text.
func peer(b *testing.B, h holder, text string) {
	b.ReportAllocs()
	for b.Loop() {
		mac := hmac.New(sha256.New, h.Secret)
		mac.Write([]byte(text))
		if s := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); len(s) != 43 {
			b.Fatal(fmt.Sprint(len(s)))
		}
	}
}
