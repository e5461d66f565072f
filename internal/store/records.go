package store

import (
	"context"
	"fmt"

	"github.com/hashicorp/vault/sdk/logical"
)

// records are the entries of one type: decoded, cached, and changed one at a time.
type records[T any] struct {
	encode   func(*T) ([]byte, error)
	decode   func(location, []byte) (*T, error)
	forCache func(*T) *T // what of a record the cache holds; nil: all
	absent   func() *T   // what stands for an entry that is not there; nil: nothing does
	sealed   bool
	writes   *writes
	cache    *cache[*T]
	locks    *locks
}

// get returns the record as it is now, from memory when it is there: no lock, no storage. It is nil when there is none.
func (r *records[T]) get(ctx context.Context, s logical.Storage, at location) (*T, error) {
	for {
		var alone reads
		if v, err := r.read(ctx, s, at, &alone); err != nil || alone.stand() {
			return v, err
		}
	}
}

// read is [records.get] for a record that is used together with others. One that storage may still change is not kept
// in memory.
func (r *records[T]) read(ctx context.Context, s logical.Storage, at location, all *reads) (*T, error) {
	path := at.path()
	generation := all.note(r.cache.stripe(path)) // before it is asked whether the record is settled
	if v, ok := r.cache.get(path); ok {
		return v, nil
	}
	unsettled := r.writes.unsettled(path)
	v, err := r.load(ctx, s, at)
	if err != nil {
		return nil, err
	}
	if v == nil && r.absent != nil {
		v = r.absent()
	}
	if v == nil {
		return nil, nil
	}
	v = r.cacheable(v)
	//mutate:true "records that may still change, in memory" TestAnsweredChangesAreInForce|
	//mutate:more TestWritesOutliveTheirCallers|TestClaimsOfAFailedWriteAreMadeAgain
	if !unsettled {
		r.cache.fill(path, v, generation)
	}
	return v, nil
}

// load returns the whole record from storage.
func (r *records[T]) load(ctx context.Context, s logical.Storage, at location) (*T, error) {
	entry, err := s.Get(ctx, at.path())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", at.family, err)
	}
	if entry == nil {
		return nil, nil
	}
	return r.decode(at, entry.Value)
}

// update is the only way to change a record: change gets the one in storage, or what
// stands for none, and returns the new one, or the same pointer or nil for "as it is".
// Index is called before the record is written. The returned record is whole.
func (r *records[T]) update(ctx context.Context, s logical.Storage, at location,
	change func(old *T) (*T, error), index func(old, changed *T) error,
) (*T, error) {
	unlock, err := r.lock(ctx, at)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return r.updateLocked(ctx, s, at, change, index)
}

// updateLocked is update for who holds the record's lock.
func (r *records[T]) updateLocked(ctx context.Context, s logical.Storage, at location,
	change func(old *T) (*T, error), index func(old, changed *T) error,
) (*T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // the caller went away while others were at the record
	}
	generation := r.cache.generation(at.path())
	stored, err := r.load(ctx, s, at)
	if err != nil {
		return nil, err
	}
	old := stored
	if old == nil && r.absent != nil {
		old = r.absent()
	}
	changed, err := change(old)
	if err != nil {
		return changed, err
	}
	if changed == nil || changed == old {
		return changed, r.keep(ctx, s, at, stored, generation)
	}
	if index != nil {
		if err := index(old, changed); err != nil {
			return nil, err
		}
	}
	return changed, r.put(ctx, s, at, changed)
}

// keep has a record that was found to need no change be what holds: in memory, and in
// storage too where an earlier write of it may still land. Stored is nil for none.
func (r *records[T]) keep(ctx context.Context, s logical.Storage, at location, stored *T, generation uint64) error {
	path := at.path()
	switch {
	case r.writes.unsettled(path) && stored == nil:
		//mutate:zero "absent records that are deleted again" TestSettle
		return r.remove(ctx, s, at)
	//mutate:false "no-ops that are written again" TestAnsweredChangesAreInForce|TestWritesOutliveTheirCallers|
	//mutate:more TestClaimsOfAFailedWriteAreMadeAgain
	case r.writes.unsettled(path):
		return r.put(ctx, s, at, stored)
	//mutate:false:1 "no-ops that leave what they have loaded" TestNoChangeLeavesWhatItHasRead
	case stored != nil && !r.cache.fill(path, r.cacheable(stored), generation):
		r.cache.drop(path)
	}
	return nil
}

// lock keeps everybody else from changing the record until unlock is called. Waiting for it ends with the request.
func (r *records[T]) lock(ctx context.Context, at location) (unlock func(), err error) {
	return r.locks.lock(ctx, at.path())
}

// remove deletes the record. The caller holds its lock.
func (r *records[T]) remove(ctx context.Context, s logical.Storage, at location) error {
	path := at.path()
	err := r.writes.do(
		ctx,
		at.owner(),
		path,
		func() { r.cache.drop(path) },
		func(ctx context.Context) error { return s.Delete(ctx, path) },
	)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", at.family, err)
	}
	r.cache.drop(path)
	return nil
}

// put writes the record. The caller holds its lock.
func (r *records[T]) put(ctx context.Context, s logical.Storage, at location, v *T) error {
	raw, err := r.encode(v)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", at.family, err)
	}
	path := at.path()
	entry := &logical.StorageEntry{Key: path, Value: raw, SealWrap: r.sealed}
	err = r.writes.do(
		ctx,
		at.owner(),
		path,
		func() { r.cache.drop(path) },
		func(ctx context.Context) error { return s.Put(ctx, entry) },
	)
	if err != nil {
		return fmt.Errorf("writing %s: %w", at.family, err)
	}
	r.cache.put(path, r.cacheable(v))
	return nil
}

// settle has storage hold what it holds now, whatever it was still about to do.
func (r *records[T]) settle(ctx context.Context, s logical.Storage, at location) error {
	unlock, err := r.lock(ctx, at)
	if err != nil {
		return err
	}
	defer unlock()
	if !r.writes.unsettled(at.path()) {
		return nil
	}
	stored, err := r.load(ctx, s, at)
	if err != nil {
		return err
	}
	//mutate:zero "writes of which nobody knows that are settled" TestSettle
	return r.keep(ctx, s, at, stored, 0)
}

func (r *records[T]) cacheable(v *T) *T {
	if r.forCache == nil {
		return v
	}
	return r.forCache(v)
}
