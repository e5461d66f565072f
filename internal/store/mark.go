package store

import (
	"slices"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// mark is the last part of a due entry's name: what is due about a key. A sweep then knows
// its rotations, and which of them is most urgent, without reading a record.
//
// A version of the engine that knows no marks takes such an entry for none of its own and
// leaves it alone; its walk writes entries of the old form. Those are read here still.
type mark string

const (
	unmarked mark = ""  // about a tenant, or of the old form: what is due is seen when the key is looked at
	chore    mark = "c" // anything but a rotation
)

// endForm is how a rotation's mark tells the minute in which the version ends that signs.
const endForm = "r200601021504"

func rotation(end time.Time) mark { return mark(end.UTC().Format(endForm)) }

// ends returns the end that a rotation's mark tells.
func (m mark) ends() (time.Time, bool) {
	end, err := time.ParseInLocation(endForm, string(m), time.UTC)
	return end, err == nil && rotation(end) == m
}

func (m mark) valid() bool {
	_, ends := m.ends()
	return m == chore || ends
}

// slot is a place in the due index that is about a key.
type slot struct {
	due time.Time
	of  mark
}

// slots returns the entries that have to be in the due index about k: always one of its
// rotation, so that a chore that has to wait hides none; one of a chore only when that comes
// first, since making the rotation looks after the rest.
func slots(k *apikey.Key, p apikey.Policy) []slot {
	var all []slot
	rotate, other := k.RotateAt(p), k.ChoreAt(p)
	if !rotate.IsZero() {
		all = append(all, slot{rotate, rotation(k.Newest().ExpiresAt)})
	}
	if !other.IsZero() && (rotate.IsZero() || other.Before(rotate)) {
		all = append(all, slot{other, chore})
	}
	return all
}

// indexed returns the slots that are in the index for a key that was written under a
// policy: as it was then, and as if the tenant were active.
func indexed(k *apikey.Key, p apikey.Policy) []slot {
	all := slots(k, active(p))
	if !p.Paused {
		return all
	}
	for _, s := range slots(k, p) {
		if !slices.ContainsFunc(all, s.same) {
			all = append(all, s)
		}
	}
	return all
}

// active returns the policy as it is once the tenant is active.
func active(p apikey.Policy) apikey.Policy {
	p.Paused = false
	return p
}

func (s slot) same(o slot) bool { return s.of == o.of && s.due.Equal(o.due) }
