package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// round is one tenant's part of a flush.
type round struct {
	uid       string
	owned     *pendingUses
	groups    []string         // groups to be written
	at        string           // first group of the node being written; "": none
	split     map[string]int64 // forgotten minutes of nodes that are known to be split, by prefix
	splitting *splitting       // node being split; nil: none
	splits    *int             // nodes being split, over all rounds
	waits     bool             // waits for another split to end
	further   bool             // the round made progress
	failed    bool
}

// newRound returns a round that begins with the group that the last flush had no time for.
func newRound(uid string, o *pendingUses, splits *int) *round {
	o.mu.Lock()
	defer o.mu.Unlock()
	groups := slices.Collect(maps.Keys(o.waiting))
	groups = slices.AppendSeq(groups, maps.Keys(o.gone))
	slices.Sort(groups)
	groups = slices.Compact(groups)
	from, _ := slices.BinarySearch(groups, o.from)
	return &round{
		uid:    uid,
		owned:  o,
		groups: slices.Concat(groups[from:], groups[:from]),
		split:  make(map[string]int64),
		splits: splits,
	}
}

// mostSplits bounds the nodes that are split at the same time. Each is in memory until its split ends.
const mostSplits = 4

func (r *round) endSplit() {
	if r.splitting != nil {
		r.splitting = nil
		*r.splits--
	}
}

// next returns the group with which the next flush begins.
func (r *round) next() string {
	if r.at == "" && len(r.groups) > 0 {
		return r.groups[0]
	}
	return r.at
}

// step writes at most one entry, and reports whether there is more to write. What fails is left to the next flush.
func (r *round) step(ctx context.Context, s logical.Storage) (more bool, err error) {
	if r.waits && *r.splits == mostSplits {
		return true, nil
	}
	r.waits = false
	switch until := r.owned.forgets(); {
	case r.splitting != nil:
		err = r.resumeSplit(ctx, s)
	case until > 0:
		if err = r.forgotten(ctx, s, until); err != nil {
			r.groups = nil
		}
	case len(r.groups) > 0:
		err = r.node(ctx, s)
	}
	if err != nil {
		r.endSplit()
	}
	r.further = r.further || err == nil && !r.waits
	return r.splitting != nil || len(r.groups) > 0, err
}

// node writes the node with the first group, or begins to split it.
func (r *round) node(ctx context.Context, s logical.Storage) error {
	r.at = r.groups[0]
	b, err := descend(ctx, s, r.uid, r.at, r.split)
	groups := r.take(b.prefix)
	if err != nil {
		return err
	}
	for prefix := range r.split {
		delete(r.owned.unfinished, prefix) // another writer has split it
	}
	if r.owned.unfinished[b.prefix] == nil {
		if err := r.write(ctx, s, b, groups); !errors.Is(err, errLarge) {
			return err
		}
	}
	return r.begin(ctx, s, b, groups)
}

// take removes the groups below a node from the round, and returns them.
func (r *round) take(prefix string) []string {
	var taken, others []string
	for _, group := range r.groups {
		if strings.HasPrefix(group, prefix) {
			taken = append(taken, group)
		} else {
			others = append(others, group)
		}
	}
	r.groups = others
	return taken
}

// write merges the groups' uses into their node, and writes the node if that changed it.
func (r *round) write(ctx context.Context, s logical.Storage, b branch, groups []string) error {
	n, changed := r.owned.merged(b.node, groups, true)
	if changed {
		if err := saveNode(ctx, s, r.uid, b.prefix, n); err != nil {
			return err
		}
	}
	r.owned.written(n, groups)
	r.at = ""
	return nil
}

// merged returns a copy of n without the uses to be forgotten of some groups, and with their waiting uses if waiting
// is set. It reports whether the copy differs from n.
func (o *pendingUses) merged(n *node, groups []string, waiting bool) (next *node, changed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	next = &node{o.tenant, n.split, n.forgotten, make(map[string]map[string]Use, len(n.uses))}
	maps.Copy(next.uses, n.uses)
	for _, group := range groups {
		uses := make(map[string]Use, len(n.uses[group]))
		for keyID, use := range n.uses[group] {
			if has(o.gone[group], keyID) {
				changed = true
				continue
			}
			uses[keyID] = use
		}
		for keyID, use := range o.waiting[group] {
			was, there := uses[keyID]
			use = was.merge(use)
			if !waiting || has(o.gone[group], keyID) || there && use.same(was) {
				continue
			}
			uses[keyID], changed = use, true
		}
		next.uses[group] = uses
	}
	return next, changed
}

// written records that storage has n with some groups.
func (o *pendingUses) written(n *node, groups []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	for _, group := range groups {
		// Only the holder of usage.busy adds to waiting. A key that was destroyed meanwhile stays in gone.
		o.waits -= len(o.waiting[group])
		delete(o.waiting, group)
		for keyID := range o.gone[group] {
			//mutate:true "keys that go while their uses are written" TestKeyThatGoesWhileItsUsesAreWritten
			if !has(n.uses[group], keyID) {
				delete(o.gone[group], keyID)
				o.goes--
			}
		}
		if len(o.gone[group]) == 0 {
			delete(o.gone, group)
		}
	}
}

// forgets returns the minute of the latest use that was forgotten without a record in storage; 0: none.
func (o *pendingUses) forgets() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.forgotten
}

// forgotten writes the minute until which uses were forgotten into the root, and splits the root if it has become too
// large.
func (r *round) forgotten(ctx context.Context, s logical.Storage, until int64) error {
	root, _, err := loadNode(ctx, s, r.uid, "")
	if err != nil {
		return err
	}
	root.tenant, root.forgotten = r.owned.tenant, max(root.forgotten, until)
	err = saveNode(ctx, s, r.uid, "", root)
	if errors.Is(err, errLarge) {
		return r.begin(ctx, s, branch{node: root}, r.take(""))
	}
	if err != nil {
		return err
	}
	r.owned.forgottenStored(until)
	return nil
}

// forgottenStored records that storage holds the minute until which uses were forgotten.
func (o *pendingUses) forgottenStored(until int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	if o.forgotten <= until {
		o.forgotten = 0
	}
}
