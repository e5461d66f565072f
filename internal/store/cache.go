package store

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// stripes are so many that a reader of slow storage seldom reads again for a write of somebody else's record. They take
// 64 KiB for each kind of record.
const stripes = 4096

// cache holds decoded, immutable values by storage path or key ID. A get takes no lock.
// A value read from storage before an invalidation can never be put in after it: whoever
// fills shows the generation it has read under.
type cache[V any] struct {
	values *otter.Cache[string, V]
	seed   maphash.Seed
	gens   [stripes]generation
}

// generation counts the changes of the keys of a stripe. Each is counted once the cache has it: whoever has read before
// sees that something has changed since.
type generation struct {
	mu sync.Mutex // held by who changes or fills
	n  atomic.Uint64
}

func newCache[V any](size int) *cache[V] {
	return &cache[V]{
		seed: maphash.MakeSeed(),
		values: otter.Must(&otter.Options[string, V]{
			MaximumSize: size,
			Executor:    func(fn func()) { fn() }, // no goroutines that outlive a request
		}),
	}
}

func (c *cache[V]) get(k string) (V, bool) { return c.values.GetIfPresent(k) }

// generation returns what [cache.fill] wants; it is taken before reading storage.
func (c *cache[V]) generation(k string) uint64 {
	return c.stripe(k).n.Load()
}

// fill keeps v unless k's generation has passed since, and reports whether it did.
func (c *cache[V]) fill(k string, v V, generation uint64) bool {
	g := c.stripe(k)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n.Load() != generation {
		return false
	}
	c.values.Set(k, v)
	return true
}

// put keeps v, which its writer knows to be what storage holds.
func (c *cache[V]) put(k string, v V) {
	g := c.stripe(k)
	g.mu.Lock()
	defer g.mu.Unlock()
	c.values.Set(k, v)
	g.n.Add(1)
}

func (c *cache[V]) drop(k string) {
	g := c.stripe(k)
	g.mu.Lock()
	defer g.mu.Unlock()
	c.values.Invalidate(k)
	g.n.Add(1)
}

func (c *cache[V]) resize(size int) {
	c.values.SetMaximum(uint64(max(0, size)))
}

func (c *cache[V]) size() int { return c.values.EstimatedSize() }

func (c *cache[V]) stripe(k string) *generation {
	return &c.gens[maphash.String(c.seed, k)%stripes]
}
