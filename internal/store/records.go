package store

import (
	"context"
	"fmt"

	"github.com/hashicorp/vault/sdk/logical"
)

// records holds the entries of one type, decoded and cached. Each record is changed by one caller at a time.
type records[T any] struct {
	encode   func(*T) ([]byte, error)
	decode   func(location, []byte) (*T, error)
	forCache func(*T) *T // returns the part of a record to cache; nil: all of it
	absent   func() *T   // returns the value of an entry that does not exist; nil: there is none
	sealed   bool
	writes   *writes
	cache    *cache[*T]
	locks    *locks
}

// get returns the record, nil if there is none. A cached record takes no lock and no storage.
func (r *records[T]) get(ctx context.Context, s logical.Storage, at location) (*T, error) {
	for {
		var alone reads
		if v, err := r.read(ctx, s, at, &alone); err != nil || alone.unchanged() {
			return v, err
		}
	}
}

// read is [records.get] for a record that is used together with others. It does not cache a record that an earlier
// write may still change.
func (r *records[T]) read(ctx context.Context, s logical.Storage, at location, all *reads) (*T, error) {
	path := at.path()
	generation := all.note(r.cache.stripe(path)) // before unsettled is called
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

// load returns the whole record from storage, nil if there is none.
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

// update changes a record: change gets the one in storage, or the value for a missing one, and returns the new one.
// It returns nil or the same pointer to change nothing. Index is called before the record is written. The returned
// record is whole.
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

// updateLocked is update for callers that hold the record's lock.
func (r *records[T]) updateLocked(ctx context.Context, s logical.Storage, at location,
	change func(old *T) (*T, error), index func(old, changed *T) error,
) (*T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // the request ended during the wait for the lock
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

// keep confirms a record that needed no change: it caches the record, and repeats its last write or deletion if an
// earlier one may still take effect. Stored is nil if there is no record.
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

// lock locks the record until unlock is called. The wait ends with the request.
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

// settle makes storage keep the record that it holds now, if an earlier write may still change it.
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
