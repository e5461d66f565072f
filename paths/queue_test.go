package paths_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// However often a tenant writes its own settings at once, the provider's suspension of it waits for one of these writes
// at most. What the rest asks for is done later, or is busy.
func TestNobodyPutsOffTheirOwnSuspension(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme := w.Tenant("acme")
		before, suspended, let := 0, false, make(chan struct{})
		w.Storage.Hooks(func(verb, path string) error {
			if verb == put && path == "tenants/acme" {
				<-let
			}
			return nil
		}, func(verb, path string) error {
			if verb != put || path != "tenants/acme" || suspended {
				return nil
			}
			entry, err := w.Storage.InmemStorage.Get(context.Background(), path)
			w.Must(err)
			if suspended = strings.Contains(string(entry.Value), "suspended_at"); !suspended {
				before++
			}
			return nil
		})
		var all sync.WaitGroup
		answers := make([]answer, 100)
		for i := range answers {
			all.Go(func() { answers[i] = acme.Trying().Patch("my", fields{"max_keys": 1 + i}) })
		}
		synctest.Wait()
		all.Go(func() { w.SPA().Write("admin/tenants/acme/suspend", nil) })
		synctest.Wait()
		close(let)
		all.Wait()
		if before > 1 || !suspended {
			t.Errorf("%d writes came before the suspension", before)
		}
		done, busy := 0, 0
		for _, a := range answers {
			switch {
			case a.Status == 200:
				done++
			case a.Status == 503 && strings.HasPrefix(a.Text, "busy"):
				busy++
			}
		}
		if done == 0 || busy == 0 || done+busy != len(answers) {
			t.Errorf("of %d, %d were done and %d were busy", len(answers), done, busy)
		}
	})
}

// What strangers send in a tenant's name, with its key ID and a wrong tag, waits in a queue of its own: it keeps
// nothing waiting that the tenant asks for itself.
func TestForgedCallsHoldUpTheirLikeAlone(t *testing.T) {
	alone(t, func(_ *testing.T, w *world) {
		acme := w.Tenant("acme")
		h := acme.Key(billing, fields{"scheme": "hmac-sha256"})
		long := strings.Repeat("x", 30<<10)
		forged := fields{"message": long, "signature": "v1:" + h.KeyID + ":" + strings.Repeat("A", 43)}
		release := busyWork(w)
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() { w.Root().Trying().Write("verify", forged) })
			all.Go(func() { acme.Trying().Write("my/verify", forged) })
		}
		synctest.Wait()
		w.Root().Refused(503, "more than 32").Write("verify", forged) // those that wait are bounded, too
		for _, ask := range []func(){
			func() { acme.Write("my/explain", h.Call()) },
			func() { acme.Write("my/external/sign/billing", fields{"message": long}) },
		} {
			all.Go(ask)
		}
		synctest.Wait()
		release()
		all.Wait()
	})
}
