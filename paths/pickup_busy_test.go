package paths_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/vault/sdk/logical"
)

// A pickup whose turn does not come has not used up its call, which is good later.
func TestBusyPickupIsSentAgain(t *testing.T) {
	alone(t, func(t *testing.T, w *world) {
		acme, box := w.Tenant("acme"), newMailbox(t)
		old := acme.Key(billing, fields{"recipients": []any{box.recipient()}})
		acme.Write(billing+"/rotate", nil)
		slow := make(chan struct{})
		w.Storage.Hooks(func(verb, path string) error {
			if verb == list && strings.Contains(path, "acme") {
				<-slow
			}
			return nil
		}, nil)
		var all sync.WaitGroup
		for range 2 * runtime.GOMAXPROCS(0) { // all that may go on at once
			all.Go(func() {
				req := acme.Request(logical.ReadOperation, "my/due", nil)
				req.Storage = w.Storage
				_, _ = w.Engine.HandleRequest(t.Context(), req)
			})
		}
		synctest.Wait()
		call := old.Call()
		w.Root().Refused(503, "busy").Write("pickup", call)
		w.Root().Write("pickup", old.Forged()).Is(fields{"verdict": "bad_signature"}) // waits for nothing
		close(slow)
		all.Wait()
		box.holder(w, w.Root().Write("pickup", call)).Finds("valid")
		w.Root().Write("pickup", call).Is(fields{"verdict": "replayed", "sealed": nil})
	})
}
