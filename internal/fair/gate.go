// Package fair shares a limited number of places among tenants, so that one tenant's requests never make the others
// wait longer than their turn.
package fair

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// Why a caller gets no place. A caller whose context ended gets the context's error instead.
var (
	ErrCrowded  = errors.New("too many callers of one tenant are waiting")
	ErrPatience = errors.New("no place became free in time")
)

// Bounds limit the callers that work at once and the callers that wait.
type Bounds struct {
	All   int // callers with a place, over all tenants
	Each  int // callers with a place, of one tenant
	Queue int // callers of one tenant that wait; callers in Pass count, but are never refused
}

// Gate limits how many callers hold a place at once, of each tenant and in total. Tenants take turns; the callers of
// one tenant are served in the order of arrival. The gate forgets a tenant once none of its callers holds a place or
// waits.
type Gate struct {
	bounds  Bounds
	mu      sync.Mutex
	in      int
	tenants map[string]*share
	turns   list.List // of *share: tenants with a waiting caller and a place left; the next turn first
}

// share is one tenant's part of a gate.
type share struct {
	tenant  string
	in      int
	waiting list.List     // of *waiter, in the order of arrival
	turn    *list.Element // in Gate.turns; nil: no caller waits, or the tenant has all its places
}

type waiter struct {
	let chan struct{} // closed with the gate's lock held
}

// New returns an empty gate. All bounds must be above 0.
func New(b Bounds) *Gate {
	return &Gate{bounds: b, tenants: make(map[string]*share)}
}

// Place is one caller's place in a gate. Its holder must call [Place.Leave] once.
type Place struct {
	gate  *Gate
	share *share
}

// Enter takes a place for the tenant and waits up to patience for one; a patience of 0 takes only a free place. It
// returns [ErrCrowded] if the tenant's queue is full, [ErrPatience] after the wait, or the context's error. A caller
// that holds a place must not enter the same gate again: two such callers could wait for each other.
func (g *Gate) Enter(ctx context.Context, tenant string, patience time.Duration) (Place, error) {
	//mutate:false "imports whose caller has gone" ./paths TestWorkStopsWhenItsCallerGoes
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
	g.stopWaiting(s, w, e)
	return Place{}, err
}

// ask takes a place, or queues a waiter. The waiter is nil if the place was taken.
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
		return nil, nil, nil, ErrCrowded // the tenant stays in the map, because it has callers that wait
	}
	w := &waiter{make(chan struct{})}
	e := s.waiting.PushBack(w)
	g.settle(s)
	return s, w, e, nil
}

// stopWaiting removes a waiter from the queue. If the waiter got its place at the same moment, it leaves that place.
func (g *Gate) stopWaiting(s *share, w *waiter, e *list.Element) {
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

// Leave gives the place to the next tenant in turn. It does nothing if p holds no place.
func (p *Place) Leave() {
	if p.gate == nil {
		return
	}
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.leave(p.share)
	*p = Place{}
}

// leave, admit and settle are called with the lock held.
func (g *Gate) leave(s *share) {
	s.in--
	g.in--
	g.settle(s)
	for g.in < g.bounds.All && g.turns.Len() > 0 {
		g.admit(g.turns.Front().Value.(*share))
	}
}

// admit gives a place to the tenant's first waiter and moves the tenant to the end of the turns.
func (g *Gate) admit(s *share) {
	w := s.waiting.Remove(s.waiting.Front()).(*waiter)
	s.in++
	g.in++
	close(w.let)
	g.turns.Remove(s.turn)
	s.turn = nil
	g.settle(s)
}

// settle puts a tenant into the turns, or takes it out, and deletes a tenant without callers.
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

// Pass lets waiting callers have a turn: it gives the place up and waits for another one, whatever the length of the
// queue. It returns at once if nobody waits. Long work calls it now and then. After an error p holds no place.
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

// giveWay swaps a place for the last place in the queue, or returns nil if nobody waits. It holds the lock
// throughout, or the queue could fill up and the tenant could be deleted in between.
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
