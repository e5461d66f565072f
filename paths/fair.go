package paths

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/fair"
	"vault-plugin-secrets-apikeys/internal/match"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/signing"
)

const (
	// heavy is the weight from which on a call waits for its tenant's turn: bytes looked at
	// or hashed. A call of a head of 600 bytes weighs 1200.
	heavy = 48 << 10
	// light is a content that no settings of a key make heavy: see [call.weight].
	light = (heavy - maxLists*match.MaxList) / (1 + maxMACs + maxLists*match.MaxSearches)
	// maxLists are the key's scopes, and what mount, provider and tenant have published.
	maxLists = 4
	// maxMACs is what a key that lets variants in costs: see [signing.Call.SignedAs].
	maxMACs = 16
	// manyItems is of how many items on a tenant's batch is work for its turn, and how many
	// items or records are done before others are let in.
	manyItems = 32
	// patience is how long a request waits for its turns.
	patience = 5 * time.Second
	// batchPatience is how long of that a batch that may be of many tenants waits for the
	// turns of one: each of its items waits for those before it.
	batchPatience = time.Second
	queued        = 32
)

// shares are the places in which work of more than a plain call's cost is done.
type shares struct {
	work   *fair.Gate // what keeps a processor busy: explain, long or lenient calls, tenants' batches
	walks  *fair.Gate // what reads many records, or seals: lists, report, due, handover
	writes *fair.Gate // what an import writes, one by one
}

// newShares leaves a processor to plain calls where there are several. Walks wait for
// storage most of the time, so more of them go on at once.
func newShares(processors int) *shares {
	work, walks := max(1, processors-1), 8*processors
	return &shares{
		work:   fair.New(fair.Bounds{All: work, Each: max(1, work/2), Queue: queued}),
		walks:  fair.New(fair.Bounds{All: walks, Each: walks / 4, Queue: queued}),
		writes: fair.New(fair.Bounds{All: 4 * importWorkers, Each: importWorkers, Queue: queued * importWorkers}),
	}
}

// errGone is told of what the request did not come to, to nobody as a rule: the server ends a request whose caller has
// gone, or whose time is over, which a plugin cannot tell from each other.
var errGone = refusal.Errorf(refusal.Unavailable, "the caller has gone, or the server's time for the request is over; what was not done by then is not done")

// orGone is [errGone] for an error that says nothing but that the request has ended: no failure of ours, to be logged.
func orGone(ctx context.Context, err error) error {
	if store.Ended(err) && ctx.Err() != nil {
		return errGone
	}
	return err
}

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
	case errors.Is(err, fair.ErrPatience) && r.together:
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

// waits is how long a request has waited for turns.
type waits struct {
	all time.Duration
	of  map[string]time.Duration // by owner
}

func (w *waits) add(owner string, waited time.Duration) {
	if w.of == nil {
		w.of = make(map[string]time.Duration)
	}
	w.all += waited
	w.of[owner] += waited
}

// left is how long a request may yet wait for an owner's turn: all its items together. Of
// a batch of many tenants, nobody uses up what others may wait: some is always left.
func (r *request) left(owner string) time.Duration {
	left := patience - r.waited.all
	if r.together {
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

// walking wraps a handler that reads many records: it waits for a turn, and calls
// r.walk.next before each.
func (h *Handlers) walking(run handler) handler {
	return func(ctx context.Context, r *request) (*logical.Response, error) {
		//mutate:zero:3 "lists and reports at the gate" ./backend TestOneTenantsWorkHoldsUpItsOwnAlone
		turn, err := r.take(ctx, h.shares.walks, manyItems)
		if err != nil {
			return nil, err
		}
		defer turn.leave()
		r.walk = turn
		return run(ctx, r)
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

// isHeavy reports whether a call is worth a turn. That is known before the work is done.
func (c *call) isHeavy(g *apikey.Grant) bool {
	//mutate:true "plain calls that pass the gate by" TestPlainCallsPassTheGateBy
	return len(c.content) > light && c.weight(g) >= heavy
}

// weight is an estimate of the bytes that judging the call looks at or hashes: the content
// once, and once for each MAC; of each list of globs all of its text, and the path as often
// as it may be looked through.
func (c *call) weight(g *apikey.Grant) int {
	if g.Standing == apikey.UnknownKey || !c.http {
		return 2 * len(c.content)
	}
	lists := 0
	if !g.Scopes.Empty() {
		lists++
	}
	for _, globs := range g.Published {
		if !globs.Empty() {
			lists++
		}
	}
	path, _, _ := strings.Cut(c.content, "\n")
	return len(c.content) + c.hashed(len(g.Compat)) + lists*(match.MaxList+match.MaxSearches*min(len(path), match.MaxPath))
}

// hashed is how much the MACs hash, as each variant at most doubles their number.
func (c *call) hashed(variants int) int {
	if variants == 0 {
		return len(c.content)
	}
	macs := min(maxMACs, 1<<variants)
	return len(c.content) + min((macs-1)*len(c.content), signing.MaxVariantBytes)
}
