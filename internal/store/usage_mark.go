package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// usageState is what is known about the uses of the whole mount. It is immutable.
type usageState struct {
	forgotten time.Time           // until then, any key may have been used unrecorded; zero: none
	shards    map[string]struct{} // entries of older versions that exist
}

// BeginUsage writes a mark that uses are collected from now on. A node that ends without [Store.CloseUsage] loses the
// uses it has not written; a store that finds its mark assumes that any key may have been used until then. Only the
// first successful call costs storage.
func (st *Store) BeginUsage(ctx context.Context, s logical.Storage, now time.Time) error {
	u := &st.usage
	if u.begun.Load() != nil {
		return nil
	}
	u.starting.Lock()
	defer u.starting.Unlock()
	if u.begun.Load() != nil {
		return nil
	}
	b, err := st.takeOverUsage(ctx, s, now)
	if err != nil {
		return err
	}
	if err := saveMark(ctx, s, u.life, b.forgotten); err != nil {
		return err
	}
	u.begun.Store(b)
	return nil
}

// CloseUsage writes all uses, until a time, and clears the mark of [Store.BeginUsage]. It fails if there was no time
// for all of them.
func (st *Store) CloseUsage(ctx context.Context, s logical.Storage, until time.Time) error {
	if err := st.FlushUsage(ctx, s, until); err != nil {
		return err
	}
	u := &st.usage
	whole := true
	u.tenants.Range(func(_, v any) bool {
		o := v.(*pendingUses)
		whole = o.cells.Load() == 0 && o.missed.Load() == 0 && !o.dirty()
		return whole
	})
	if !whole {
		return errUnwritten
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	u.starting.Lock()
	defer u.starting.Unlock()
	b := u.begun.Load()
	if b == nil {
		return nil // the mark may be another store's
	}
	u.begun.Store(nil)
	return saveMark(ctx, s, "", b.forgotten)
}

// errUnwritten says that uses are left unwritten at the end.
var errUnwritten = errors.New("there was no time to write all uses")

// takeOverUsage finds out until when uses may have been lost: by a node that ended without closing, and by older
// versions, if their entries still exist.
func (st *Store) takeOverUsage(ctx context.Context, s logical.Storage, now time.Time) (*usageState, error) {
	entry, err := s.Get(ctx, familyMark)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", familyMark, err)
	}
	const nobody = "nobody knows whose"
	m := storedMark{Life: nobody}
	if entry != nil {
		if err := decode(familyMark, entry.Value, &m); errors.Is(err, ErrCorrupt) {
			m = storedMark{Life: nobody}
		} else if err != nil {
			return nil, err
		}
	}
	parts, err := s.List(ctx, familyUsage+"/")
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", familyUsage, err)
	}
	b := &usageState{shards: make(map[string]struct{})}
	for _, name := range parts {
		if !strings.HasSuffix(name, "/") {
			b.shards[name] = struct{}{}
		}
	}
	if m.Forgotten > 0 {
		b.forgotten = time.Unix(m.Forgotten, 0).UTC()
	}
	//mutate:false:1 "uses that a crash has lost" TestUsesThatAnotherHasLost
	if other := m.Life != "" && m.Life != st.usage.life; (other || len(b.shards) > 0) && now.After(b.forgotten) {
		b.forgotten = now.UTC().Add(time.Second - 1).Truncate(time.Second) // rounded up
	}
	return b, nil
}

// mountUsage returns what is known about the uses of the mount. A store that has not begun reads it each time,
// because another one may collect uses.
func (st *Store) mountUsage(ctx context.Context, s logical.Storage) (*usageState, error) {
	if b := st.usage.begun.Load(); b != nil {
		return b, nil
	}
	return st.takeOverUsage(ctx, s, time.Now())
}

// moved records that an entry of older versions is deleted.
func (u *usage) moved(shard string) {
	u.starting.Lock()
	defer u.starting.Unlock()
	if was := u.begun.Load(); was != nil {
		b := usageState{was.forgotten, maps.Clone(was.shards)}
		delete(b.shards, shard)
		u.begun.Store(&b)
	}
}

func saveMark(ctx context.Context, s logical.Storage, life string, forgotten time.Time) error {
	m := storedMark{header{schema}, life, 0}
	if !forgotten.IsZero() {
		m.Forgotten = forgotten.Unix()
	}
	raw, err := encode(m)
	if err != nil {
		return err
	}
	return putUsage(ctx, s, familyMark, raw)
}
