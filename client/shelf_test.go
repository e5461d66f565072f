package client

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestShelf has keys come, go and be pushed out at once: what is found is what is held, and no more than may be.
func TestShelf(t *testing.T) {
	const bound, ids = 20, 60
	s, err := newShelf(bound)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 5000 {
				id := fmt.Sprint(rand.IntN(ids))
				switch e := s.get(id); {
				case e != nil && e.id != id:
					t.Errorf("%s found for %s", e.id, id)
				case e == nil:
					s.add(&entry{id: id})
				case rand.IntN(4) == 0:
					s.remove(id)
				default:
					s.used(id)
				}
			}
		})
	}
	wait.Wait()
	held := s.all()
	found := 0
	s.found.Range(func(id, e any) bool {
		if found++; !slices.Contains(held, e.(*entry)) || e.(*entry).id != id {
			t.Errorf("%v is found, and not held", id)
		}
		return true
	})
	if found != len(held) || len(held) != s.len() || s.len() > bound || s.len() == 0 {
		t.Errorf("%d found, %d held", found, len(held))
	}
	for _, e := range held {
		s.add(&entry{id: e.id})
		if s.get(e.id) != e {
			t.Errorf("another %s in the place of one", e.id)
		}
	}
	if all := s.clear(); len(all) != len(held) || s.len() != 0 || s.get(held[0].id) != nil {
		t.Errorf("%d of %d cleared", len(all), len(held))
	}
}

// TestShelfKeepsWhatIsUsed pushes out what was used longest ago.
func TestShelfKeepsWhatIsUsed(t *testing.T) {
	s, err := newShelf(2)
	if err != nil {
		t.Fatal(err)
	}
	s.add(&entry{id: "a"})
	s.add(&entry{id: "b"})
	s.used("a")
	s.add(&entry{id: "c"})
	if s.get("a") == nil || s.get("b") != nil || s.get("c") == nil {
		t.Errorf("a %v, b %v, c %v", s.get("a"), s.get("b"), s.get("c"))
	}
}
