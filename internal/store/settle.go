package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Settle settles writes whose outcome is unknown, until a time: it reads each stored entry and writes it once more.
// That decides the outcome if storage keeps the order of writes. Unsettled entries are read from storage each time.
// The error is the first failure.
func (st *Store) Settle(ctx context.Context, s logical.Storage, until time.Time) error {
	var failed error
	for _, path := range st.writes.all() {
		if ctx.Err() != nil || !time.Now().Before(until) {
			break
		}
		if err := st.settle(ctx, s, path); err != nil && failed == nil {
			failed = err // others may still succeed
		}
	}
	return failed
}

// makeRoom settles some writes of a tenant that may begin no other write. Call it without a lock, because it locks
// other records.
func (st *Store) makeRoom(ctx context.Context, s logical.Storage, of tenant.Name) {
	paths, done := st.writes.crowded(of)
	defer done()
	for _, path := range paths {
		if ctx.Err() != nil || st.settle(ctx, s, path) != nil {
			return // the caller's write is refused
		}
	}
}

func (st *Store) settle(ctx context.Context, s logical.Storage, path string) error {
	at, ok := parsePath(path)
	if !ok {
		return fmt.Errorf("%s is not a location", path)
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

// settleKey also makes the tenant's keys be counted again, because the outcome decides the number.
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

// settleLocked is settleKey for callers that hold the record's lock and have read it; stored is nil if there is none.
func (st *Store) settleLocked(ctx context.Context, s logical.Storage, at location, stored *apikey.Key) error {
	if !st.writes.unsettled(at.path()) {
		return nil
	}
	if err := st.keys.keep(ctx, s, at, stored, 0); err != nil {
		return err
	}
	return st.recount(ctx, s, at)
}
