package sweep

import (
	"slices"

	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// maxQueued is how many entries of a tenant are kept in memory, of about 200 bytes each: more than one sweep can do.
const maxQueued = 20_000

// unit is a worker's unit of work: an entry of the due index, or one key of a group.
type unit struct {
	entry store.DueEntry
	group *group
	index int // in the group's places
}

// chore reports whether u is not a rotation.
func (u unit) chore() bool { return u.group != nil || !u.entry.Rotation() }

// queue serves the tenants in turn, however much each of them has queued.
type queue struct {
	n     int
	lanes map[tenant.Name]*lane
	next  []*lane // lanes that are not empty, in the order of their turns
}

type lane struct {
	of    tenant.Name
	units []unit
}

// push queues a unit of its tenant. An entry beyond the tenant's limit stays in storage for the next sweep.
func (q *queue) push(u unit) {
	name, _ := u.entry.Tenant()
	l := q.lanes[name]
	if l == nil {
		if q.lanes == nil {
			q.lanes = make(map[tenant.Name]*lane)
		}
		l = &lane{of: name}
		q.lanes[name] = l
		q.next = append(q.next, l)
	}
	if u.group == nil && len(l.units) >= maxQueued {
		return
	}
	l.units = append(l.units, u)
	q.n++
}

// sort orders each tenant's rotations by the end of their version. Unknown ends come first.
func (q *queue) sort() {
	for _, l := range q.lanes {
		slices.SortStableFunc(l.units, func(a, b unit) int { return a.entry.Ends().Compare(b.entry.Ends()) })
	}
}

// pop removes the next unit of the tenant whose turn it is.
func (q *queue) pop() (unit, bool) {
	if q.n == 0 {
		return unit{}, false
	}
	l := q.next[0]
	q.next = q.next[1:]
	u := l.units[0]
	l.units[0] = unit{} // frees its memory
	l.units = l.units[1:]
	if len(l.units) > 0 {
		//mutate:instead "a turn for each tenant" TestRotationsAreFairByTenant => q.next = append([]*lane{l}, q.next...)
		q.next = append(q.next, l)
	} else {
		delete(q.lanes, l.of)
	}
	q.n--
	return u, true
}
