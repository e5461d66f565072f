package backend_test

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
		acme, box := w.tenant("acme"), newMailbox(t)
		old := acme.key(billing, fields{"recipients": []any{box.recipient()}})
		acme.write(billing+"/rotate", nil)
		slow := make(chan struct{})
		w.storage.hooks(func(verb, path string) error {
			if verb == list && strings.Contains(path, "acme") {
				<-slow
			}
			return nil
		}, nil)
		var all sync.WaitGroup
		for range 2 * runtime.GOMAXPROCS(0) { // all that may go on at once
			all.Go(func() {
				req := acme.request(logical.ReadOperation, "my/due", nil)
				req.Storage = w.storage
				_, _ = w.engine.HandleRequest(t.Context(), req)
			})
		}
		synctest.Wait()
		call := old.call()
		w.root().refused(503, "busy").write("pickup", call)
		w.root().write("pickup", old.forged()).is(fields{"verdict": "bad_signature"}) // waits for nothing
		close(slow)
		all.Wait()
		box.holder(w, w.root().write("pickup", call)).finds("valid")
		w.root().write("pickup", call).is(fields{"verdict": "replayed", "sealed": nil})
	})
}
