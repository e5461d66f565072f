// Package replay remembers the calls a node has accepted, so that none is accepted twice
// inside its clock window.
package replay

import (
	"crypto/sha256"
	"encoding/binary"
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

type mark [16]byte

type shard struct {
	mu     sync.Mutex
	seen   map[mark]struct{}
	stamps map[int64][]mark // by the second of the call's time
	oldest int64            // no mark is of a call before this second
	floor  int64            // calls stamped before this second may have been let go
}

// Check reports what is known of the call at now and, when record is set and it is new,
// remembers it. Most is the bound on the tenant's entries.
func (t *Table) Check(c Call, most int, record bool, now time.Time) Outcome {
	m := c.mark()
	s := t.shard(c.Tenant, m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now.Add(-c.Window - overtaking).Unix())
	if _, ok := s.seen[m]; ok || c.Time.Unix() < s.floor {
		return Seen
	}
	if len(s.seen) >= max(1, most/shards) {
		return Full
	}
	if record {
		s.add(m, c.Time.Unix())
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
			n += len(s.seen)
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
			if s.expire(before.Add(-overtaking).Unix()); len(s.seen) == 0 {
				s.seen, s.stamps = nil, nil // maps do not shrink
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
	return &v.(*[shards]shard)[m[0]%shards]
}

// mark identifies a call by its decoded parts. The time comes first and takes the same room
// for all, and the others cannot contain NUL, so no two calls run together; 128 bits of SHA-256 leave nothing to find for whoever signs calls.
func (c *Call) mark() mark {
	buf := make([]byte, 0, 256)
	buf = binary.BigEndian.AppendUint64(buf, uint64(c.Time.Unix()))       //nolint:gosec // bits, not a number
	buf = binary.BigEndian.AppendUint32(buf, uint32(c.Time.Nanosecond())) //nolint:gosec // bits, not a number
	buf = append(buf, c.KeyID...)
	buf = append(buf, 0)
	buf = append(buf, c.Nonce...)
	sum := sha256.Sum256(buf)
	return mark(sum[:16])
}

func (s *shard) add(m mark, stamp int64) {
	if s.seen == nil {
		s.seen, s.stamps = make(map[mark]struct{}), make(map[int64][]mark)
	}
	s.seen[m] = struct{}{}
	s.stamps[stamp] = append(s.stamps[stamp], m)
	s.oldest = min(s.oldest, stamp)
}

// expire lets go of calls of before a second: they have left the window. Should a wider
// window or a clock set back bring that time in again, its calls count as seen.
func (s *shard) expire(before int64) {
	switch {
	case len(s.seen) == 0:
		s.oldest = before
	case before-s.oldest > int64(len(s.stamps)):
		for stamp := range s.stamps {
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
	marks, held := s.stamps[stamp]
	if !held {
		return
	}
	for _, m := range marks {
		delete(s.seen, m)
	}
	delete(s.stamps, stamp)
	s.floor = max(s.floor, stamp+1)
}
