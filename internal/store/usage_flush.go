package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// occupy waits until nobody else writes entries of uses.
func (u *usage) occupy(ctx context.Context) (release func(), err error) {
	select {
	case u.busy <- struct{}{}:
		return func() { <-u.busy }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for %s: %w", familyUsage, ctx.Err())
	}
}

// FlushUsage writes the uses collected so far, as far as time allows: one Get and one Put
// for a tenant with few used keys. Tenants take turns, one entry each; who is left out comes
// first the next time.
func (st *Store) FlushUsage(ctx context.Context, s logical.Storage, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	release, err := st.usage.occupy(ctx)
	if err != nil {
		return nil // there is no time: the next flush writes them.
	}
	defer release()
	left, err := turns(ctx, s, st.usage.rounds())
	st.usage.turns = left
	return err
}

// rounds returns who has something to be written, whoever was left out first.
func (u *usage) rounds() []*round {
	var all []*round
	dirty := make(map[string]*owned)
	u.tenants.Range(func(uid, v any) bool {
		o := v.(*owned)
		if o.collect(u.most); o.dirty() {
			dirty[uid.(string)] = o
		}
		return true
	})
	for _, uid := range u.turns {
		if o := dirty[uid]; o != nil {
			all = append(all, newRound(uid, o))
			delete(dirty, uid)
		}
	}
	for uid, o := range dirty {
		all = append(all, newRound(uid, o))
	}
	return all
}

// turns goes round until all is written or there is no time. It returns who is left out,
// and the first failure, which keeps nobody else back.
func turns(ctx context.Context, s logical.Storage, all []*round) (left []string, failed error) {
	for len(all) > 0 && ctx.Err() == nil {
		r := all[0]
		all = all[1:]
		more, err := r.step(ctx, s)
		if more {
			//mutate:instead "uses of another that are written first" TestFlushIsFairByTenant
			//mutate:more => all = append([]*round{r}, all...)
			all = append(all, r)
		}
		if failed == nil && ctx.Err() == nil { // to run out of time is no failure
			failed = err
		}
	}
	for _, r := range all {
		left = append(left, r.uid)
	}
	return left, failed
}

// round is one tenant's part of a flush.
type round struct {
	uid    string
	owned  *owned
	groups []string         // still to be written, sorted
	split  map[string]int64 // nodes that are known to be split
}

func newRound(uid string, o *owned) *round {
	o.mu.Lock()
	defer o.mu.Unlock()
	groups := slices.Collect(maps.Keys(o.waiting))
	groups = slices.AppendSeq(groups, maps.Keys(o.gone))
	slices.Sort(groups)
	return &round{uid: uid, owned: o, groups: slices.Compact(groups), split: make(map[string]int64)}
}

// step writes one entry, and reports whether there is another one.
func (r *round) step(ctx context.Context, s logical.Storage) (more bool, err error) {
	if forgets, err := r.forgotten(ctx, s); forgets || err != nil || len(r.groups) == 0 {
		return err == nil && len(r.groups) > 0, err
	}
	b, err := descend(ctx, s, r.uid, r.groups[0], r.split)
	n := 1
	for n < len(r.groups) && strings.HasPrefix(r.groups[n], b.prefix) {
		n++
	}
	groups := r.groups[:n]
	r.groups = r.groups[n:] // whatever comes of these
	if err != nil {
		return len(r.groups) > 0, err
	}
	return len(r.groups) > 0, r.write(ctx, s, b, groups)
}

// write merges the groups' uses into the node that holds them, and writes it.
func (r *round) write(ctx context.Context, s logical.Storage, b branch, groups []string) error {
	o := r.owned
	b.node.tenant = o.tenant
	gone := make(map[string]map[string]struct{})
	o.mu.Lock()
	changed := false
	for _, group := range groups {
		for keyID, use := range o.waiting[group] {
			b.node.uses = put(b.node.uses, group, keyID, b.node.uses[group][keyID].merge(use))
			changed = true
		}
		gone[group] = maps.Clone(o.gone[group])
		for keyID := range gone[group] {
			_, there := b.node.uses[group][keyID]
			changed = changed || there
			delete(b.node.uses[group], keyID)
		}
	}
	o.mu.Unlock()
	if changed {
		if err := saveNode(ctx, s, r.uid, b.prefix, b.node); err != nil {
			return err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	for _, group := range groups {
		// Nobody but who is busy adds to what waits; a key destroyed meanwhile stays to be forgotten.
		o.waits -= len(o.waiting[group])
		delete(o.waiting, group)
		for keyID := range gone[group] {
			delete(o.gone[group], keyID)
			o.goes--
		}
		if len(o.gone[group]) == 0 {
			delete(o.gone, group)
		}
	}
	return nil
}

// forgotten writes that uses were forgotten before they came to storage.
func (r *round) forgotten(ctx context.Context, s logical.Storage) (wrote bool, err error) {
	r.owned.mu.Lock()
	until := r.owned.forgotten
	r.owned.mu.Unlock()
	if until == 0 {
		return false, nil
	}
	root, _, err := loadNode(ctx, s, r.uid, "")
	if err != nil {
		return false, err
	}
	root.tenant, root.forgotten = r.owned.tenant, max(root.forgotten, until)
	if err := saveNode(ctx, s, r.uid, "", root); err != nil {
		return false, err
	}
	r.owned.mu.Lock()
	defer r.owned.mu.Unlock()
	r.owned.writes++
	if r.owned.forgotten == until {
		r.owned.forgotten = 0
	}
	return true, nil
}
