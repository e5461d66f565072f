package store

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// stripes is the number of generations in a cache. With so many, a reader of slow storage seldom reads again because
// of a write to another record. They take 64 KiB for each kind of record.
const stripes = 4096

// cache holds decoded, immutable values by storage path or key ID. A get takes no lock. A value that was read from
// storage before an invalidation cannot be put in after it, because fill needs the generation from before the read.
type cache[V any] struct {
	values *otter.Cache[string, V]
	seed   maphash.Seed
	gens   [stripes]generation
}

// generation counts the changes of the keys of a stripe. A change is counted once the cache has it, so that readers
// who started before notice it.
type generation struct {
	mu sync.Mutex // held while a value is changed or filled
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

// generation returns the generation that [cache.fill] needs. Call it before reading storage.
func (c *cache[V]) generation(k string) uint64 {
	return c.stripe(k).n.Load()
}

// fill caches v unless the generation of k has changed, and reports whether it did.
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

// put caches v. The caller has just written it to storage.
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
