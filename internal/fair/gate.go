// Package fair shares out places to work among tenants, so that what one of them asks
// for does not make the others wait longer than their turn.
package fair

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// The reasons for which a caller does not get in, beside its own going.
var (
	ErrCrowded  = errors.New("too many of one tenant wait already")
	ErrPatience = errors.New("no place came free in time")
)

// Bounds are how much goes on at once, and how much waits.
type Bounds struct {
	All   int // at work at once, over all tenants
	Each  int // at work at once, of one tenant
	Queue int // waiting, of one tenant; who has given way waits beside them, and counts
}

// Gate lets in at most so many at once of each tenant, and of all together. Who waits
// comes in by the order of tenants, and among those of one tenant in the order of
// arrival. It keeps a tenant for as long as one of its callers is in or waits.
type Gate struct {
	bounds  Bounds
	mu      sync.Mutex
	in      int
	tenants map[string]*share
	turns   list.List // of *share: those who wait and may come in, whose turn is next first
}

// share is what a tenant has of a gate.
type share struct {
	tenant  string
	in      int
	waiting list.List     // of *waiter, the first to come first
	turn    *list.Element // in Gate.turns; nil: has nobody to send, or all that it may have
}

type waiter struct {
	let chan struct{} // closed with the gate's lock held
}

// New returns a gate that nobody is in. The bounds are above 0.
func New(b Bounds) *Gate {
	return &Gate{bounds: b, tenants: make(map[string]*share)}
}

// Place is somebody's place in a gate; whoever has one leaves it once.
type Place struct {
	gate  *Gate
	share *share
}

// Enter waits for a place for the tenant, for as long as its patience lasts; without any,
// it takes one that is free. Nobody waits for a place while holding one of the same gate,
// or two could wait for each other.
func (g *Gate) Enter(ctx context.Context, tenant string, patience time.Duration) (Place, error) {
	//mutate:false "imports whose caller has gone" ./backend TestWorkStopsWhenItsCallerGoes
	if err := ctx.Err(); err != nil {
		return Place{}, err
	}
	s, w, e, err := g.ask(tenant)
	if err != nil {
		return Place{}, err
	}
	if w == nil {
		return Place{g, s}, nil
	}
	return g.wait(ctx, s, w, e, patience)
}

func (g *Gate) wait(
	ctx context.Context,
	s *share,
	w *waiter,
	e *list.Element,
	patience time.Duration,
) (place Place, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.let:
		return Place{g, s}, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = ErrPatience
	}
	g.goAway(s, w, e)
	return Place{}, err
}

// ask takes a place, or one in the queue: then there is a waiter.
func (g *Gate) ask(tenant string) (*share, *waiter, *list.Element, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.tenants[tenant]
	if s == nil {
		s = &share{tenant: tenant}
		g.tenants[tenant] = s
	}
	//mutate:true:2 "one tenant's places" TestNobodyTakesAllPlaces
	if s.waiting.Len() == 0 && s.in < g.bounds.Each && g.in < g.bounds.All {
		s.in++
		g.in++
		return s, nil, nil, nil
	}
	//mutate:false "one tenant's queue" TestWhoDoesNotGetIn
	if s.waiting.Len() >= g.bounds.Queue {
		return nil, nil, nil, ErrCrowded // it has callers who wait: it is kept
	}
	w := &waiter{make(chan struct{})}
	e := s.waiting.PushBack(w)
	g.settle(s)
	return s, w, e, nil
}

// goAway takes back a waiter, or the place that came at the same moment.
func (g *Gate) goAway(s *share, w *waiter, e *list.Element) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.let:
		g.leave(s)
	default:
		s.waiting.Remove(e)
		g.settle(s)
	}
}

// Leave gives the place to whose turn it is. Without a place it does nothing.
func (p *Place) Leave() {
	if p.gate == nil {
		return
	}
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.leave(p.share)
	*p = Place{}
}

// leave is called with the lock held, as are the next.
func (g *Gate) leave(s *share) {
	s.in--
	g.in--
	g.settle(s)
	for g.in < g.bounds.All && g.turns.Len() > 0 {
		g.admit(g.turns.Front().Value.(*share))
	}
}

// admit lets the first who waits of a tenant in, whose next one comes after all others'.
func (g *Gate) admit(s *share) {
	w := s.waiting.Remove(s.waiting.Front()).(*waiter)
	s.in++
	g.in++
	close(w.let)
	g.turns.Remove(s.turn)
	s.turn = nil
	g.settle(s)
}

// settle has a tenant be among the turns if it has somebody to send, and forgotten if it
// has nobody at all.
func (g *Gate) settle(s *share) {
	ready := s.waiting.Len() > 0 && s.in < g.bounds.Each
	switch {
	case ready && s.turn == nil:
		//mutate:instead "turns by tenant" TestTenantsTakeTurns => s.turn = g.turns.PushFront(s)
		s.turn = g.turns.PushBack(s)
	case !ready && s.turn != nil:
		g.turns.Remove(s.turn)
		s.turn = nil
	}
	if s.in == 0 && s.waiting.Len() == 0 {
		//mutate:skip "tenants that have left" TestNothingIsKeptOfWhoHasLeft
		delete(g.tenants, s.tenant)
	}
}

// Pass lets others have a turn, where some wait that may come in: the place is left, and
// waited for again, which no queue is too full for. Without it who has much to do would
// keep its place for long. After an error there is no place left.
func (p *Place) Pass(ctx context.Context, patience time.Duration) error {
	if err := ctx.Err(); err != nil {
		p.Leave()
		return err
	}
	gate, share := p.gate, p.share
	w, e := gate.giveWay(share)
	if w == nil {
		return nil
	}
	var err error
	*p, err = gate.wait(ctx, share, w, e, patience)
	return err
}

// giveWay turns a place into one in the queue, or leaves it where nobody wants it. Nobody
// comes between: the queue could be full by then, or the tenant forgotten.
func (g *Gate) giveWay(s *share) (*waiter, *list.Element) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.turns.Len() == 0 && s.waiting.Len() == 0 {
		return nil, nil
	}
	w := &waiter{make(chan struct{})}
	e := s.waiting.PushBack(w)
	g.leave(s)
	return w, e
}
