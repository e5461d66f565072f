package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Use says when a version was used, to the minute, and from where last.
type Use struct {
	First, Last time.Time
	From        string // an address; "" when the one who asked did not say
}

// merge returns the earlier first use and the later last one. Within one minute o is the later one.
func (u Use) merge(o Use) Use {
	if u.First.IsZero() || !o.First.IsZero() && o.First.Before(u.First) {
		u.First = o.First
	}
	if o.Last.After(u.Last) {
		u.Last, u.From = o.Last, o.From
	} else if o.Last.Equal(u.Last) && o.From != "" {
		u.From = o.From
	}
	return u
}

// usage collects uses in memory until the sweep writes them, in batches: all keys of a
// shard in one entry. What was used since the last sweep is lost in a crash.
type usage struct {
	fresh sync.Map // key ID -> *used

	mu      sync.Mutex
	waiting map[string]map[string]Use      // by shard and key ID: what is on its way to storage
	gone    map[string]map[string]struct{} // by shard: key IDs to be forgotten
}

// used is one version's uses since the last flush. Whoever notes a use writes first and
// then looks whether the cell is closed; whoever flushes closes it and then reads. So no
// use is lost, and nobody waits.
type used struct {
	shard  string
	first  time.Time
	last   atomic.Int64 // minutes since 1970
	from   atomic.Pointer[string]
	closed atomic.Bool
}

const shardsOfUsage = 1024

// shardOf returns the shard of a record: all its versions share one.
func shardOf(at location) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(at.path()))
	return fmt.Sprintf("%03x", h.Sum32()%shardsOfUsage)
}

func usagePath(shard string) string { return familyUsage + "/" + shard }

// locate returns where k's record is.
func locate(k *apikey.Key) location {
	if k.Lease != nil {
		return location{familyLeased, k.Tenant, k.Kind, k.Newest().KeyID}
	}
	return location{familyKeys, k.Tenant, k.Kind, string(k.Name)}
}

// Used notes that a version of k was used, from an address if that is known. It takes no
// lock and touches no storage.
func (st *Store) Used(k *apikey.Key, keyID, from string, now time.Time) {
	minute := now.Unix() / 60
	for {
		v, ok := st.usage.fresh.Load(keyID)
		if !ok {
			cell := &used{shard: shardOf(locate(k)), first: now}
			cell.last.Store(minute)
			v, _ = st.usage.fresh.LoadOrStore(keyID, cell)
		}
		u := v.(*used)
		for last := u.last.Load(); last < minute; last = u.last.Load() {
			u.last.CompareAndSwap(last, minute)
		}
		if was := u.from.Load(); from != "" && (was == nil || *was != from) {
			u.from.Store(&from)
		}
		if !u.closed.Load() {
			return
		}
		st.usage.fresh.CompareAndDelete(keyID, v)
	}
}

func (u *used) use() Use {
	use := Use{First: u.first.UTC().Truncate(time.Minute), Last: time.Unix(u.last.Load()*60, 0).UTC()}
	if from := u.from.Load(); from != nil {
		use.From = *from
	}
	return use
}

// forget has the uses of a destroyed key dropped from storage.
func (u *usage) forget(at location, k *apikey.Key) {
	shard := shardOf(at)
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range k.Versions {
		keyID := k.Versions[i].KeyID
		u.fresh.Delete(keyID)
		delete(u.waiting[shard], keyID)
		u.markGone(shard, keyID)
	}
}

// drop has the uses of a key ID that nobody has dropped from storage.
func (u *usage) drop(shard, keyID string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.markGone(shard, keyID)
}

func (u *usage) markGone(shard, keyID string) {
	if u.gone == nil {
		u.gone = make(map[string]map[string]struct{})
	}
	if u.gone[shard] == nil {
		u.gone[shard] = make(map[string]struct{})
	}
	u.gone[shard][keyID] = struct{}{}
}

// collect moves what is fresh to what is waiting.
func (u *usage) collect() {
	u.fresh.Range(func(key, v any) bool {
		cell := v.(*used)
		u.mu.Lock()
		defer u.mu.Unlock()
		cell.closed.Store(true)
		u.fresh.CompareAndDelete(key, v)
		if u.waiting == nil {
			u.waiting = make(map[string]map[string]Use)
		}
		if u.waiting[cell.shard] == nil {
			u.waiting[cell.shard] = make(map[string]Use)
		}
		keyID := key.(string)
		u.waiting[cell.shard][keyID] = u.waiting[cell.shard][keyID].merge(cell.use())
		return true
	})
}

// dirty returns the shards that have something to be written.
func (u *usage) dirty() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []string
	for shard := range u.waiting {
		all = append(all, shard)
	}
	for shard := range u.gone {
		if u.waiting[shard] == nil {
			all = append(all, shard)
		}
	}
	return all
}

// FlushUsage writes the uses collected so far, one Get and one Put for each shard, as far
// as time allows. What was not written is tried again the next time.
func (st *Store) FlushUsage(ctx context.Context, s logical.Storage, until time.Time) error {
	st.usage.collect()
	var failed error
	for _, shard := range st.usage.dirty() {
		if ctx.Err() != nil || !time.Now().Before(until) {
			break
		}
		if err := st.flushShard(ctx, s, shard); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

func (st *Store) flushShard(ctx context.Context, s logical.Storage, shard string) error {
	stored, err := loadUsage(ctx, s, shard)
	if err != nil {
		return err
	}
	u := &st.usage
	u.mu.Lock()
	waiting, gone := u.waiting[shard], maps.Clone(u.gone[shard])
	for keyID, use := range waiting {
		stored[keyID] = stored[keyID].merge(use)
	}
	for keyID := range gone {
		delete(stored, keyID)
	}
	u.mu.Unlock()
	if err := saveUsage(ctx, s, shard, stored); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	// Nobody but the sweep adds to these, and it is here; a key destroyed meanwhile stays to be forgotten.
	delete(u.waiting, shard)
	for keyID := range gone {
		delete(u.gone[shard], keyID)
	}
	if len(u.gone[shard]) == 0 {
		delete(u.gone, shard)
	}
	return nil
}

// Uses tells when the versions of one key were used.
type Uses struct {
	u      *usage
	shard  string
	stored map[string]Use
}

// Usage returns when the versions of the tenant's named key were used, be it there or not.
func (st *Store) Usage(ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind, name apikey.Name) (Uses, error) {
	return st.usesAt(ctx, s, location{familyKeys, t.Name, kind, string(name)})
}

// LeasedUsage is Usage of a leased key.
func (st *Store) LeasedUsage(ctx context.Context, s logical.Storage, t *tenant.Tenant, kind apikey.Kind, keyID string) (Uses, error) {
	return st.usesAt(ctx, s, location{familyLeased, t.Name, kind, keyID})
}

func (st *Store) usesAt(ctx context.Context, s logical.Storage, at location) (Uses, error) {
	shard := shardOf(at)
	stored, err := loadUsage(ctx, s, shard)
	return Uses{&st.usage, shard, stored}, err
}

// Of returns the use of a version: what is in storage and what is not yet. It is the zero
// Use when there was none.
func (u Uses) Of(keyID string) Use {
	if u.u == nil {
		return Use{}
	}
	u.u.mu.Lock()
	defer u.u.mu.Unlock()
	use := u.stored[keyID].merge(u.u.waiting[u.shard][keyID])
	if v, ok := u.u.fresh.Load(keyID); ok {
		use = use.merge(v.(*used).use())
	}
	return use
}

// LastUsed returns the last use of any version of k; zero: never.
func (st *Store) LastUsed(ctx context.Context, s logical.Storage, k *apikey.Key) (time.Time, error) {
	uses, err := st.usesAt(ctx, s, locate(k))
	last := time.Time{}
	for i := range k.Versions {
		if use := uses.Of(k.Versions[i].KeyID); use.Last.After(last) {
			last = use.Last
		}
	}
	return last, err
}
