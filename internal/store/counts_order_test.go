package store

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// Vault revokes a lease once more while its ended key is erased: what that means for the tenant's places is noted
// before the record can go. Afterwards it would be noted of a key that is not there, and one more could live than may.
func TestEndNotedBeforeItsKeyIsErased(t *testing.T) {
	w := newWorld(t)
	end := func() {
		w.changeLeased(id(1), func(k *apikey.Key) (*apikey.Key, error) { return k.End(start), nil })
	}
	w.issue(id(1))
	w.issue(id(2))
	end()
	w.counted("one lives", 0, 1)
	c := w.st.counts.of(familyLeased, w.tenant.UID)
	c.mu.Lock() // nothing can be noted yet
	var group sync.WaitGroup
	ended := make(chan struct{})
	group.Go(func() {
		defer close(ended)
		end()
	})
	for !running("store.(*counts).changed") {
		select {
		case <-ended:
			t.Fatal("nothing is noted")
		case <-time.After(time.Millisecond):
		}
	}
	locks := w.st.keys.locks
	locks.mu.Lock()
	if locks.held["leased/acme/internal/"+id(1)] == nil {
		t.Error("the record may go, and what its end means is not noted yet")
	}
	locks.mu.Unlock()
	group.Go(func() { w.destroyLeased(id(1)) })
	c.mu.Unlock()
	group.Wait()
	w.counted("one lives, and the other is gone", 0, 1)
	if len(c.ended) != 0 {
		t.Errorf("counted as ended, and not there: %v", c.ended)
	}
}

// running reports whether some goroutine is in a function.
func running(name string) bool {
	stacks := make([]byte, 1<<20)
	return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), name)
}
