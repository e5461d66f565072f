package client

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// shelf holds keys by their IDs, those that were used last. To find one takes no lock that calls share.
type shelf struct {
	found sync.Map   // key ID -> *entry
	mu    sync.Mutex // held to change what there is
	order *lru.Cache[string, *entry]
}

// newShelf returns one for so many keys.
func newShelf(keys int) (*shelf, error) {
	s := new(shelf)
	var err error
	s.order, err = lru.NewWithEvict(keys, func(id string, _ *entry) { s.found.Delete(id) })
	return s, err
}

// get returns the key of an ID, or nil.
func (s *shelf) get(id string) *entry {
	e, _ := s.found.Load(id)
	held, _ := e.(*entry)
	return held
}

// used has the key of an ID be the last one to be let go.
func (s *shelf) used(id string) { s.order.Get(id) }

// add holds a key, unless one of its ID is held.
func (s *shelf) add(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, _ := s.order.ContainsOrAdd(e.id, e); !held {
		s.found.Store(e.id, e)
	}
}

func (s *shelf) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.Remove(id)
}

// clear lets go of all, and returns what they were.
func (s *shelf) clear() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.order.Values()
	s.order.Purge()
	return all
}

func (s *shelf) all() []*entry { return s.order.Values() }

func (s *shelf) len() int { return s.order.Len() }
