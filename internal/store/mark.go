package store

import (
	"slices"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
)

// mark is the last part of a due entry's name: what is due about a key. It tells a sweep which entries are rotations,
// and which of them are most urgent, without reading a record.
//
// Versions of the engine that know no marks ignore such entries; their walk writes entries of the old form, which
// this version still reads.
type mark string

const (
	unmarked mark = ""  // about a tenant, or of the old form, where only the record tells what is due
	chore    mark = "c" // anything but a rotation
)

// endForm is the form of a rotation's mark: the minute in which the signing version ends.
const endForm = "r200601021504"

func rotation(end time.Time) mark { return mark(end.UTC().Format(endForm)) }

// ends parses a rotation's mark.
func (m mark) ends() (time.Time, bool) {
	end, err := time.ParseInLocation(endForm, string(m), time.UTC)
	return end, err == nil && rotation(end) == m
}

func (m mark) valid() bool {
	_, ends := m.ends()
	return m == chore || ends
}

// slot is the time and the mark of a due entry about a key.
type slot struct {
	due time.Time
	of  mark
}

// slots returns the slots that the due index must have for k: its rotation always, so that a delayed chore does not
// hide it; a chore only if it comes first, because a rotation does all chores.
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

// indexed returns the slots that the index has for a key written under a policy: those of that policy, and those for
// an active tenant.
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

// active returns the policy of an active tenant.
func active(p apikey.Policy) apikey.Policy {
	p.Paused = false
	return p
}

func (s slot) same(o slot) bool { return s.of == o.of && s.due.Equal(o.due) }
