package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// UsageShards returns the parts of the stored uses: tenants, and entries of older versions.
func (st *Store) UsageShards(ctx context.Context, s logical.Storage) ([]string, error) {
	parts, err := s.List(ctx, familyUsage+"/")
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", familyUsage, err)
	}
	return parts, nil
}

// PruneUsage forgets the uses of key IDs that no key has, with the next flush. It returns the parts of the part, to
// be pruned next. Known reports whether a key ID is certainly in use. Uses are kept if the entry of their key ID
// cannot be read, which the error reports.
func (st *Store) PruneUsage(
	ctx context.Context,
	s logical.Storage,
	part string,
	known func(keyID string) bool,
) ([]string, error) {
	uid, name, of := strings.Cut(part, "/")
	switch {
	case !of:
		return st.moveShard(ctx, s, part)
	case name == "":
		return st.pruneTenant(ctx, s, uid)
	default:
		return nil, st.pruneNode(ctx, s, uid, strings.TrimPrefix(name, rootNode), known)
	}
}

// pruneTenant erases the uses of a tenant that is gone, or returns the entries of one that exists. Without a root the
// tenant is unknown; dropStale then decides about the entries below.
func (st *Store) pruneTenant(ctx context.Context, s logical.Storage, uid string) ([]string, error) {
	root, there, err := loadNode(ctx, s, uid, "")
	if err != nil {
		return nil, err
	}
	if there {
		t, err := st.Tenant(ctx, s, root.tenant)
		if err != nil {
			return nil, err
		}
		if t == nil || t.UID != uid {
			return nil, st.eraseUsage(ctx, s, uid)
		}
	}
	names, err := s.List(ctx, usageFolder(uid))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", familyUsage, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, rootNode) })
	for i, name := range names {
		names[i] = uid + "/" + name
	}
	slices.Sort(names) // parents come first
	return names, nil
}

func (st *Store) pruneNode(
	ctx context.Context,
	s logical.Storage,
	uid, prefix string,
	known func(keyID string) bool,
) error {
	if prefix != "" {
		above, _, err := loadNode(ctx, s, uid, prefix[:len(prefix)-1])
		if err != nil {
			return err
		}
		if !above.split {
			return st.dropStale(ctx, s, uid, prefix)
		}
	}
	n, _, err := loadNode(ctx, s, uid, prefix)
	if err != nil {
		return err
	}
	var failed error
	for group, uses := range n.uses {
		for keyID := range uses {
			if known(keyID) {
				continue
			}
			c, err := st.lookupID(ctx, s, keyID)
			switch {
			//mutate:false "uses beside one of whose key ID nothing is known" TestUsesOfDamagedIDs
			case Unreadable(err): // the key ID may be in use
				failed = err
			case err != nil:
				return err
			case c == nil || c.uid != uid:
				st.usage.of(uid, n.tenant).forget(group, keyID, st.usage.most)
			}
		}
	}
	return failed
}

// dropStale deletes an entry that an interrupted split has left below a node that is not split. It spares entries of
// a split that goes on.
func (st *Store) dropStale(ctx context.Context, s logical.Storage, uid, prefix string) error {
	release, err := st.usage.lockWrites(ctx)
	if err != nil {
		return err
	}
	defer release()
	whole := prefix[:len(prefix)-1]
	//mutate:false:2 "what is being split, before the walk" TestWalkSparesWhatIsBeingSplit
	if v, ok := st.usage.tenants.Load(uid); ok && v.(*pendingUses).unfinished[whole] != nil {
		return nil
	}
	above, _, err := loadNode(ctx, s, uid, whole)
	if err != nil || above.split {
		return err
	}
	return deleteUsage(ctx, s, nodePath(uid, prefix))
}

// oneMove is how many uses moveShard moves at a time.
const oneMove = 256

// moveShard moves some uses from an entry of older versions to their tenants, and deletes the entry once it is empty.
// It returns the part again as long as it makes progress.
func (st *Store) moveShard(ctx context.Context, s logical.Storage, name string) ([]string, error) {
	release, err := st.usage.lockWrites(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	old, there, err := loadShard(ctx, s, name)
	if err != nil || !there {
		return nil, err
	}
	moved, failed := st.move(ctx, s, old)
	if len(moved) == 0 && len(old) > 0 {
		return nil, failed
	}
	for _, keyID := range moved {
		delete(old, keyID)
	}
	if err := st.saveShard(ctx, s, name, old); err != nil {
		return nil, err
	}
	if len(old) == 0 {
		return nil, failed
	}
	return []string{name}, failed
}

// move writes some uses to their tenants' entries. It returns the key IDs for which that is done, including those
// that no key has.
func (st *Store) move(ctx context.Context, s logical.Storage, uses map[string]Use) (moved []string, failed error) {
	type place struct {
		owned *pendingUses
		group string
	}
	to, places := make(map[string]*pendingUses), make(map[string]place) // by UID, and by key ID
	tried := 0
	for keyID, use := range uses {
		c, err := st.lookupID(ctx, s, keyID)
		if met, ok := st.usage.unreadable.Load(keyID); ok && Unreadable(err) {
			c, err = met.(*claim), nil
		}
		switch {
		case err != nil: // it stays until its entry can be read
			failed = err
			continue
		case c == nil:
			moved = append(moved, keyID)
		default:
			o, group := st.usage.of(c.uid, c.at.tenant), groupOf(c.uid, c.at)
			to[c.uid], places[keyID] = o, place{o, group}
			o.mu.Lock()
			o.await(group, keyID, use, st.usage.most)
			o.mu.Unlock()
		}
		if tried++; tried == oneMove {
			break
		}
	}
	var rounds []*round
	splits := new(int)
	for uid, o := range to {
		rounds = append(rounds, newRound(uid, o, splits))
	}
	if _, err := turns(ctx, s, rounds); err != nil {
		failed = err
	}
	for keyID, in := range places {
		if !in.owned.awaits(in.group, keyID) {
			moved = append(moved, keyID)
		}
	}
	return moved, failed
}

func (st *Store) saveShard(ctx context.Context, s logical.Storage, name string, uses map[string]Use) error {
	path := familyUsage + "/" + name
	if len(uses) > 0 {
		raw, err := encodeShard(uses)
		if err != nil {
			return err
		}
		return putUsage(ctx, s, path, raw)
	}
	if err := deleteUsage(ctx, s, path); err != nil {
		return err
	}
	st.usage.moved(name)
	return nil
}
