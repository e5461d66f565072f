package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// What a node has collected and not written is lost when it ends without writing it. The
// mark says that one is collecting; who finds another's has to take it that any key may have
// been used until then.
const (
	usageMount = "mount/"
	markPath   = familyUsage + "/" + usageMount + "mark"
)

// begun is what is known about the uses of the whole mount. It is immutable.
type begun struct {
	forgotten time.Time           // any key may have been used until then, and nobody know it; zero: none
	shards    map[string]struct{} // entries of versions before that are there
}

// BeginUsage marks that uses are collected from now on. It costs storage once in the life
// of a store.
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
	m, b, err := st.look(ctx, s, now)
	if err != nil {
		return err
	}
	m.Life = u.life
	if err := saveMark(ctx, s, m); err != nil {
		return err
	}
	u.begun.Store(b)
	return nil
}

// CloseUsage writes all uses, for an end after which nobody has to fear that some were
// lost.
func (st *Store) CloseUsage(ctx context.Context, s logical.Storage, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	if err := st.FlushUsage(ctx, s, until); err != nil {
		return err
	}
	u := &st.usage
	u.tenants.Range(func(_, v any) bool {
		if o := v.(*owned); o.cells.Load() > 0 || o.missed.Load() > 0 || o.dirty() {
			cancel()
		}
		return true
	})
	if ctx.Err() != nil {
		return errUnwritten
	}
	u.starting.Lock()
	defer u.starting.Unlock()
	b := u.begun.Load()
	if b == nil {
		return nil // somebody else's mark may be there
	}
	u.begun.Store(nil)
	return saveMark(ctx, s, storedMark{header{schema}, "", unixSeconds(b.forgotten)})
}

// look finds out what may have been lost before now. A node that ended without closing has
// lost what it had; so have versions before this one, whose entries are there yet.
func (st *Store) look(ctx context.Context, s logical.Storage, now time.Time) (storedMark, *begun, error) {
	entry, err := s.Get(ctx, markPath)
	if err != nil {
		return storedMark{}, nil, fmt.Errorf("reading %s: %w", familyUsage, err)
	}
	m := storedMark{Life: "nobody knows whose"}
	if entry != nil {
		if err := decode(familyUsage, entry.Value, &m); errors.Is(err, ErrCorrupt) {
			m = storedMark{Life: "nobody knows whose"}
		} else if err != nil {
			return storedMark{}, nil, err
		}
	}
	parts, err := s.List(ctx, familyUsage+"/")
	if err != nil {
		return storedMark{}, nil, fmt.Errorf("listing %s: %w", familyUsage, err)
	}
	shards := make(map[string]struct{})
	for _, name := range parts {
		if !strings.HasSuffix(name, "/") {
			shards[name] = struct{}{}
		}
	}
	m.header = header{schema}
	if m.Life != "" && m.Life != st.usage.life || len(shards) > 0 {
		m.Forgotten = max(m.Forgotten, unixSeconds(now))
	}
	b := &begun{shards: shards}
	if m.Forgotten > 0 {
		b.forgotten = time.Unix(m.Forgotten, 0).UTC()
	}
	return m, b, nil
}

// known returns what is known about the uses of the mount. A store that has not begun looks
// each time: another one may be at work.
func (st *Store) known(ctx context.Context, s logical.Storage) (*begun, error) {
	if b := st.usage.begun.Load(); b != nil {
		return b, nil
	}
	_, b, err := st.look(ctx, s, time.Now())
	return b, err
}

// changeBegun notes what has become known since.
func (u *usage) changeBegun(change func(b *begun)) {
	u.starting.Lock()
	defer u.starting.Unlock()
	if was := u.begun.Load(); was != nil {
		b := *was
		change(&b)
		u.begun.Store(&b)
	}
}

func saveMark(ctx context.Context, s logical.Storage, m storedMark) error {
	raw, err := encode(m)
	if err != nil {
		return err
	}
	return putUsage(ctx, s, markPath, raw)
}

// unixSeconds rounds up: what is forgotten is never said to be less.
func unixSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(time.Second - 1).Unix()
}
