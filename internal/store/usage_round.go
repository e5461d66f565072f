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
	owned     *owned
	groups    []string         // still to be written
	at        string           // the first of those that are being written; "" for none
	split     map[string]int64 // nodes that are known to be split
	splitting *splitting       // nil: none is being split
	splits    *int             // how many are being split, over all rounds
	waits     bool             // for one of these to end
	further   bool             // something was written, or found to be
	failed    bool
}

// newRound begins with the group that the last flush had no time for.
func newRound(uid string, o *owned, splits *int) *round {
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

// mostSplits is of how many tenants a node is split at the same time: each is in memory
// until its split ends.
const mostSplits = 4

func (r *round) endSplit() {
	if r.splitting != nil {
		r.splitting = nil
		*r.splits--
	}
}

// next returns the group to begin with the next time.
func (r *round) next() string {
	if r.at == "" && len(r.groups) > 0 {
		return r.groups[0]
	}
	return r.at
}

// step writes one entry at most, and reports whether there is another one. What fails is
// left to the next flush.
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

// node writes the node that holds the first group, or begins to split it.
func (r *round) node(ctx context.Context, s logical.Storage) error {
	r.at = r.groups[0]
	b, err := descend(ctx, s, r.uid, r.at, r.split)
	groups := r.take(b.prefix)
	if err != nil {
		return err
	}
	for prefix := range r.split {
		delete(r.owned.unfinished, prefix) // somebody else has split it
	}
	if r.owned.unfinished[b.prefix] == nil {
		if err := r.write(ctx, s, b, groups); !errors.Is(err, errLarge) {
			return err
		}
	}
	return r.begin(ctx, s, b, groups)
}

// take removes the groups below a node, and returns them.
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

// write merges the groups' uses into the node that holds them, and writes it, unless it
// tells all that already.
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

// merged returns a node without the uses of some groups that are to be forgotten, and with
// those that wait if they are to be in it. It reports whether that is another one than n,
// which stays as it is.
func (o *owned) merged(n *node, groups []string, waiting bool) (next *node, changed bool) {
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

// written notes that a node with some groups is in storage as n.
func (o *owned) written(n *node, groups []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	for _, group := range groups {
		// Nobody but who is busy adds to what waits; a key destroyed meanwhile stays to be forgotten.
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

// forgets returns the minute of the latest use that was forgotten and of which storage does
// not tell; 0: none.
func (o *owned) forgets() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.forgotten
}

// forgotten writes that uses until a minute were forgotten before they came to storage. For
// that, too, the root may have to be split.
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
	r.owned.forgottenTold(until)
	return nil
}

// forgottenTold notes that storage tells of uses that were forgotten until a minute.
func (o *owned) forgottenTold(until int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	if o.forgotten <= until {
		o.forgotten = 0
	}
}
