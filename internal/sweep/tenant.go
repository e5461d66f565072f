package sweep

import (
	"context"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// group is the keys of a tenant that all have to be looked at, one a unit, so that they
// wait for their turn as everything does. What is left then comes last.
type group struct {
	entry  store.DueEntry
	of     resumption // that it looks for missed rotations after; none for other groups
	places []store.DueEntry
	first  int // of those that are still to be done
	each   func(ctx context.Context, place store.DueEntry) error
	finish func(ctx context.Context) (bool, error)

	done   []bool // guarded by the run's lock
	left   int
	failed error // the first
}

// tenant does what is due about a tenant: erases one that was deleted long enough ago, or
// has the keys of one that is active again looked at, which may have missed rotations. With
// a group, the rest is left to that.
func (r *run) tenant(ctx context.Context, e store.DueEntry) (*group, bool, error) {
	name, _ := e.Tenant()
	of, err := r.store.Tenant(ctx, r.s, name)
	if err != nil {
		return nil, false, err
	}
	active := of != nil && !of.Gone(r.config.Retention, r.now) && of.State() == tenant.Active
	if !active {
		r.dropPosition(name)
	}
	g := &group{entry: e}
	switch {
	case of != nil && of.Gone(r.config.Retention, r.now):
		if err := r.beginErasure(ctx, of); err != nil {
			return nil, false, err
		}
		g.each, g.finish = r.destroy, func(ctx context.Context) (bool, error) { return r.eraseTenant(ctx, e, of) }
	case active:
		g.each = r.missed
		g.finish = func(ctx context.Context) (bool, error) { return r.store.DropTenantEntry(ctx, r.s, e, of) }
	default:
		done, err := r.store.DropTenantEntry(ctx, r.s, e, of)
		return nil, done, err
	}
	if g.places, err = r.store.KeyPlaces(ctx, r.s, name); err != nil {
		return nil, false, err
	}
	if active {
		r.resume(g, of)
	}
	if len(g.places) == 0 {
		r.dropPosition(name)
		//mutate:false "failures of a look of which nothing is left" TestResumptionOfWhatVanishesBesideAFailure
		if g.failed != nil {
			return nil, false, g.failed
		}
		done, err := g.finish(ctx)
		return nil, done, err
	}
	r.pushGroup(ctx, g)
	return g, false, nil
}

func (r *run) pushGroup(ctx context.Context, g *group) {
	r.mu.Lock()
	g.done, g.left = make([]bool, len(g.places)), len(g.places)
	for i, place := range g.places {
		r.chores.push(unit{entry: place, group: g, index: i})
	}
	r.count(g, g.left)
	r.mu.Unlock()
	r.spawn(ctx)
}

// count adds keys of a group to what waits with its entry.
func (r *run) count(g *group, n int) {
	r.Sweeper.mu.Lock()
	defer r.Sweeper.mu.Unlock()
	w := r.waits[g.entry.Minute()]
	w.all += n
	r.waits[g.entry.Minute()] = w
}

// member does one key of a group, and with the last one what is left. One that fails keeps
// none of the others from their turn, and then all are looked at once more.
func (r *run) member(ctx context.Context, u unit) {
	g := u.group
	err := r.safely(func() error { return g.each(ctx, u.entry) })
	if err != nil && r.stopped() {
		r.ended(ctx, g.entry, false, nil, err)
		return
	}
	r.mu.Lock()
	if err != nil && g.failed == nil {
		g.failed = err
	}
	g.done[u.index] = true
	g.left--
	last := g.left == 0
	for g.first < len(g.done) && g.done[g.first] {
		g.first++
	}
	r.count(g, -1)
	r.savePosition(g, last)
	failed := g.failed
	r.mu.Unlock()
	if !last {
		return
	}
	done := false
	if failed == nil {
		failed = r.safely(func() (err error) {
			done, err = g.finish(ctx)
			return err
		})
	}
	r.ended(ctx, g.entry, done, nil, failed)
}

// beginErasure writes that the erasure has begun: from then on nothing restores the tenant.
func (r *run) beginErasure(ctx context.Context, of *tenant.Tenant) error {
	_, err := r.store.UpdateTenant(ctx, r.s, of.Name, func(old *tenant.Tenant) (*tenant.Tenant, error) {
		if old == nil || !old.Gone(r.config.Retention, r.now) || !old.ErasedSince.IsZero() {
			return old, nil
		}
		begun := *old
		begun.ErasedSince = r.now
		begun.Revision++
		return &begun, nil
	})
	return err
}

func (r *run) destroy(ctx context.Context, place store.DueEntry) error {
	err := r.store.Destroy(ctx, r.s, place)
	if err == nil {
		r.erased.Add(1)
	}
	return err
}

// eraseTenant erases what is left of a tenant without keys, and its record last.
func (r *run) eraseTenant(ctx context.Context, e store.DueEntry, of *tenant.Tenant) (bool, error) {
	if err := r.store.EraseRoles(ctx, r.s, of.Name); err != nil {
		return false, err
	}
	if err := r.store.EraseTenant(ctx, r.s, of.Name); err != nil {
		return false, err
	}
	r.gone(of.UID)
	return r.store.DropTenantEntry(ctx, r.s, e, of)
}

// repair has what leads to a key put right.
func (r *run) repair(ctx context.Context, place store.DueEntry, seen func(keyID string)) (store.Repairs, error) {
	return r.store.RepairIndex(ctx, r.s, place, r.now, func(k *apikey.Key, of *tenant.Tenant) (bool, error) {
		if k.Gone(r.config.Retention, r.now) {
			return true, nil
		}
		care, _ := r.maintainInput(ctx, k, of) // uses that cannot be read are told of where they are pruned
		return k.Overdue(care, r.now), nil
	}, seen)
}
