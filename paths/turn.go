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

// noPlace says why there was no place, after the request has waited so long for it. A path of the provider's does not
// tell whose key a call names, because its signature may be wrong.
func (r *request) noPlace(err error, waited time.Duration) error {
	whose := "one tenant, or of the provider,"
	if r.tenant != nil {
		whose = "this tenant"
	}
	waited = waited.Round(time.Millisecond)
	switch {
	case errors.Is(err, fair.ErrPatience) && r.ofManyTenants:
		return refusal.Errorf(refusal.Unavailable, "busy: costly calls of one tenant are done a few at a time, and "+
			"this batch has waited %s for the turn of this one's; it was not judged: send it again later", waited)
	case errors.Is(err, fair.ErrPatience):
		return refusal.Errorf(refusal.Unavailable, "busy: costly requests of %s are done a few at a time, and the "+
			"turn of this one did not come within %s; send it again later, and fewer at once", whose, waited)
	case errors.Is(err, fair.ErrCrowded):
		return refusal.Errorf(refusal.Unavailable,
			"busy: more than %d costly requests of %s wait already; send fewer at once", queued, whose)
	default:
		return errGone
	}
}

// left is how long a request may yet wait for an owner's turn, with all its items. In a batch of many tenants nobody
// uses up what others may wait: some is always left.
func (r *request) left(owner string) time.Duration {
	left := patience - r.waited.all
	if r.ofManyTenants {
		left = min(batchPatience-r.waited.byOwner[owner], left/2)
	}
	return left
}

// enter waits for a place.
func (r *request) enter(ctx context.Context, gate *fair.Gate, owner string) (place fair.Place, err error) {
	err = r.wait(ctx, owner, func(most time.Duration) error {
		place, err = gate.Enter(ctx, owner, most)
		return err
	})
	if err != nil {
		place.Leave()
	}
	return place, err
}

// wait makes the request wait for something of the owner's, for as long as it may. Afterwards it is judged by what is
// in force then.
func (r *request) wait(ctx context.Context, owner string, until func(most time.Duration) error) error {
	began := time.Now()
	err := until(r.left(owner))
	r.waited.add(owner, time.Since(began))
	if err != nil {
		return r.noPlace(err, r.waited.byOwner[owner])
	}
	return r.renew(ctx)
}

// owner is whose work a request on this path is: the tenant's, or the provider's.
func (r *request) owner() string {
	if r.tenant == nil {
		return ""
	}
	return r.tenant.UID
}

// relayed is whose work it is to judge calls that name the keys of a tenant: nobody knows yet who has signed them. What
// strangers send in a tenant's name keeps nothing waiting that the tenant asks for itself.
func relayed(owner string) string {
	//mutate:instead "what strangers send in a tenant's name"
	//mutate:more TestForgedCallsHoldUpTheirLikeAlone => return owner
	return "calls/" + owner
}

// turn is the place of a request that does many things in a row.
type turn struct {
	r       *request
	owner   string
	place   fair.Place
	held    bool
	done    int
	refused error // it had to give way, and did not get in again
}

// take waits for a turn, for a request of so many things. Few things need none.
func (r *request) take(ctx context.Context, gate *fair.Gate, owner string, things int) (*turn, error) {
	if things < manyItems {
		return new(turn), nil
	}
	place, err := r.enter(ctx, gate, owner)
	if err != nil {
		return nil, err
	}
	return &turn{r: r, owner: owner, place: place, held: true}, nil
}

// walker is a handler that reads many records. It calls [turn.next] before each.
type walker func(ctx context.Context, r *request, walk *turn) (*logical.Response, error)

// walking makes a handler of a walker: it waits for a turn first.
func (h *Handlers) walking(run walker) handler {
	return func(ctx context.Context, r *request) (*logical.Response, error) {
		//mutate:zero:3 "lists and reports at the gate" TestOneTenantsWorkHoldsUpItsOwnAlone
		walk, err := r.take(ctx, h.shares.walks, r.owner(), manyItems)
		if err != nil {
			return nil, err
		}
		defer walk.leave()
		return run(ctx, r, walk)
	}
}

// next is called before each of the things. It returns [errGone] when the request has ended. Now and then it lets
// others in; all its waits together are no longer than that of any request.
func (t *turn) next(ctx context.Context) error {
	//mutate:false "callers who have gone" TestWorkStopsWhenItsCallerGoes
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
	t.refused = t.r.wait(ctx, t.owner, func(most time.Duration) error { return t.place.Pass(ctx, most) })
	return t.refused
}

func (t *turn) leave() { t.place.Leave() }
