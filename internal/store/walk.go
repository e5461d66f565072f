package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// TenantNames returns the names that have anything in storage: the tenants, and names with records left over from
// erased ones.
func (st *Store) TenantNames(ctx context.Context, s logical.Storage) ([]tenant.Name, error) {
	all := make(map[tenant.Name]struct{})
	for _, family := range []string{familyTenants, familyKeys, familyLeased, familyRoles} {
		names, err := s.List(ctx, family+"/")
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", family, err)
		}
		for _, name := range names {
			all[tenant.Name(strings.TrimSuffix(name, "/"))] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// KeyPlaces returns the places of a tenant's named and leased keys. They have no minute.
func (st *Store) KeyPlaces(ctx context.Context, s logical.Storage, of tenant.Name) ([]DueEntry, error) {
	var all []DueEntry
	for _, family := range []string{familyKeys, familyLeased} {
		for _, kind := range apikey.Kinds {
			names, err := list(ctx, s, location{family: family, tenant: of, kind: kind})
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				all = append(all, DueEntry{at: location{family, of, kind, name}})
			}
		}
	}
	return all, nil
}

// Repairs counts the index entries that were missing and written again, and the records destroyed because they
// belonged to no tenant or to a lease long over.
type Repairs struct {
	IDs, Due, Destroyed int
}

// RepairIndex writes the missing index entries of the record at a place: one for each key ID, and those of the due
// index. If overdue reports that the record should have been handled by now, the next sweep handles it. A record
// without a tenant is destroyed. Seen gets the key IDs of a record that stays.
func (st *Store) RepairIndex(ctx context.Context, s logical.Storage, e DueEntry, now time.Time,
	overdue func(*apikey.Key, *tenant.Tenant) (bool, error), seen func(keyID string),
) (Repairs, error) {
	var m Repairs
	unlock, err := st.keys.lock(ctx, e.at)
	if err != nil {
		return m, err
	}
	defer unlock()
	k, err := st.keys.load(ctx, s, e.at)
	if err != nil || k == nil {
		return m, err
	}
	t, c, err := st.owner(ctx, s, k)
	if err != nil {
		return m, err
	}
	if t == nil || k.LeaseOverdue(now) {
		m.Destroyed++
		return m, st.destroy(ctx, s, e.at, k)
	}
	if m.IDs, err = st.repairIDs(ctx, s, e.at, k, seen); err != nil {
		return m, err
	}
	late, err := overdue(k, t)
	if err != nil {
		return m, err
	}
	for _, in := range slotsNeeded(k, k.Policy(c, t), late, now) {
		put, err := st.repairDue(ctx, s, in, e.at, k.UID)
		if err != nil {
			return m, err
		}
		if put {
			m.Due++
		}
	}
	return m, nil
}

// slotsNeeded returns the slots of k. If k is late, the overdue ones are at now.
func slotsNeeded(k *apikey.Key, p apikey.Policy, late bool, now time.Time) []slot {
	all := slots(k, p)
	if !late {
		return all
	}
	rotates, moved := !p.Paused && k.RotationDue(now), false
	for i := range all {
		if of := all[i].of; of == chore && !all[i].due.After(now) || of != chore && rotates {
			all[i].due, moved = now, true
		}
	}
	if !moved {
		all = append(all, slot{now, chore})
	}
	return all
}

// repairDue writes a due entry if it is missing, and reports whether it was.
func (st *Store) repairDue(ctx context.Context, s logical.Storage, in slot, at location, uid string) (bool, error) {
	entry, err := s.Get(ctx, duePath(in.due, at, in.of))
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", familyDue, err)
	}
	if entry != nil {
		return false, nil
	}
	return true, st.putDue(ctx, s, in, at, uid)
}

// RepairTenant writes the due entry of a deleted tenant if it is missing, and reports whether it was.
func (st *Store) RepairTenant(ctx context.Context, s logical.Storage, name tenant.Name) (bool, error) {
	at := location{family: familyTenants, tenant: name}
	unlock, err := st.tenants.lock(ctx, at)
	if err != nil {
		return false, err
	}
	defer unlock()
	t, err := st.tenants.load(ctx, s, at)
	if err != nil || t == nil || t.State() != tenant.Deleted {
		return false, err
	}
	c, err := st.Config(ctx, s)
	if err != nil {
		return false, err
	}
	return st.repairDue(ctx, s, slot{t.DueAt(c.Retention), unmarked}, at, t.UID)
}

// repairIDs claims the key IDs of k without an entry, and returns how many.
func (st *Store) repairIDs(
	ctx context.Context,
	s logical.Storage,
	at location,
	k *apikey.Key,
	seen func(keyID string),
) (int, error) {
	mended := 0
	for i := range k.Versions {
		v := &k.Versions[i]
		seen(v.KeyID)
		entry, err := s.Get(ctx, location{family: familyIDs, name: v.KeyID}.path())
		if err != nil {
			return mended, fmt.Errorf("reading %s: %w", familyIDs, err)
		}
		if entry != nil {
			st.rememberOwner(v.KeyID, entry.Value, claim{at: at, uid: k.UID})
			continue
		}
		if err := st.claim(ctx, s, v.KeyID, claim{at: at, uid: k.UID}); err != nil {
			return mended, err
		}
		mended++
	}
	return mended, nil
}

// rememberOwner keeps the claim of a key ID whose entry cannot be read, as its record tells it, for the uses that
// older versions have left.
func (st *Store) rememberOwner(keyID string, raw []byte, c claim) {
	if b := st.usage.begun.Load(); b != nil && len(b.shards) == 0 {
		return
	}
	if _, err := decodeClaim(raw); err != nil {
		//mutate:skip "uses of before of key IDs whose entries are damaged" TestUsesOfDamagedIDs
		st.usage.unreadable.Store(keyID, &c)
	}
}

// ClaimedIDs returns every key ID that has an index entry, sorted.
func (st *Store) ClaimedIDs(ctx context.Context, s logical.Storage) ([]string, error) {
	return list(ctx, s, location{family: familyIDs})
}

// DropStray deletes the entry of a key ID if its record has no such version, and reports whether it did. It holds the
// record's lock, because a new record's entries are written before it. If the record may still change, the entry is
// left to the next walk.
func (st *Store) DropStray(ctx context.Context, s logical.Storage, keyID string) (bool, error) {
	path := location{family: familyIDs, name: keyID}.path()
	entry, err := s.Get(ctx, path)
	if err != nil || entry == nil {
		return false, err
	}
	c, err := decodeClaim(entry.Value)
	if err != nil {
		return false, err
	}
	unlock, err := st.keys.lock(ctx, c.at)
	if err != nil {
		return false, err
	}
	defer unlock()
	k, err := st.keys.load(ctx, s, c.at)
	if err != nil {
		return false, fmt.Errorf("%s: %w", c.at.path(), err)
	}
	//mutate:false:2 "claims of what may still come" TestWalkLeavesClaimsOfWhatMayStillCome
	if k != nil && k.Version(keyID) != nil || st.keys.writes.unsettled(c.at.path()) {
		return false, nil
	}
	return true, st.unclaim(ctx, s, keyID, c.at)
}
