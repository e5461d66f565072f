package store

// reads are records that are read one after the other, to be used together. While one of them waits for storage, the
// others may be changed: then all are read again, so that no change is missed that was answered meanwhile.
type reads struct {
	of [3]struct {
		stripe     *generation
		generation uint64
	}
	n int
}

// note is called before the record is read.
func (r *reads) note(stripe *generation) (generation uint64) {
	generation = stripe.n.Load()
	r.of[r.n].stripe, r.of[r.n].generation = stripe, generation
	r.n++
	return generation
}

// stand reports whether nothing has changed of what was read since it was.
func (r *reads) stand() bool {
	for _, one := range r.of[:r.n] {
		//mutate:false "changes during a slow read of another record" TestWhatIsReadTogetherHoldsTogether
		if one.stripe.n.Load() != one.generation {
			return false
		}
	}
	return true
}
