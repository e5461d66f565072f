package store

// reads tracks records that are read one after the other and used together. If one of them changes while another is
// read from slow storage, the caller reads all again, so that it misses no change that was answered meanwhile.
type reads struct {
	of [3]struct {
		stripe     *generation
		generation uint64
	}
	n int
}

// note returns the generation of a stripe, to be called before the record is read.
func (r *reads) note(stripe *generation) (generation uint64) {
	generation = stripe.n.Load()
	r.of[r.n].stripe, r.of[r.n].generation = stripe, generation
	r.n++
	return generation
}

// unchanged reports whether no record has changed since it was read.
func (r *reads) unchanged() bool {
	for _, one := range r.of[:r.n] {
		//mutate:false "changes during a slow read of another record" TestWhatIsReadTogetherHoldsTogether
		if one.stripe.n.Load() != one.generation {
			return false
		}
	}
	return true
}
