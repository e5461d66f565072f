package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// unfinished is how far the split of a node has come. It is kept over flushes: on a slow
// storage a split takes several.
type unfinished struct {
	of   [sha256.Size]byte // the uses in the node that is split
	done map[string]bool   // prefixes below it that are looked after: whether there is an entry
}

// splitting is a node that a flush is at splitting, as it is in storage.
type splitting struct {
	branch
	groups []string        // what waits of them, or is to be forgotten
	there  map[string]bool // by prefix: whether there is an entry below
}

// digest tells the uses of one node from those of another.
func (n *node) digest() ([sha256.Size]byte, error) {
	raw, err := (&node{uses: n.uses}).encodeUpTo(math.MaxInt)
	return sha256.Sum256(raw), err
}

// begin splits a node, or goes on where the last flush has stopped, with one entry. If the
// node has changed since, it begins anew.
func (r *round) begin(ctx context.Context, s logical.Storage, b branch, groups []string) error {
	//mutate:false "how many nodes are split at once" TestManySplitsAtOnce
	if *r.splits == mostSplits {
		r.groups, r.waits = slices.Concat(groups, r.groups), true
		return nil
	}
	of, err := b.node.digest()
	if err != nil {
		return err
	}
	names, err := s.List(ctx, usageFolder(r.uid))
	if err != nil {
		return fmt.Errorf("listing %s: %w", familyUsage, err)
	}
	there := make(map[string]bool)
	for _, name := range names {
		if prefix, ok := strings.CutPrefix(name, rootNode); ok {
			there[prefix] = true
		}
	}
	o := r.owned
	//mutate:false:2 "a split of a node that has changed since" TestNodeThatChangesDuringItsSplit
	if was := o.unfinished[b.prefix]; was == nil || was.of != of {
		if o.unfinished == nil {
			o.unfinished = make(map[string]*unfinished)
		}
		o.unfinished[b.prefix] = &unfinished{of, make(map[string]bool)}
	}
	r.splitting = &splitting{b, groups, there}
	*r.splits++
	return r.resumeSplit(ctx, s)
}

// resumeSplit writes one entry below the node: what the node has of it, and what waits if it fits.
// A split that was cut off may have left something there, and the walk may have taken away
// what was written. When all is there the node is marked as split, and somebody looks below.
// What waits is still waiting then: it is written, or found there, as at any other time.
func (r *round) resumeSplit(ctx context.Context, s logical.Storage) error {
	done, there := r.owned.unfinished[r.splitting.prefix].done, r.splitting.there
	for _, digit := range hexDigits {
		prefix := r.splitting.prefix + string(digit)
		//mutate:true:2 "what was taken from below a split" TestWhatIsTakenFromASplitIsWrittenAgain
		if is, ok := done[prefix]; ok && is == there[prefix] {
			continue
		}
		raw, err := r.below(prefix)
		switch {
		case err != nil:
			return err
		case raw != nil:
			err = putUsage(ctx, s, nodePath(r.uid, prefix), raw)
		//mutate:false "what an earlier split has left" TestSplitOfWhatIsBelowASplit
		case there[prefix]:
			err = deleteUsage(ctx, s, nodePath(r.uid, prefix))
		default:
			done[prefix] = false
			continue
		}
		if err == nil {
			done[prefix], there[prefix] = raw != nil, raw != nil
		}
		return err
	}
	return r.mark(ctx, s)
}

// below returns what is to be in an entry below the node; nil for nothing.
func (r *round) below(prefix string) ([]byte, error) {
	above := func(group string) bool { return strings.HasPrefix(group, prefix) }
	part := &node{uses: make(map[string]map[string]Use)}
	for group, uses := range r.splitting.node.uses {
		if above(group) {
			part.uses[group] = uses
		}
	}
	groups := slices.DeleteFunc(slices.Clone(r.splitting.groups), func(group string) bool { return !above(group) })
	n, _ := r.owned.merged(part, groups, true)
	raw, err := encodeNode(n)
	if errors.Is(err, refusal.Invalid) { // with what waits it is split in its turn, or cut
		n, _ = r.owned.merged(part, groups, false)
		raw, err = encodeNode(n)
	}
	if n.empty() {
		return nil, nil
	}
	return raw, err
}

// mark ends a split. Its groups go on below.
func (r *round) mark(ctx context.Context, s logical.Storage) error {
	was, o := r.splitting, r.owned
	n := &node{tenant: o.tenant, split: true, forgotten: was.node.forgotten}
	if err := saveNode(ctx, s, r.uid, was.prefix, n); err != nil {
		return err
	}
	delete(o.unfinished, was.prefix)
	r.split[was.prefix] = n.forgotten
	r.groups = slices.Concat(was.groups, r.groups)
	r.endSplit()
	r.at = ""
	//mutate:false "uses forgotten that a split root tells of" TestForgottenUsesThatDoNotFit
	if was.prefix == "" {
		o.forgottenTold(n.forgotten)
	}
	return nil
}
