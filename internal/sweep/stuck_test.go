package sweep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// hanging is storage whose writes wait for the end of the test.
type hanging struct {
	logical.Storage
	until chan struct{}
}

func (h hanging) Put(context.Context, *logical.StorageEntry) error {
	<-h.until
	return errBroken
}

// Storage that hangs keeps neither Vault's call nor an unload waiting, and the next call
// begins no second sweep.
func TestSweepWithStorageThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fill(w.acme, 3, 10*time.Hour)
		time.Sleep(12 * time.Hour)
		h := hanging{w.s, make(chan struct{})}
		began := time.Now()
		w.must(w.sweep.Tick(t.Context(), h, began))
		w.must(w.sweep.Tick(t.Context(), h, began))
		w.sweep.Close()
		if took := time.Since(began); took != patience {
			t.Errorf("%s", took)
		}
		close(h.until)
		w.idle()
	})
}

// One record whose write fails, after Vault has stopped waiting, ends that sweep, and is put
// off by the next one, which does the others.
func TestFailureOfASweepByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fill(w.acme, 60, 10*time.Hour)
		time.Sleep(12 * time.Hour)
		w.sweep.workers = 1
		w.s.fail(func(op string) bool {
			time.Sleep(100 * time.Millisecond)
			return strings.HasPrefix(op, "put keys/") && strings.HasSuffix(op, "key-00030")
		})
		for range 4 {
			w.now = time.Now()
			_ = w.tick()
			time.Sleep(time.Minute)
			w.idle()
		}
		w.s.fail(nil)
		for name, k := range w.keys() {
			if want := name != "key-00030"; (k.Newest().Number == 2) != want {
				t.Errorf("%s: version %d", name, k.Newest().Number)
			}
		}
	})
}

// panicking is storage that panics for one record.
type panicking struct{ logical.Storage }

func (p panicking) Get(ctx context.Context, path string) (*logical.StorageEntry, error) {
	if strings.HasSuffix(path, "key-00003") {
		panic("secret")
	}
	return p.Storage.Get(ctx, path)
}

// A panic fails only its own record, and its value is not logged.
func TestPanicInASweep(t *testing.T) {
	w := newWorld(t)
	var told []string
	w.sweep.Attach(
		func() bool { return true },
		func(what string, args ...any) { told = append(told, what+fmt.Sprint(args[:2]...)) },
	)
	w.sweep.workers = 1
	w.fill(w.acme, 30, 10*time.Hour)
	w.now = w.now.Add(12 * time.Hour)
	if err := w.sweep.Tick(t.Context(), panicking{w.s}, w.now); !errors.Is(err, errPanicked) {
		t.Errorf("%v", err)
	}
	if s := w.sweep.Status(w.now); s.Rotated != 29 || s.Failed != 1 || len(told) == 0 ||
		strings.Contains(fmt.Sprint(told), "secret") {
		t.Errorf("%+v, told %v", s, told)
	}
}
