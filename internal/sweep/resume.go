package sweep

import (
	"cmp"
	"slices"
	"time"

	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// resumption is one return of a tenant to being active, after which all of its keys are
// looked at once. Nothing of that counts for the next one: rotations may have been missed
// in between.
type resumption struct {
	uid string
	at  time.Time
}

// resumed is how far the look at a resumed tenant's keys has come: through all places up to
// this one, by name. Keys come and go between two sweeps, so that a number would not do.
type resumed struct {
	resumption
	upTo string
}

// resume has a group that looks for missed rotations go on where it was; those it finds are
// made in this sweep too.
func (r *run) resume(g *group, of *tenant.Tenant) {
	r.mu.Lock()
	r.again = true
	r.mu.Unlock()
	r.goOn(g, of)
}

// goOn leaves those places to a group that were not looked at since its tenant was resumed.
func (w *Sweeper) goOn(g *group, of *tenant.Tenant) {
	g.of = resumption{of.UID, of.ResumedAt}
	slices.SortFunc(g.places, func(a, b store.Entry) int { return cmp.Compare(a.String(), b.String()) })
	w.mu.Lock()
	defer w.mu.Unlock()
	kept, ok := w.resumed[of.Name]
	//mutate:false:2 "a look at keys for each resumption" TestResumptionOfANamesake
	if !ok || kept.resumption != g.of {
		return
	}
	g.places = slices.DeleteFunc(g.places, func(place store.Entry) bool { return place.String() <= kept.upTo })
}

// keepPlace notes how far a group is, for the next sweep. One that has met a failure begins
// anew.
func (w *Sweeper) keepPlace(g *group, last bool) {
	if g.of == (resumption{}) {
		return
	}
	name, _ := g.entry.Tenant()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case last || g.failed != nil:
		delete(w.resumed, name)
	case g.first > 0:
		w.resumed[name] = resumed{g.of, g.places[g.first-1].String()}
	}
}

// forgetPlace is for a tenant whose keys are not to be looked at, or no longer.
func (w *Sweeper) forgetPlace(name tenant.Name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.resumed, name)
}
