package store

import (
	"fmt"
	"sync"
	"testing"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

func TestFillNeedsTheGenerationItReadUnder(t *testing.T) {
	for _, row := range []struct {
		name    string
		between func(c *cache[string])
		want    string
	}{
		{"nothing between", func(*cache[string]) {}, "read"},
		{"another key of another stripe or not", func(c *cache[string]) { c.get("k") }, "read"},
		{"a drop between", func(c *cache[string]) { c.drop("k") }, ""},
		{"a write between", func(c *cache[string]) { c.put("k", "written") }, "written"},
		{"a write and a drop between", func(c *cache[string]) { c.put("k", "written"); c.drop("k") }, ""},
		{"another reader was faster", func(c *cache[string]) { c.fill("k", "also read", c.generation("k")) }, "read"},
	} {
		c := newCache[string](100)
		generation := c.generation("k")
		row.between(c)
		c.fill("k", "read", generation)
		if got, ok := c.get("k"); got != row.want || ok != (row.want != "") {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestCacheStaysNearItsBound(t *testing.T) {
	const bound, slack = 100, 10
	c := newCache[int](bound)
	for n := range 50 * bound {
		c.fill(fmt.Sprint(n), n, c.generation(fmt.Sprint(n)))
		if c.size() > bound+slack {
			t.Fatalf("%d entries after %d, and the bound is %d", c.size(), n+1, bound)
		}
	}
	if c.size() < bound/2 {
		t.Errorf("%d entries, and there is room for %d", c.size(), bound)
	}
	c.resize(10)
	c.fill("one more", 0, c.generation("one more"))
	if c.size() > 10+slack {
		t.Errorf("%d entries after the bound came down to 10", c.size())
	}
	c.resize(2 * bound)
	for n := range 50 * bound {
		c.put(fmt.Sprint(n), n)
	}
	if c.size() < bound || c.size() > 2*bound+slack {
		t.Errorf("%d entries after the bound went up to %d", c.size(), 2*bound)
	}
}

// The mount's settings have a cache of their own for one entry, which must hold it.
func TestCacheOfOneHoldsOne(t *testing.T) {
	c := newCache[int](1)
	for n := range 1000 {
		c.fill("config", n, c.generation("config"))
		if got, ok := c.get("config"); !ok || got != n {
			t.Fatalf("%d, %t after filling %d", got, ok, n)
		}
	}
}

func TestBoundedCachesOfTheStore(t *testing.T) {
	const bound, keys = 100, 1000
	w := newWorld(t)
	var all []string
	for n := range keys {
		keyID := fmt.Sprintf("MANY%012d", n)
		all = append(all, keyID)
		w.create(apikey.Name(fmt.Sprint("key", n)), keyID)
	}
	if got := w.st.Cached(); got != keys {
		t.Errorf("%d records are cached by default, want all %d", got, keys)
	}
	c := tenant.DefaultConfig()
	c.CacheEntries = bound
	w.st.Resize(c)
	for what, most := range map[string]uint64{
		"keys":    w.st.keys.cache.values.GetMaximum(),
		"key IDs": w.st.ids.values.GetMaximum(),
		"roles":   w.st.roles.cache.values.GetMaximum(),
	} {
		if most != bound {
			t.Errorf("the cache of %s holds %d, and the bound is %d", what, most, bound)
		}
	}
	for _, keyID := range all {
		if found := w.find(keyID); found == nil || found.Key.Version(keyID) == nil {
			t.Fatalf("%s is not found", keyID)
		}
		w.find("NOBODY" + keyID)
	}
	if got := w.st.Cached(); got > bound+bound/10 || got < bound/2 {
		t.Errorf("%d records are cached, and the bound is %d", got, bound)
	}
	if got := w.st.ids.size(); got > bound+bound/10 {
		t.Errorf("%d key IDs are cached, and the bound is %d", got, bound)
	}
	if got := w.st.unknownIDs.size(); got > absentCached+absentCached/10 {
		t.Errorf("%d unknown key IDs are cached, and the bound is %d", got, absentCached)
	}
}

func TestStrangersFillTheSmallCacheAlone(t *testing.T) {
	w := newWorld(t)
	w.create("billing", id(1))
	w.find(id(1))
	for n := range 3 * absentCached {
		w.find(fmt.Sprintf("NOBODY%010d", n))
	}
	if got := w.st.unknownIDs.size(); got > absentCached+absentCached/10 {
		t.Errorf("%d unknown key IDs are cached, and the bound is %d", got, absentCached)
	}
	expect(t, w.s.Operations(func() { w.find(id(1)) }))
}

func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	c := newCache[int](50)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 500 {
				k := fmt.Sprint((g + n) % 100)
				switch n % 5 {
				case 0:
					c.put(k, n)
				case 1:
					c.drop(k)
				case 2:
					c.resize(40 + n%20)
				default:
					if _, ok := c.get(k); !ok {
						c.fill(k, n, c.generation(k))
					}
				}
			}
		})
	}
	wg.Wait()
	if c.size() > 70 {
		t.Errorf("%d entries, and the bound is under 60", c.size())
	}
}
