package sweep

import (
	"context"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// group is all keys of a tenant, checked one unit at a time, so that they take turns with all other work. Finish is
// called after the last key.
type group struct {
	entry  store.DueEntry
	of     resumption // after which it checks for missed rotations; zero in other groups
	places []store.DueEntry
	first  int // index of the first place that is not done
	each   func(ctx context.Context, place store.DueEntry) error
	finish func(ctx context.Context) (bool, error)

	done   []bool // by place; this and the next are guarded by the run's lock
	left   int
	failed error // the first failure
}

// tenant does what is due about a tenant: it erases one that was deleted long enough ago, or checks the keys of one
// that was resumed for missed rotations. If it returns a group, the group finishes the work.
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
		g.each = r.checkMissed
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

// count adds n to what waits with the group's entry.
func (r *run) count(g *group, n int) {
	r.Sweeper.mu.Lock()
	defer r.Sweeper.mu.Unlock()
	w := r.waits[g.entry.Minute()]
	w.all += n
	r.waits[g.entry.Minute()] = w
}

// member does one key of a group, and finishes the group after the last one. A failure does not stop the other keys;
// all keys of the group are tried again later.
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

// beginErasure records that the erasure has begun. From then on the tenant cannot be restored.
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

// eraseTenant erases the roles and then the record of a tenant without keys.
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

// repair restores the index entries of a key.
func (r *run) repair(ctx context.Context, place store.DueEntry, seen func(keyID string)) (store.Repairs, error) {
	return r.store.RepairIndex(ctx, r.s, place, r.now, func(k *apikey.Key, of *tenant.Tenant) (bool, error) {
		if k.Gone(r.config.Retention, r.now) {
			return true, nil
		}
		care, _ := r.maintainInput(ctx, k, of) // PruneUsage reports uses that cannot be read
		return k.Overdue(care, r.now), nil
	}, seen)
}
