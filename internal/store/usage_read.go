package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Uses holds the uses of one key's versions.
type Uses struct {
	known     map[string]Use // by key ID, in storage or in memory
	forgotten time.Time      // until then, versions may have been used without a record
}

// Usage returns the uses of the tenant's named key, whether the key exists or not.
func (st *Store) Usage(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	name apikey.Name,
) (Uses, error) {
	at := location{familyKeys, t.Name, kind, string(name)}
	var keyIDs []string // nil: all, of any key that was there
	if k, ok := st.keys.cache.get(at.path()); ok && k.UID == t.UID {
		keyIDs = k.KeyIDs()
	}
	return st.UsesOf(t).at(ctx, s, at, keyIDs)
}

// LeasedUsage returns the uses of the tenant's leased key.
func (st *Store) LeasedUsage(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	kind apikey.Kind,
	keyID string,
) (Uses, error) {
	return st.UsesOf(t).at(ctx, s, location{familyLeased, t.Name, kind, keyID}, []string{keyID})
}

// UsageReader reads the uses of one tenant's keys, and each entry only once. It is for one request.
type UsageReader struct {
	st       *Store
	uid      string
	branches map[string]branch // by prefix
	held     int               // uses in branches
	most     int               // bound of held, unless one entry has more
	split    map[string]int64
	failed   map[string]error // failures to read a node, by prefix
	writes   int64            // pendingUses.writes before the branches were read
}

// mostHeld bounds the uses that a reader holds: some 40 MB at most.
const mostHeld = 200_000

// UsesOf returns a reader of the tenant's uses.
func (st *Store) UsesOf(t *tenant.Tenant) *UsageReader { return st.usesOf(t.UID) }

func (st *Store) usesOf(uid string) *UsageReader {
	return &UsageReader{st: st, uid: uid, most: mostHeld, split: make(map[string]int64), failed: make(map[string]error)}
}

// at returns the uses of the record at a place: of the versions with the key IDs, or of all if keyIDs is nil. Uses
// move from entries of older versions to memory, and from memory to the tenant's own entries. It reads in that order,
// so that it finds uses that move meanwhile.
func (r *UsageReader) at(ctx context.Context, s logical.Storage, at location, keyIDs []string) (Uses, error) {
	group := groupOf(r.uid, at)
	mount, err := r.st.mountUsage(ctx, s)
	if err != nil {
		return Uses{}, err
	}
	old := make(map[string]Use)
	if name := shardOf(at); has(mount.shards, name) {
		if old, _, err = loadShard(ctx, s, name); err != nil {
			return Uses{}, err
		}
	}
	memory, missed, writes := r.st.usage.inMemory(r.uid, group, keyIDs)
	uses := Uses{memory, mount.forgotten}
	uses.forget(missed)
	//mutate:false "uses that move while they are read" TestUsesThatMoveWhileTheyAreRead
	if writes != r.writes {
		r.branches, r.held, r.split, r.failed, r.writes = nil, 0, make(map[string]int64), make(map[string]error), writes
	}
	b, err := r.branch(ctx, s, group)
	if err != nil {
		return uses, err
	}
	uses.forget(b.forgotten)
	for keyID, use := range memory {
		memory[keyID] = old[keyID].merge(b.node.uses[group][keyID]).merge(use)
		delete(old, keyID)
	}
	for keyID, use := range b.node.uses[group] {
		if !has(memory, keyID) {
			memory[keyID] = old[keyID].merge(use)
			delete(old, keyID)
		}
	}
	maps.Copy(memory, old)
	return uses, nil
}

func has[V any](m map[string]V, name string) bool { _, has := m[name]; return has }

// inMemory returns the uses of a group that are not in storage yet: those with the key IDs, or all if keyIDs is nil.
// Missed is the minute of the latest use that was forgotten; 0: none. Writes changes whenever something was written
// to storage.
func (u *usage) inMemory(uid, group string, keyIDs []string) (uses map[string]Use, missed, writes int64) {
	uses = make(map[string]Use)
	v, ok := u.tenants.Load(uid)
	if !ok {
		return uses, 0, 0
	}
	o := v.(*pendingUses)
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.Copy(uses, o.waiting[group])
	add := func(key, cell any) bool {
		if cell := cell.(*useCell); cell.group == group {
			uses[key.(string)] = uses[key.(string)].merge(cell.use())
		}
		return true
	}
	for _, keyID := range keyIDs {
		if cell, ok := o.fresh.Load(keyID); ok {
			add(keyID, cell)
		}
	}
	if keyIDs == nil {
		o.fresh.Range(add)
	}
	return uses, max(o.forgotten, o.missed.Load()), o.writes
}

func (r *UsageReader) branch(ctx context.Context, s logical.Storage, group string) (branch, error) {
	for n := range digits + 1 {
		if b, ok := r.branches[group[:n]]; ok {
			return b, nil
		}
		if err, ok := r.failed[group[:n]]; ok {
			return branch{}, err
		}
	}
	b, err := descend(ctx, s, r.uid, group, r.split)
	if err != nil {
		r.failed[b.prefix] = err
		return b, err
	}
	n := 0
	for _, uses := range b.node.uses {
		n += len(uses)
	}
	if r.held += n; r.held > r.most {
		r.branches, r.held = nil, n
	}
	if r.branches == nil {
		r.branches = make(map[string]branch)
	}
	r.branches[b.prefix] = b
	return b, nil
}

// forget records the minute of a use that was forgotten; 0: none.
func (u *Uses) forget(minute int64) {
	if end := minuteTime(minute + 1); minute > 0 && end.After(u.forgotten) {
		u.forgotten = end
	}
}

// Of returns the use of a version, the zero Use if none is known.
func (u Uses) Of(keyID string) Use { return u.known[keyID] }

// WasUsed reports whether a version of k was used, or may have been used without a record: for want of room, or
// before a crash.
func (st *Store) WasUsed(ctx context.Context, s logical.Storage, k *apikey.Key, keyID string) (bool, error) {
	uses, err := st.usesOf(k.UID).at(ctx, s, locate(k), []string{keyID})
	if err != nil {
		return false, err
	}
	//mutate:false:1.2 "reveals again after a crash" TestWhetherAVersionWasUsedBeforeACrash
	return !uses.Of(keyID).Last.IsZero() || k.Version(keyID).IssuedAt.Before(uses.forgotten), nil
}

// LastUse is what is known about a key's last use.
type LastUse struct {
	At      time.Time // zero: none is known
	MaybeAt time.Time // latest time of a later use that may have been forgotten; zero: none
}

// UsageKnown returns what a rotation of k needs to know about uses. It reads them only if the rotation may drop
// versions.
func (st *Store) UsageKnown(ctx context.Context, s logical.Storage, k *apikey.Key) apikey.UsageKnown {
	if !k.Full() {
		return apikey.UsageKnown{}
	}
	last, err := st.LastUsed(ctx, s, k)
	seen := apikey.UsageKnown{Known: err == nil, At: last.At, Last: last.At}
	if last.MaybeAt.After(last.At) {
		seen.At = last.MaybeAt
	}
	return seen
}

// LastUsed returns the last use of any version of k.
func (st *Store) LastUsed(ctx context.Context, s logical.Storage, k *apikey.Key) (LastUse, error) {
	return st.usesOf(k.UID).LastUsed(ctx, s, k)
}

// LastUsed returns the last use of any version of k.
func (r *UsageReader) LastUsed(ctx context.Context, s logical.Storage, k *apikey.Key) (LastUse, error) {
	uses, err := r.at(ctx, s, locate(k), k.KeyIDs())
	if err != nil {
		return LastUse{}, err
	}
	var last LastUse
	maybe := false
	for i := range k.Versions {
		v := &k.Versions[i]
		if use := uses.Of(v.KeyID); use.Last.After(last.At) {
			last.At = use.Last
		}
		maybe = maybe || v.IssuedAt.Before(uses.forgotten) // no use of a version was forgotten before it existed
	}
	if maybe && uses.forgotten.After(last.At) {
		last.MaybeAt = uses.forgotten
	}
	return last, nil
}

// Versions returns the uses of all versions of k.
func (r *UsageReader) Versions(ctx context.Context, s logical.Storage, k *apikey.Key) (Uses, error) {
	return r.at(ctx, s, locate(k), k.KeyIDs())
}

// EachLastUsed calls each with the last use of every key, in an order that reads no entry twice. The error passed to
// each is a failure to read the key's uses. An error that each returns ends the loop and is returned.
func (r *UsageReader) EachLastUsed(ctx context.Context, s logical.Storage, keys []*apikey.Key,
	each func(k *apikey.Key, last LastUse, err error) error,
) error {
	type member struct {
		group string
		key   *apikey.Key
	}
	members := make([]member, len(keys))
	for i, k := range keys {
		members[i] = member{groupOf(r.uid, locate(k)), k}
	}
	//mutate:skip "uses that are read once for all keys" TestEachLastUsedReadsEntriesOnce
	slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.group, b.group) })
	for _, m := range members {
		last, err := r.LastUsed(ctx, s, m.key)
		if err := each(m.key, last, err); err != nil {
			return err
		}
	}
	return nil
}

const oldShards = 1024

// shardOf returns the name of the entry in which older versions kept a record's uses.
func shardOf(at location) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(at.path()))
	return fmt.Sprintf("%03x", h.Sum32()%oldShards)
}

// loadShard returns an entry of older versions, an empty one if it does not exist.
func loadShard(ctx context.Context, s logical.Storage, name string) (uses map[string]Use, there bool, err error) {
	entry, err := s.Get(ctx, familyUsage+"/"+name)
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", familyUsage, err)
	}
	if entry == nil {
		return make(map[string]Use), false, nil
	}
	uses, err = decodeShard(entry.Value)
	return uses, true, err
}
