// Package replay remembers the calls a node has accepted, so that none is accepted twice
// inside its clock window.
package replay

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const shards = 16 // so that two callers of one tenant seldom wait for each other

// overtaking is how long calls are kept beyond their window: a request that has read the
// clock may be overtaken by later ones, and must still find what was seen.
const overtaking = 30 * time.Second

// Table holds the calls seen of all tenants, each bounded for itself, and all together: one
// tenant's load cannot push out another's entries, nor take all the room. It is safe for
// concurrent use. Nothing inside its window is ever evicted; a full table refuses.
type Table struct {
	tenants sync.Map     // string -> *ledger
	used    atomic.Int64 // calls of all tenants
	mu      sync.Mutex   // held to add a ledger, and to drop one
	floor   int64        // calls stamped before may have been in a ledger that was dropped
}

// Bounds are how many calls may be remembered.
type Bounds struct {
	Tenant int // of one tenant
	Node   int // of all. A tenant may have as many as are left free, so that n that ask for more get 1/(n+1) each
}

// Call names one signed call. Window is how long after Time it would still be accepted.
type Call struct {
	Tenant string
	KeyID  string
	Nonce  string
	Time   time.Time
	Window time.Duration
}

// Outcome is what the table knows of a call.
type Outcome int

// The outcomes.
const (
	New     Outcome = iota // not seen before
	Seen                   // seen, or of a time that the table cannot vouch for
	Full                   // the tenant has as many as one may have
	Crowded                // the tenant has its share of what all may have
)

// NoRoom reports whether the call was refused because no more can be remembered.
func (o Outcome) NoRoom() bool { return o == Full || o == Crowded }

type (
	mark  uint64
	marks map[mark]struct{}
)

// ledger holds the calls of one tenant.
type ledger struct {
	shards [shards]shard
	count  atomic.Int64 // of all shards
	window atomic.Int64 // of its last call, in nanoseconds
	swept  atomic.Int64 // the second in which all shards were last looked at to make room
}

type shard struct {
	mu     sync.Mutex
	seen   map[int64]marks // by the second of the call's time, so that those of one go together
	count  int             // of all seconds
	oldest int64           // no mark is of a call before this second
	floor  int64           // calls stamped before this second may have been let go
	gone   bool            // the ledger was dropped
}

// Check reports what is known of the call at now and, when record is set and it is new,
// remembers it.
func (t *Table) Check(c Call, b Bounds, record bool, now time.Time) Outcome {
	m := c.mark()
	for {
		l := t.ledger(c.Tenant)
		outcome, gone := t.check(l, &c, m, b, record, now)
		if gone {
			continue
		}
		if second := now.Unix(); outcome.NoRoom() && l.swept.Swap(second) != second {
			t.expire(l, now)
			continue
		}
		return outcome
	}
}

func (t *Table) check(l *ledger, c *Call, m mark, b Bounds, record bool, now time.Time) (outcome Outcome, gone bool) {
	if l.window.Load() != int64(c.Window) {
		l.window.Store(int64(c.Window))
	}
	s, stamp := &l.shards[m%shards], c.Time.Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone { //mutate:false "calls of a ledger that was dropped" TestDroppedLedgerTakesNoCalls
		return New, true
	}
	t.release(l, s.expire(before(now, c.Window)))
	if _, held := s.seen[stamp][m]; held || stamp < s.floor {
		return Seen, false
	}
	if outcome := t.reserve(l, b, record); outcome != New || !record {
		return outcome, false
	}
	s.add(m, stamp)
	return New, false
}

// reserve takes room for one call of the tenant, if take is set, or reports that there is none.
func (t *Table) reserve(l *ledger, b Bounds, take bool) Outcome {
	own := l.count.Load()
	for {
		if own >= int64(b.Tenant) {
			return Full
		}
		if !take || l.count.CompareAndSwap(own, own+1) {
			break
		}
		own = l.count.Load()
	}
	for {
		used := t.used.Load()
		//mutate:false "how many calls all tenants may have remembered" TestShares|TestSharedRoom
		if own >= int64(b.Node)-used {
			if take {
				l.count.Add(-1)
			}
			return Crowded
		}
		if !take || t.used.CompareAndSwap(used, used+1) {
			return New
		}
	}
}

func (t *Table) release(l *ledger, n int) {
	if n != 0 {
		l.count.Add(-int64(n))
		t.used.Add(-int64(n))
	}
}

// Len returns how many calls are remembered, over all tenants.
func (t *Table) Len() int { return int(t.used.Load()) }

// Expire lets go of calls that have left the window of their tenant's last call, of tenants that make none too, and
// drops what is kept of tenants without any. Most is the longest window that there can be.
func (t *Table) Expire(most time.Duration, now time.Time) {
	t.tenants.Range(func(tenant, v any) bool {
		l := v.(*ledger)
		if t.expire(l, now); l.count.Load() == 0 {
			t.drop(tenant.(string), l, before(now, most))
		}
		return true
	})
}

func (t *Table) expire(l *ledger, now time.Time) {
	until := before(now, time.Duration(l.window.Load()))
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		t.release(l, s.expire(until))
		if s.count == 0 {
			s.seen = nil // maps do not shrink
		}
		s.mu.Unlock()
	}
}

// Forget drops what is remembered of a tenant, once it is gone for good.
func (t *Table) Forget(tenant string) {
	if v, ok := t.tenants.Load(tenant); ok {
		t.drop(tenant, v.(*ledger), math.MaxInt64)
	}
}

// drop drops a ledger that holds nothing and has let go only of calls of before a second, or any ledger if that is the
// end of time: its tenant never comes back, and must not have other tenants' calls taken for seen. Whoever has got hold
// of the ledger meanwhile looks for another, in which calls from before are still taken for seen: the clock may be set
// back.
func (t *Table) drop(tenant string, l *ledger, until int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	floor := t.floor
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.gone || until != math.MaxInt64 && (s.count > 0 || s.floor > until) {
			return
		}
		floor = max(floor, s.floor)
	}
	for i := range l.shards {
		s := &l.shards[i]
		t.release(l, s.count)
		s.seen, s.count, s.gone = nil, 0, true
	}
	//mutate:true "what a forgotten tenant leaves to others" TestForgottenTenantsLeaveOthersAlone
	if until != math.MaxInt64 {
		t.floor = floor
	}
	t.tenants.CompareAndDelete(tenant, l)
}

func (t *Table) ledger(tenant string) *ledger {
	if v, ok := t.tenants.Load(tenant); ok {
		return v.(*ledger)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := new(ledger)
	for i := range l.shards {
		l.shards[i].floor = t.floor //mutate:skip "calls of before a ledger was dropped" TestClockSetBackAfterADrop
	}
	v, _ := t.tenants.LoadOrStore(tenant, l)
	return v.(*ledger)
}

// before returns the second before which a call has left the window.
func before(now time.Time, window time.Duration) int64 { return now.Add(-window - overtaking).Unix() }

// mark identifies a call by its decoded parts. The time comes first and takes the same room
// for all, and the others cannot contain NUL, so no two calls run together. Nobody who signs
// calls can look for two of one mark, since nobody is told the seed; that a call has by chance
// that of another of its second, and is refused, is less likely than one in 10^13 where a million
// share it.
func (c *Call) mark() mark {
	var room [256]byte
	buf := binary.BigEndian.AppendUint64(room[:0], uint64(c.Time.Unix())) //nolint:gosec // bits, not a number
	buf = binary.BigEndian.AppendUint32(buf, uint32(c.Time.Nanosecond())) //nolint:gosec // bits, not a number
	buf = append(buf, c.KeyID...)
	buf = append(buf, 0)
	buf = append(buf, c.Nonce...)
	return mark(maphash.Bytes(seed, buf))
}

var seed = maphash.MakeSeed()

// add remembers a call that is not there. The calls of a second are taken to be about as
// many as those of the one before.
func (s *shard) add(m mark, stamp int64) {
	if s.seen == nil {
		s.seen = make(map[int64]marks)
	}
	of := s.seen[stamp]
	if of == nil {
		of = make(marks, len(s.seen[stamp-1]))
		s.seen[stamp] = of
	}
	of[m] = struct{}{}
	s.count++
	s.oldest = min(s.oldest, stamp)
}

// expire lets go of calls of before a second, which have left the window, and returns how many they were. Should a
// wider window or a clock set back bring that time in again, its calls count as seen.
func (s *shard) expire(before int64) int {
	had := s.count
	switch {
	case s.count == 0:
		s.oldest = before
	case before-s.oldest > int64(len(s.seen)):
		for stamp := range s.seen {
			s.drop(stamp, before)
		}
	default:
		for stamp := s.oldest; stamp < before; stamp++ {
			s.drop(stamp, before)
		}
	}
	s.oldest = max(s.oldest, before)
	return had - s.count
}

func (s *shard) drop(stamp, before int64) {
	if stamp >= before {
		return
	}
	of, held := s.seen[stamp]
	if !held {
		return
	}
	s.count -= len(of)
	delete(s.seen, stamp)
	s.floor = max(s.floor, stamp+1)
}
