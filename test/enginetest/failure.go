package enginetest

import "sync/atomic"

// Failure breaks the n-th operation of storage, before or after it is done.
type Failure struct {
	N      int
	Landed bool // it breaks after it is done
	Met    bool // set once it has broken
}

// Into has storage break.
func (f *Failure) Into(s *Storage) {
	var left atomic.Int64 // a sweep has several workers
	left.Store(int64(f.N))
	hook := func(string, string) error {
		if left.Add(-1) == 0 {
			f.Met = true
			return ErrStorage
		}
		return nil
	}
	if f.Landed {
		s.Hooks(nil, hook)
	} else {
		s.Hooks(hook, nil)
	}
}
