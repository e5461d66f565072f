// Package replay remembers the calls that a node has accepted, so that it accepts none twice within the clock window.
package replay

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const shards = 16 // so many that callers of one tenant seldom wait for each other

// overtaking is how long calls are kept beyond their window. Later requests may overtake one that has read the clock
// already, and it must still find the calls it would have seen.
const overtaking = 30 * time.Second

// Table holds the calls seen. It bounds each tenant and the total, so that no tenant can evict another's calls or
// take all the room. It never evicts a call within its window: a full table refuses new calls. It is safe for
// concurrent use.
type Table struct {
	tenants sync.Map     // string -> *ledger
	used    atomic.Int64 // calls of all tenants
	mu      sync.Mutex   // held while a ledger is added or dropped
	floor   int64        // a dropped ledger may have held calls from before this second
}

// Bounds limit the calls that are remembered.
type Bounds struct {
	Tenant int // of one tenant
	Node   int // in total; a tenant gets at most the free rest: n greedy tenants get 1/(n+1) each
}

// Call identifies one signed call. Window is how long after Time the call would still be accepted.
type Call struct {
	Tenant string
	KeyID  string
	Nonce  string
	Time   time.Time
	Window time.Duration
}

// Outcome is the result of [Table.Check].
type Outcome int

// The outcomes.
const (
	New     Outcome = iota // not seen before
	Seen                   // seen before, or so old that the table may have forgotten it
	Full                   // the tenant has reached its limit
	Crowded                // the tenant has reached its share of the total
)

// NoRoom reports whether the call was refused because the table is full.
func (o Outcome) NoRoom() bool { return o == Full || o == Crowded }

type (
	mark  uint64
	marks map[mark]struct{}
)

// ledger holds the calls of one tenant.
type ledger struct {
	shards [shards]shard
	count  atomic.Int64 // over all shards
	window atomic.Int64 // of its last call, in nanoseconds
	swept  atomic.Int64 // the second in which all shards were last expired to make room
}

type shard struct {
	mu     sync.Mutex
	seen   map[int64]marks // by the second of the call's time, so that one second expires as a whole
	count  int             // over all seconds
	oldest int64           // no mark is of a call before this second
	floor  int64           // calls from before this second may have expired
	gone   bool            // the ledger was dropped
}

// Check looks the call up at now. If record is set and the call is new, Check remembers it.
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

// reserve checks that there is room for one call of the tenant, and takes it if take is set.
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

// Expire drops calls beyond the window of their tenant's last call, and ledgers without calls. Most is the longest
// window that any tenant can have.
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

// Forget drops all calls of a tenant that is erased.
func (t *Table) Forget(tenant string) {
	if v, ok := t.tenants.Load(tenant); ok {
		t.drop(tenant, v.(*ledger), math.MaxInt64)
	}
}

// drop removes a ledger if it is empty and has expired only calls from before until. With math.MaxInt64 it removes
// any ledger: an erased tenant never returns, and must not raise the floor of other tenants. A caller that holds the
// ledger meanwhile gets a new one, whose floor still covers the dropped calls: the clock may be set back.
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

// before returns the second before which calls are outside their window.
func before(now time.Time, window time.Duration) int64 { return now.Add(-window - overtaking).Unix() }

// mark hashes the decoded parts of a call. The time comes first with a fixed size, and the other parts cannot contain
// NUL, so that different calls give different inputs. Callers cannot search for collisions, because the seed is
// secret. A chance collision refuses a call: less than once in 10^13 calls, with a million calls in the same second.
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

// add remembers a new call. The map of a second starts at the size of the second before.
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

// expire drops the calls from before a second and returns how many they were. If a wider window or a clock set back
// makes that time valid again, its calls count as seen.
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
