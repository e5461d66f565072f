package paths_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// leaver is a caller that goes after so many looks at whether it is there.
type leaver struct {
	context.Context
	looks, after atomic.Int64
	until        int64
}

func (l *leaver) Err() error {
	if l.looks.Add(1) <= l.until {
		return nil
	}
	l.after.Add(1)
	return context.Canceled
}

// Whatever does many things stops when its caller goes: one more is done at most.
func TestWorkStopsWhenItsCallerGoes(t *testing.T) {
	const n, gone = 60, 20
	unknown := make([]any, n)
	for i := range unknown {
		unknown[i] = fields{"message": "m", "signature": fmt.Sprintf("v1:unknown%02d:%s", i, strings.Repeat("A", 43))}
	}
	texts := make([]any, n)
	for i := range texts {
		texts[i] = fields{"message": fmt.Sprint(i)}
	}
	keys := make([]any, n)
	for _, row := range []struct {
		name string
		ask  func(w *world, acme person) *logical.Request
		verb string // what each costs of storage
		most int    // operations after the caller has gone; 0: two, which are one item
	}{
		{"verify", func(w *world, _ person) *logical.Request {
			return w.Root().Request(logical.UpdateOperation, "verify", fields{"batch": unknown})
		}, get, 0},
		{"verify of a tenant's own", func(_ *world, acme person) *logical.Request {
			return acme.Request(logical.UpdateOperation, "my/verify", fields{"batch": unknown})
		}, get, 0},
		{"list", func(_ *world, acme person) *logical.Request {
			return acme.Request(logical.ListOperation, "my/internal/keys", nil)
		}, get, 0},
		{"due", func(_ *world, acme person) *logical.Request {
			return acme.Request(logical.ReadOperation, "my/due", nil)
		}, get, 0},
		{"report", func(_ *world, acme person) *logical.Request {
			return acme.Request(logical.ReadOperation, "my/report", nil)
		}, get, 0},
		{"admin/report", func(w *world, _ person) *logical.Request {
			return w.Root().Request(logical.ReadOperation, "admin/report", nil)
		}, get, 0},
		{"list of tenants", func(w *world, _ person) *logical.Request {
			for i := range n {
				w.Tenant(fmt.Sprintf("many%02d", i))
			}
			return w.Root().Request(logical.ListOperation, "admin/tenants", nil)
		}, get, 0},
		{"list of roles", func(_ *world, acme person) *logical.Request {
			for i := range n {
				acme.Write(fmt.Sprintf("my/internal/roles/r%02d", i), fields{"ttl": "1h"})
			}
			return acme.Request(logical.ListOperation, "my/internal/roles", nil)
		}, get, 0},
		{"list of leased keys", func(_ *world, acme person) *logical.Request {
			acme.Write("my/internal/roles/app", fields{"ttl": "1h"})
			for range n {
				acme.Read("tenants/acme/internal/creds/app")
			}
			return acme.Request(logical.ListOperation, "my/internal/leased", nil)
		}, get, 0},
		{"tidy", func(w *world, _ person) *logical.Request {
			return w.Root().Request(logical.UpdateOperation, "tidy", nil)
		}, get, 0},
		{"import", func(w *world, acme person) *logical.Request { // each of 16 at the same time ends what it has begun
			for i := range keys {
				_, keys[i] = foreign(w, fmt.Sprintf("%c1Imported", 'a'+i%26)+fmt.Sprint(i))
			}
			return acme.Request(logical.UpdateOperation, "my/external/import", fields{"keys": keys})
		}, put, 3 * 16},
		{"import, tried", func(w *world, acme person) *logical.Request {
			for i := range keys {
				_, keys[i] = foreign(w, fmt.Sprintf("%c0Imported", 'a'+i%26)+fmt.Sprint(i))
			}
			return acme.Request(logical.UpdateOperation, "my/external/import", fields{"keys": keys, "dry_run": true})
		}, get, 0},
	} {
		alone(t, func(t *testing.T, w *world) {
			acme := w.Tenant("acme")
			for i := range n {
				acme.Write(fmt.Sprintf("my/internal/keys/k%02d", i), fields{"scheme": "hmac-sha256"})
			}
			req := row.ask(w, acme)
			w.Restart()
			acme.Read("my")
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			seen, after := 0, 0
			w.Storage.Hooks(func(verb, path string) error {
				if verb != row.verb || strings.HasPrefix(path, "usage/") {
					return nil
				}
				if seen++; seen == gone {
					leave()
				} else if seen > gone {
					after++
				}
				return nil
			}, nil)
			req.Storage = w.Storage
			_, err := w.Engine.HandleRequest(ctx, req)
			if seen < gone || after > max(2, row.most) {
				t.Errorf("%s: %d operations of storage, %d after its caller had gone: %v", row.name, seen, after, err)
			}
			if strings.Contains(w.Log.String(), "[ERROR]") {
				t.Errorf("%s: %s", row.name, w.Log)
			}
		})
	}
	// A signature costs no storage: what is counted is how often the caller was looked for.
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Write("my/internal/keys/k", fields{"scheme": "hmac-sha256"})
		for _, until := range []int64{5, 20} {
			req := acme.Request(logical.UpdateOperation, "my/internal/sign/k", fields{"batch": texts})
			req.Storage = w.Storage
			ctx := &leaver{Context: t.Context(), until: until}
			if _, err := w.Engine.HandleRequest(ctx, req); err == nil || ctx.after.Load() > 1 {
				t.Errorf("sign: %v, and %d looked for a caller who had gone", err, ctx.after.Load())
			}
		}
	})
}

// While all that one tenant may have at work waits for storage, its next requests wait,
// too many are turned away, and another tenant's are answered at once.
func TestOneTenantsWorkHoldsUpItsOwnAlone(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h := bolt.Key("my/external/keys/billing", nil)
		own := acme.Key("my/external/keys/billing", nil)
		w.Restart()
		own.Finds("valid")
		slow := make(chan struct{})
		w.Storage.Hooks(func(verb, path string) error {
			if verb == list && strings.Contains(path, "acme") {
				<-slow
			}
			return nil
		}, nil)
		var all sync.WaitGroup
		var mu sync.Mutex
		told := map[string]int{}
		for range 1000 {
			all.Go(func() {
				req := acme.Request(logical.ReadOperation, "my/due", nil)
				req.Storage = w.Storage
				resp, err := w.Engine.HandleRequest(t.Context(), req)
				a := newAnswer(t, req, resp, err)
				what, _, _ := strings.Cut(a.Text, " of this tenant")
				mu.Lock()
				told[fmt.Sprint(a.Status, " ", what)]++
				mu.Unlock()
			})
		}
		synctest.Wait()
		began := time.Now()
		bolt.Read("my/due")
		bolt.Read("my/report")
		h.Finds("valid")
		own.Finds("valid") // its plain calls go on, too
		if waited := time.Since(began); waited != 0 {
			t.Errorf("another tenant waited %s", waited)
		}
		time.Sleep(6 * time.Second)
		close(slow)
		all.Wait()
		if told["503 busy: costly requests"] != 32 || told["503 busy: more than 32 costly requests"] < 500 ||
			told["200 "] == 0 {
			t.Errorf("%v", told)
		}
	})
}

// While a tenant's explanations take all its places, its long messages wait as well, for so
// long; its plain calls do not, nor do another's.
func TestExplanationsAndLongSignaturesWait(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, bolt := w.Tenant("acme"), w.Tenant("bolt")
		h := bolt.Key("my/external/keys/billing", nil)
		own := acme.Key("my/external/keys/billing", nil)
		acme.Write("my/internal/keys/signer", fields{"scheme": "hmac-sha256"})
		slow := make(chan struct{})
		w.Storage.Hooks(func(_, path string) error {
			if strings.Contains(path, "unknown") {
				<-slow
			}
			return nil
		}, nil)
		var all sync.WaitGroup
		asking := 2 * runtime.GOMAXPROCS(0)
		for i := range asking {
			all.Go(func() {
				req := acme.Request(
					logical.UpdateOperation,
					"my/explain",
					fields{"message": "m", "signature": fmt.Sprintf("v1:unknown%02d:%s", i, strings.Repeat("A", 43))},
				)
				req.Storage = w.Storage
				_, _ = w.Engine.HandleRequest(t.Context(), req)
			})
		}
		synctest.Wait()
		began := time.Now()
		h.Finds("valid")
		own.Finds("valid")
		acme.Write("my/internal/sign/signer", fields{"message": "short"})
		if waited := time.Since(began); waited != 0 {
			t.Errorf("plain calls waited %s", waited)
		}
		acme.Refused(503, "busy").Write("my/internal/sign/signer", fields{"message": strings.Repeat("m", 1<<20)})
		acme.Refused(503, "busy").Write("my/explain", own.Call())
		if waited := time.Since(began); waited != 10*time.Second {
			t.Errorf("costly calls waited %s", waited)
		}
		close(slow)
		all.Wait()
		acme.Write("my/internal/sign/signer", fields{"message": strings.Repeat("m", 1<<20)})
	})
}

// Imports of one tenant wait for each other, however many of their workers there are.
func TestParallelImportsWaitForEachOther(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		acme.Read("my")
		w.Storage.Hooks(func(verb, _ string) error {
			if verb == put {
				time.Sleep(5 * time.Millisecond)
			}
			return nil
		}, nil)
		var all sync.WaitGroup
		for i := range 8 {
			keys := make([]any, 32)
			for j := range keys {
				_, keys[j] = foreign(w, fmt.Sprintf("%c%dImported%02d", 'a'+j%16, i, j))
			}
			all.Go(func() {
				for j, r := range acme.Write("my/external/import", fields{"keys": keys}).Rows("results") {
					if r["ok"] != true {
						t.Errorf("import %d, key %d: %v", i, j, r["error"])
					}
				}
			})
		}
		all.Wait()
	})
}
