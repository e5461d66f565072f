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

// unfinished is the progress of a node's split. It is kept between flushes, because a split takes several of them on
// slow storage.
type unfinished struct {
	of   [sha256.Size]byte // digest of the node's uses
	done map[string]bool   // by prefix below it that is done: whether it has an entry
}

// splitting is a node that a flush splits, as it is in storage.
type splitting struct {
	branch
	groups []string        // groups with uses to write or to forget
	there  map[string]bool // whether storage has an entry below, by prefix
}

// digest returns a hash of the node's uses.
func (n *node) digest() ([sha256.Size]byte, error) {
	raw, err := (&node{uses: n.uses}).encodeUpTo(math.MaxInt)
	return sha256.Sum256(raw), err
}

// begin begins to split a node, or continues where the last flush stopped, and writes one entry. It starts again if
// the node has changed since.
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

// resumeSplit writes one entry below the node: its part of the node's uses, and the waiting uses if they fit. It
// compares with storage, because an interrupted split may have left entries there, and the walk may have deleted
// some. Once all entries exist, the node is marked as split, and readers go below it. Waiting uses stay waiting: they
// are written, or found in storage, as at any other time.
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

// below returns the encoded entry below the node; nil: none is needed.
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
	if errors.Is(err, refusal.Invalid) { // the waiting uses come later, when this entry is split or cut
		n, _ = r.owned.merged(part, groups, false)
		raw, err = encodeNode(n)
	}
	if n.empty() {
		return nil, nil
	}
	return raw, err
}

// mark marks the node as split, which ends the split. Its groups are then written below.
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
		o.forgottenStored(n.forgotten)
	}
	return nil
}
