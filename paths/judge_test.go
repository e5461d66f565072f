package paths

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/replay"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// withGateTaken returns handlers whose places are all taken, and what judges a stranger's
// message.
func withGateTaken(t *testing.T, ofManyTenants bool) (h *Handlers, judge func(size int) error, free func()) {
	h = New(store.New(), new(replay.Table), nil, "")
	h.shares = newShares(2)
	place, err := h.shares.work.Enter(t.Context(), "another", 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &request{
		Request: &logical.Request{Storage: new(logical.InmemStorage)}, config: &tenant.Config{}, now: time.Now(),
		ofManyTenants: ofManyTenants,
	}
	return h, func(size int) error {
		c := &call{content: strings.Repeat("m", size), signature: "v1:tEsTkId1:" + strings.Repeat("A", 43)}
		j, err := h.judged(t.Context(), r, c, judgeOptions{})
		if err == nil && j.Verdict != apikey.UnknownKey {
			t.Error(j.Verdict)
		}
		return err
	}, place.Leave
}

// A plain call waits for nobody, and does not so much as look at the gate.
func TestPlainCallsPassTheGateBy(t *testing.T) {
	h, judge, _ := withGateTaken(t, false)
	if err := judge(1000); err != nil {
		t.Error(err)
	}
	h.shares = nil
	if err := judge(1000); err != nil {
		t.Error(err)
	}
}

func TestHeavyCallsWait(t *testing.T) {
	for _, ofManyTenants := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			_, judge, free := withGateTaken(t, ofManyTenants)
			most := patience
			if ofManyTenants {
				most = batchPatience
			}
			began := time.Now()
			if err := judge(1 << 20); !isBusy(err) || time.Since(began) != most ||
				!strings.Contains(err.Error(), " "+most.String()) {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			began = time.Now()
			err := judge(1 << 20)
			if waited := time.Since(began); !isBusy(err) || waited != 0 {
				t.Errorf("the second waited %s more: %v", waited, err)
			}
			free()
			if err := judge(1 << 20); err != nil {
				t.Errorf("with nobody in: %v", err)
			}
		})
	}
}

type slow struct{ logical.InmemStorage }

func (s *slow) Get(ctx context.Context, path string) (*logical.StorageEntry, error) {
	time.Sleep(time.Minute)
	return s.InmemStorage.Get(ctx, path)
}

// A call is judged by the time at which it is judged.
func TestCallsAreNotJudgedByAnOldClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &request{Request: &logical.Request{Storage: new(slow)}, config: &tenant.Config{}, now: time.Now()}
		c := &call{content: "m", signature: "v1:tEsTkId1:" + strings.Repeat("A", 43)}
		j, err := New(store.New(), new(replay.Table), nil, "").judged(t.Context(), r, c, judgeOptions{})
		if err != nil || !j.at.Equal(time.Now()) {
			t.Errorf("at %s: %v", j.at, err)
		}
	})
}
