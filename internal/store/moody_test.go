package store

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// mood is how storage treats one write.
type mood string

const (
	prompt mood = "prompt" // done, and answered
	slow   mood = "slow"   // done and answered after ten seconds, even if no caller waits
	lost   mood = "lost"   // not done, and an error returned
	landed mood = "landed" // done, and an error returned
	late   mood = "late"   // an error returned, and done later
	twice  mood = "twice"  // done and answered, and done again later
	hung   mood = "hung"   // no answer, and done later
)

var moods = []mood{prompt, prompt, slow, lost, landed, late, twice, hung}

// moody is a storage that does writes late, and those of one entry in order.
type moody struct {
	logical.InmemStorage
	mu    sync.Mutex
	moods []mood              // of the next writes; prompt when there are none
	later map[string][]func() // by path: what is still to be done
}

func (s *moody) Put(ctx context.Context, e *logical.StorageEntry) error {
	return s.write(ctx, e.Key, func() { _ = s.InmemStorage.Put(context.Background(), e) })
}

func (s *moody) Delete(ctx context.Context, path string) error {
	return s.write(ctx, path, func() { _ = s.InmemStorage.Delete(context.Background(), path) })
}

func (s *moody) write(ctx context.Context, path string, do func()) error {
	m := s.next()
	switch m {
	case slow:
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done(): // as gRPC has it: the caller is told at once, and the write goes on
			s.postpone(path, do)
			return ctx.Err()
		}
	case lost:
		return errBroken
	case late, hung:
		s.postpone(path, do)
		if m == late {
			return errBroken
		}
		<-ctx.Done()
		return ctx.Err()
	case prompt, landed, twice:
	}
	s.land(path)
	do()
	if m == twice {
		s.postpone(path, do)
	}
	if m == landed {
		return errBroken
	}
	return nil
}

func (s *moody) next() mood {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.moods) == 0 {
		return prompt
	}
	m := s.moods[0]
	s.moods = s.moods[1:]
	return m
}

func (s *moody) postpone(path string, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.later == nil {
		s.later = make(map[string][]func())
	}
	s.later[path] = append(s.later[path], do)
}

// land does what is still to be done of an entry, or of all.
func (s *moody) land(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, all := range s.later {
		if path != "" && at != path {
			continue
		}
		for _, do := range all {
			do()
		}
		delete(s.later, at)
	}
}
