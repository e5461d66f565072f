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

// begun is what is known about the uses of the whole mount. It is immutable.
type begun struct {
	forgotten time.Time           // any key may have been used until then, and nobody know it; zero: none
	shards    map[string]struct{} // entries of versions before that are there
}

// BeginUsage marks that uses are collected from now on. What a node has collected and not
// written is lost when it ends without [Store.CloseUsage]; who finds its mark has to take
// it that any key may have been used until then. It costs storage once in the life of a
// store.
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

// CloseUsage writes all uses, for an end after which nobody has to fear that some were
// lost.
func (st *Store) CloseUsage(ctx context.Context, s logical.Storage, until time.Time) error {
	if err := st.FlushUsage(ctx, s, until); err != nil {
		return err
	}
	u := &st.usage
	whole := true
	u.tenants.Range(func(_, v any) bool {
		o := v.(*owned)
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
		return nil // somebody else's mark may be there
	}
	u.begun.Store(nil)
	return saveMark(ctx, s, "", b.forgotten)
}

// errUnwritten says that an end comes before all uses are written.
var errUnwritten = errors.New("there was no time to write all uses")

// takeOverUsage finds out what may have been lost before now. A node that ended without closing has
// lost what it had; so have versions before this one, whose entries are there yet.
func (st *Store) takeOverUsage(ctx context.Context, s logical.Storage, now time.Time) (*begun, error) {
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
	b := &begun{shards: make(map[string]struct{})}
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
		b.forgotten = now.UTC().Add(time.Second - 1).Truncate(time.Second) // never less than it was
	}
	return b, nil
}

// known returns what is known about the uses of the mount. A store that has not begun looks
// each time: another one may be at work.
func (st *Store) known(ctx context.Context, s logical.Storage) (*begun, error) {
	if b := st.usage.begun.Load(); b != nil {
		return b, nil
	}
	return st.takeOverUsage(ctx, s, time.Now())
}

// moved notes that an entry of versions before is gone.
func (u *usage) moved(shard string) {
	u.starting.Lock()
	defer u.starting.Unlock()
	if was := u.begun.Load(); was != nil {
		b := begun{was.forgotten, maps.Clone(was.shards)}
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
