package sweep

import (
	"cmp"
	"context"
	"fmt"
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
	upTo   string
	failed error // the first, of a key before that
}

// missed has a key looked at that may have missed its rotation. One that cannot be read is told of and passed over: to
// look at all the others again and again would not help it. The walk does, once it can be read.
func (r *run) missed(ctx context.Context, place store.DueEntry) error {
	_, err := r.repair(ctx, place, func(string) {})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("looking for missed rotations: %s: %w", place, err)
	//mutate:false "keys that cannot be read after a resumption" TestResumptionBesideAnUnreadableKey
	if store.Unreadable(err) {
		r.failed.Add(1)
		r.fail(err)
		return nil
	}
	return err
}

// resume has a group that looks for missed rotations go on where it was; those it finds are
// made in this sweep too.
func (r *run) resume(g *group, of *tenant.Tenant) {
	r.mu.Lock()
	r.again = true
	r.mu.Unlock()
	r.resumeLook(g, of)
}

// resumeLook leaves those places to a group that were not looked at since its tenant was resumed.
func (w *Sweeper) resumeLook(g *group, of *tenant.Tenant) {
	g.of = resumption{of.UID, of.ResumedAt}
	slices.SortFunc(g.places, func(a, b store.DueEntry) int { return cmp.Compare(a.String(), b.String()) })
	w.mu.Lock()
	defer w.mu.Unlock()
	kept, ok := w.resumed[of.Name]
	//mutate:false:2 "a look at keys for each resumption" TestResumptionOfANamesake
	if !ok || kept.resumption != g.of {
		return
	}
	//mutate:skip "keys left out of a look that goes on" TestResumptionBesideAnUnreadableKey
	g.failed = kept.failed
	g.places = slices.DeleteFunc(g.places, func(place store.DueEntry) bool { return place.String() <= kept.upTo })
}

// savePosition notes how far a group is, for the next sweep. One that has met a failure begins anew once it is through,
// so that it comes to all keys, however many there are.
func (w *Sweeper) savePosition(g *group, last bool) {
	if g.of == (resumption{}) {
		return
	}
	name, _ := g.entry.Tenant()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case last:
		delete(w.resumed, name)
	case g.first > 0:
		w.resumed[name] = resumed{g.of, g.places[g.first-1].String(), g.failed}
	}
}

// dropPosition is for a tenant whose keys are not to be looked at, or no longer.
func (w *Sweeper) dropPosition(name tenant.Name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.resumed, name)
}
