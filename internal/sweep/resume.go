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

// resumption is one return of a tenant to being active, after which all its keys are checked once. The next
// resumption starts from the first key, because rotations may have been missed in between.
type resumption struct {
	uid string
	at  time.Time
}

// resumed is the progress of the check after a resumption: all places up to upTo, by name. It is a name and no
// number, because keys come and go between two sweeps.
type resumed struct {
	resumption
	upTo   string
	failed error // the first failure up to there
}

// checkMissed puts a key that may have missed its rotation on the due index. A key that cannot be read is reported
// and skipped, because checking all others again would not help it. The walk repairs it once it can be read.
func (r *run) checkMissed(ctx context.Context, place store.DueEntry) error {
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

// resume continues a group that checks for missed rotations. This sweep also makes the rotations that it finds.
func (r *run) resume(g *group, of *tenant.Tenant) {
	r.mu.Lock()
	r.again = true
	r.mu.Unlock()
	r.resumeLook(g, of)
}

// resumeLook removes the places from a group that were checked since the tenant was resumed.
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

// savePosition saves the progress of a group for the next sweep. A group that had a failure starts again after its
// last key, so that it reaches all keys first.
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

// dropPosition deletes the saved progress of a tenant whose keys need no check.
func (w *Sweeper) dropPosition(name tenant.Name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.resumed, name)
}
