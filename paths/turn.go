package paths

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/refusal"
)

// noPlace says why there was no place, after the request has waited so long for it. What
// is the provider's to ask does not tell whose key a call names: it may not be signed by it.
func (r *request) noPlace(err error, waited time.Duration) error {
	whose := "one tenant, or of the provider,"
	if r.tenant != nil {
		whose = "this tenant"
	}
	waited = waited.Round(time.Millisecond)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fair.ErrPatience) && r.ofManyTenants:
		return refusal.Errorf(refusal.Unavailable, "busy: costly calls of one tenant are done a few at a time, and this batch has waited %s for the turn of this one's; "+
			"it was not judged: send it again later", waited)
	case errors.Is(err, fair.ErrPatience):
		return refusal.Errorf(refusal.Unavailable, "busy: costly requests of %s are done a few at a time, and the turn of this one did not come within %s; "+
			"send it again later, and fewer at once", whose, waited)
	case errors.Is(err, fair.ErrCrowded):
		return refusal.Errorf(refusal.Unavailable, "busy: more than %d costly requests of %s wait already; send fewer at once", queued, whose)
	default:
		return errGone
	}
}

// left is how long a request may yet wait for an owner's turn: all its items together. Of
// a batch of many tenants, nobody uses up what others may wait: some is always left.
func (r *request) left(owner string) time.Duration {
	left := patience - r.waited.all
	if r.ofManyTenants {
		left = min(batchPatience-r.waited.of[owner], left/2)
	}
	return left
}

// enter waits for a place.
func (r *request) enter(ctx context.Context, gate *fair.Gate, owner string) (place fair.Place, err error) {
	err = r.wait(owner, func(most time.Duration) error {
		place, err = gate.Enter(ctx, owner, most)
		return err
	})
	return place, err
}

// wait has the request wait for something of the owner's, for as long as it may. What it
// does afterwards it does at the time it is then.
func (r *request) wait(owner string, until func(most time.Duration) error) error {
	began := time.Now()
	err := until(r.left(owner))
	r.now = time.Now()
	r.waited.add(owner, r.now.Sub(began))
	return r.noPlace(err, r.waited.of[owner])
}

// owner is whose work a request on this path is: the tenant's, or the provider's.
func (r *request) owner() string {
	if r.tenant == nil {
		return ""
	}
	return r.tenant.UID
}

// turn is a place of a request that does many things in a row.
type turn struct {
	r       *request
	place   fair.Place
	held    bool
	done    int
	refused error // it had to give way, and did not get in again
}

// take waits for a turn, of a request of so many things; few need none.
func (r *request) take(ctx context.Context, gate *fair.Gate, things int) (*turn, error) {
	if things < manyItems {
		return new(turn), nil
	}
	place, err := r.enter(ctx, gate, r.owner())
	if err != nil {
		return nil, err
	}
	return &turn{r: r, place: place, held: true}, nil
}

// walker is a handler that reads many records, and calls [turn.next] before each.
type walker func(ctx context.Context, r *request, walk *turn) (*logical.Response, error)

// walking has a walker wait for a turn.
func (h *Handlers) walking(run walker) handler {
	return func(ctx context.Context, r *request) (*logical.Response, error) {
		//mutate:zero:3 "lists and reports at the gate" ./backend TestOneTenantsWorkHoldsUpItsOwnAlone
		walk, err := r.take(ctx, h.shares.walks, manyItems)
		if err != nil {
			return nil, err
		}
		defer walk.leave()
		return run(ctx, r, walk)
	}
}

// next is called before each of the things. It is [errGone] when the request has ended, and
// now and then it lets others in, who make it wait no longer in all than anybody waits.
func (t *turn) next(ctx context.Context) error {
	//mutate:false "callers who have gone" ./backend TestWorkStopsWhenItsCallerGoes
	if ctx.Err() != nil {
		return errGone
	}
	if t.refused != nil {
		return t.refused
	}
	if t.done++; t.done%manyItems != 0 {
		return nil
	}
	runtime.Gosched() // for plain calls, which have no turn to wait for
	if !t.held {
		return nil
	}
	t.refused = t.r.wait(t.r.owner(), func(most time.Duration) error { return t.place.Pass(ctx, most) })
	return t.refused
}

func (t *turn) leave() { t.place.Leave() }
