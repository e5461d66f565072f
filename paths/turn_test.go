package paths

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// What one tenant's items of a batch have waited is not taken from another's, whose turn
// is still waited for; all together do not wait longer than one request.
func TestTenantsOfABatchWaitEachForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := fair.New(fair.Bounds{All: 1, Each: 1, Queue: queued})
		held, err := gate.Enter(t.Context(), "another", 0)
		if err != nil {
			t.Fatal(err)
		}
		r, began := &request{ofManyTenants: true}, time.Now()
		for _, owner := range []string{"acme", "bolt"} {
			for _, want := range []time.Duration{batchPatience, 0} {
				from := time.Now()
				if _, err := r.enter(t.Context(), gate, owner); !isBusy(err) || time.Since(from) != want {
					t.Errorf("%s waited %s, not %s: %v", owner, time.Since(from), want, err)
				}
			}
		}
		for i := range maxBatch {
			if _, err := r.enter(t.Context(), gate, fmt.Sprint(i)); !isBusy(err) {
				t.Fatal(err)
			}
		}
		if waited := time.Since(began); waited > patience {
			t.Errorf("a batch waited %s", waited)
		}
		r = &request{ofManyTenants: true}
		for i := range 8 {
			_, _ = r.enter(t.Context(), gate, fmt.Sprint(i))
		}
		go func() {
			time.Sleep(time.Millisecond)
			held.Leave()
		}()
		if _, err := r.enter(t.Context(), gate, "globex"); err != nil {
			t.Errorf("a turn that comes at once, after others have waited: %v", err)
		}
	})
}

// Whoever is told of it is told whose requests they are, and no caller of the provider's
// learns whose key a call has named.
func TestWhyThereWasNoPlace(t *testing.T) {
	own, providers := &request{tenant: &tenant.Tenant{UID: "a"}}, &request{}
	for _, row := range []struct {
		r    *request
		err  error
		want string
	}{
		{own, fair.ErrCrowded, "busy: more than 32 costly requests of this tenant wait already"},
		{
			providers, fair.ErrCrowded,
			"busy: more than 32 costly requests of one tenant, or of the provider, wait already",
		},
		{own, fair.ErrPatience, "busy: costly requests of this tenant are done a few at a time, and the turn of this " +
			"one did not come within 1.5s"},
		{
			providers, fair.ErrPatience,
			"busy: costly requests of one tenant, or of the provider, are done a few at a time",
		},
		{&request{ofManyTenants: true}, fair.ErrPatience, "busy: costly calls of one tenant are done a few at a " +
			"time, and this batch has waited 1.5s for the turn of this one's"},
		{own, context.Canceled, "the caller has gone"},
	} {
		got := row.r.noPlace(row.err, 1500*time.Millisecond)
		if !strings.HasPrefix(got.Error(), row.want) {
			t.Errorf("%v: %v, want %s", row.err, got, row.want)
		}
		if status, _ := crossed(t, got); status != 503 {
			t.Errorf("%v: %d", row.err, status)
		}
	}
}

// A request of many things waits no longer in all than one of one thing, and its clock goes
// on: what it judges after it has waited is judged by the time it is then.
func TestTurnsOfOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := fair.New(fair.Bounds{All: 1, Each: 1, Queue: 1})
		began := time.Now()
		r := &request{tenant: &tenant.Tenant{UID: "a"}, now: began}
		turn, err := r.take(t.Context(), gate, "a", manyItems)
		if err != nil {
			t.Fatal(err)
		}
		go func() { // asks again and again, for longer than the turn may wait in all
			for range 10 {
				if held, err := gate.Enter(t.Context(), "b", time.Minute); err == nil {
					time.Sleep(time.Second)
					held.Leave()
				}
			}
		}()
		synctest.Wait()
		done := 0
		for err == nil {
			if err = turn.next(t.Context()); err == nil && !r.now.Equal(time.Now()) {
				t.Fatalf("judged by a clock that is %s late", time.Since(r.now))
			}
			done++
			synctest.Wait()
		}
		if time.Since(began) != patience || done < 4*manyItems || !isBusy(err) ||
			!strings.Contains(err.Error(), "within 5s") {
			t.Errorf("%d done after %s: %v", done, time.Since(began), err)
		}
		if again := turn.next(t.Context()); again != err { //nolint:errorlint // the same one
			t.Errorf("and then: %v", again)
		}
		turn.leave()
		time.Sleep(time.Minute)
	})
}

func isBusy(err error) bool {
	return errors.Is(err, refusal.Unavailable) && strings.HasPrefix(err.Error(), "busy: ")
}
