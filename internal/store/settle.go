package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Settle makes an end of writes whose outcome is unknown, as far as time allows: it reads
// what storage holds and writes that once more, which is the last word where storage keeps
// the order of writes. Until then such entries are read from storage each time.
func (st *Store) Settle(ctx context.Context, s logical.Storage, until time.Time) error {
	var failed error
	for _, path := range st.writes.all() {
		if ctx.Err() != nil || !time.Now().Before(until) {
			break
		}
		if err := st.settle(ctx, s, path); err != nil && failed == nil {
			failed = err // the others may be settled nevertheless
		}
	}
	return failed
}

// makeRoom settles some writes of a tenant that may begin no other, for a storage that answers again. It is called
// without locks: it takes those of other records.
func (st *Store) makeRoom(ctx context.Context, s logical.Storage, of tenant.Name) {
	paths, done := st.writes.crowded(of)
	defer done()
	for _, path := range paths {
		if ctx.Err() != nil || st.settle(ctx, s, path) != nil {
			return // the write that needs the room is refused
		}
	}
}

func (st *Store) settle(ctx context.Context, s logical.Storage, path string) error {
	at, ok := parsePath(path)
	if !ok {
		return fmt.Errorf("%s was written and is no location", path)
	}
	switch at.family {
	case familyConfig:
		return st.config.settle(ctx, s, at)
	case familyTenants:
		return st.tenants.settle(ctx, s, at)
	case familyRoles:
		return st.roles.settle(ctx, s, at)
	case familyIDs:
		return st.settleID(ctx, s, at.name)
	default:
		return st.settleKey(ctx, s, at)
	}
}

// settleKey also has the tenant's keys counted anew: nobody knew whether this one counts.
func (st *Store) settleKey(ctx context.Context, s logical.Storage, at location) error {
	if err := st.keys.settle(ctx, s, at); err != nil {
		return err
	}
	return st.recount(ctx, s, at)
}

func (st *Store) recount(ctx context.Context, s logical.Storage, at location) error {
	t, err := st.Tenant(ctx, s, at.tenant)
	if err == nil && t != nil {
		st.counts.recount(at.family, t.UID)
	}
	return err
}

// steady is settleKey for who has read the record, nil for none, under its lock.
func (st *Store) steady(ctx context.Context, s logical.Storage, at location, stored *apikey.Key) error {
	if !st.writes.unsettled(at.path()) {
		return nil
	}
	if err := st.keys.keep(ctx, s, at, stored, 0); err != nil {
		return err
	}
	return st.recount(ctx, s, at)
}
