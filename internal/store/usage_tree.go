package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

// A tenant's uses are a tree of entries: usage/<uid>/x, then usage/<uid>/x0 to xf if that was too large, and so on.
// Most tenants have one entry.
const rootNode = "x"

//mutate:zero:3 "a tenant's own entries of uses" TestNobodyMakesAnotherTenantsUsesForgotten|TestUsesOfATenantGoWithIt
func usageFolder(uid string) string { return familyUsage + "/" + uid + "/" }

func nodePath(uid, prefix string) string { return usageFolder(uid) + rootNode + prefix }

const hexDigits = "0123456789abcdef"

// loadNode returns a node, an empty one if it does not exist.
func loadNode(ctx context.Context, s logical.Storage, uid, prefix string) (n *node, there bool, err error) {
	entry, err := s.Get(ctx, nodePath(uid, prefix))
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", familyUsage, err)
	}
	if entry == nil {
		return new(node), false, nil
	}
	n, err = decodeNode(prefix, entry.Value)
	return n, true, err
}

// errLarge says that a node must be split before it can be written.
var errLarge = errors.New("an entry of uses must be split")

// saveNode writes a node, or deletes an empty one. If the node is too large it returns errLarge; a leaf of the last
// level forgets its oldest uses instead.
func saveNode(ctx context.Context, s logical.Storage, uid, prefix string, n *node) error {
	if n.forgotten == 0 && !n.split && n.empty() {
		return deleteUsage(ctx, s, nodePath(uid, prefix))
	}
	raw, err := encodeNode(n)
	if errors.Is(err, refusal.Invalid) {
		if len(prefix) < digits {
			return errLarge
		}
		raw, err = n.cut()
	}
	if err != nil {
		return err
	}
	return putUsage(ctx, s, nodePath(uid, prefix), raw)
}

func (n *node) empty() bool {
	for _, uses := range n.uses {
		if len(uses) > 0 {
			return false
		}
	}
	return true
}

// branch is the path from the root to the node that holds a group.
type branch struct {
	prefix    string
	node      *node
	forgotten int64 // latest such minute of any node on the path
}

// descend returns the branch of a group. It reads and extends seen, the forgotten minutes of nodes known to be split.
// With an error, b.prefix is the node that could not be read.
func descend(ctx context.Context, s logical.Storage, uid, group string, seen map[string]int64) (branch, error) {
	var b branch
	for ; ; b.prefix = group[:len(b.prefix)+1] {
		forgotten, split := seen[b.prefix]
		if !split {
			n, _, err := loadNode(ctx, s, uid, b.prefix)
			if err != nil {
				return b, err
			}
			forgotten, b.node = n.forgotten, n
			if split = n.split; split {
				seen[b.prefix] = forgotten
			}
		}
		if b.forgotten = max(b.forgotten, forgotten); !split {
			return b, nil
		}
	}
}

// eraseUsage deletes all uses of one tenant, the root last.
func (st *Store) eraseUsage(ctx context.Context, s logical.Storage, uid string) error {
	release, err := st.usage.lockWrites(ctx)
	if err != nil {
		return err
	}
	defer release()
	names, err := s.List(ctx, usageFolder(uid))
	if err != nil {
		return fmt.Errorf("listing %s: %w", familyUsage, err)
	}
	for _, name := range names {
		if name == rootNode || strings.HasSuffix(name, "/") {
			continue
		}
		if err := deleteUsage(ctx, s, usageFolder(uid)+name); err != nil {
			return err
		}
	}
	if err := deleteUsage(ctx, s, nodePath(uid, "")); err != nil {
		return err
	}
	st.usage.tenants.Delete(uid)
	return nil
}

func putUsage(ctx context.Context, s logical.Storage, path string, raw []byte) error {
	if err := s.Put(ctx, &logical.StorageEntry{Key: path, Value: raw}); err != nil {
		return fmt.Errorf("writing %s: %w", familyUsage, err)
	}
	return nil
}

func deleteUsage(ctx context.Context, s logical.Storage, path string) error {
	if err := s.Delete(ctx, path); err != nil {
		return fmt.Errorf("deleting %s: %w", familyUsage, err)
	}
	return nil
}
