// Package replay remembers the calls a node has accepted, so that none is accepted twice
// inside its clock window.
package replay

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
	"time"
)

const shards = 16 // so that two callers of one tenant seldom wait for each other

// overtaking is how long calls are kept beyond their window: a request that has read the
// clock may be overtaken by later ones, and must still find what was seen.
const overtaking = 30 * time.Second

// Table holds the calls seen of all tenants, each bounded for itself: one tenant's load
// cannot push out another's entries. It is safe for concurrent use. Nothing inside its
// window is ever evicted; a full table refuses.
type Table struct {
	tenants sync.Map // string -> *[shards]shard
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
	New  Outcome = iota // not seen before
	Seen                // seen, or of a time that the table cannot vouch for
	Full                // the tenant's table has no room
)

type (
	mark  uint64
	marks map[mark]struct{}
)

type shard struct {
	mu     sync.Mutex
	seen   map[int64]marks // by the second of the call's time, so that those of one go together
	count  int             // of all seconds
	oldest int64           // no mark is of a call before this second
	floor  int64           // calls stamped before this second may have been let go
}

// Check reports what is known of the call at now and, when record is set and it is new,
// remembers it. Most is the bound on the tenant's entries.
func (t *Table) Check(c Call, most int, record bool, now time.Time) Outcome {
	m := c.mark()
	s := t.shard(c.Tenant, m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now.Add(-c.Window - overtaking).Unix())
	stamp, full := c.Time.Unix(), s.count >= max(1, most/shards)
	switch {
	case stamp < s.floor:
		return Seen
	case record && !full:
		return s.add(m, stamp)
	}
	if _, ok := s.seen[stamp][m]; ok {
		return Seen
	}
	if full {
		return Full
	}
	return New
}

// Len returns how many calls are remembered, over all tenants.
func (t *Table) Len() int {
	n := 0
	t.tenants.Range(func(_, v any) bool {
		for i := range v.(*[shards]shard) {
			s := &v.(*[shards]shard)[i]
			s.mu.Lock()
			n += s.count
			s.mu.Unlock()
		}
		return true
	})
	return n
}

// Expire lets go of calls stamped before a time, of tenants that make none too: their shards are else looked at with their
// next call. The time must lie before every window that is in force.
func (t *Table) Expire(before time.Time) {
	t.tenants.Range(func(_, v any) bool {
		for i := range v.(*[shards]shard) {
			s := &v.(*[shards]shard)[i]
			s.mu.Lock()
			if s.expire(before.Add(-overtaking).Unix()); s.count == 0 {
				s.seen = nil // maps do not shrink
			}
			s.mu.Unlock()
		}
		return true
	})
}

// Forget drops what is remembered of a tenant, once it is gone for good.
func (t *Table) Forget(tenant string) { t.tenants.Delete(tenant) }

func (t *Table) shard(tenant string, m mark) *shard {
	v, ok := t.tenants.Load(tenant)
	if !ok {
		v, _ = t.tenants.LoadOrStore(tenant, new([shards]shard))
	}
	return &v.(*[shards]shard)[m%shards]
}

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

// add remembers a call, unless it is there. The calls of a second are taken to be about as
// many as those of the one before.
func (s *shard) add(m mark, stamp int64) Outcome {
	if s.seen == nil {
		s.seen = make(map[int64]marks)
	}
	of := s.seen[stamp]
	if of == nil {
		of = make(marks, len(s.seen[stamp-1]))
		s.seen[stamp] = of
	}
	before := len(of)
	if of[m] = struct{}{}; len(of) == before {
		return Seen
	}
	s.count++
	s.oldest = min(s.oldest, stamp)
	return New
}

// expire lets go of calls of before a second: they have left the window. Should a wider
// window or a clock set back bring that time in again, its calls count as seen.
func (s *shard) expire(before int64) {
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
