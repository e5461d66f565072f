package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// ErrTaken is returned for a key ID that is claimed already.
var ErrTaken = errors.New("the key ID is taken")

// claim is an index entry: the record that has the version with a key ID. The record itself decides whether that is
// so.
type claim struct {
	at  location
	uid string
}

// claim writes the entry of a key ID, and never overwrites another one: it returns [ErrTaken] if there is one. An
// equal claim is written again: a failed write of the same record has left it.
func (st *Store) claim(ctx context.Context, s logical.Storage, keyID string, c claim) error {
	unlock, err := st.idLocks.lock(ctx, keyID)
	if err != nil {
		return err
	}
	defer unlock()
	path := location{family: familyIDs, name: keyID}.path()
	switch has, err := st.claimed(ctx, s, keyID); {
	//mutate:false:3 "key IDs that are taken" TestClaimsAreNeverOverwritten|TestOneOfManyClaimsWins
	case errors.Is(err, ErrCorrupt), errors.Is(err, refusal.Unavailable), err == nil && has != nil && *has != c:
		return ErrTaken // also if the entry cannot be read
	case err != nil:
		return err
	}
	raw, err := encodeClaim(c)
	if err != nil {
		return err
	}
	entry := &logical.StorageEntry{Key: path, Value: raw}
	err = st.writes.do(
		ctx,
		c.at.owner(),
		path,
		func() { st.dropID(keyID) },
		func(ctx context.Context) error { return s.Put(ctx, entry) },
	)
	if err != nil {
		return fmt.Errorf("writing %s: %w", familyIDs, err)
	}
	st.unknownIDs.drop(keyID)
	st.ids.put(keyID, c)
	return nil
}

// claimed returns the claim on a key ID from storage; nil: there is none.
func (st *Store) claimed(ctx context.Context, s logical.Storage, keyID string) (*claim, error) {
	entry, err := s.Get(ctx, location{family: familyIDs, name: keyID}.path())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", familyIDs, err)
	}
	if entry == nil {
		return nil, nil
	}
	c, err := decodeClaim(entry.Value)
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// unclaim deletes the entry of a key ID if it leads, or may still lead, to the record at from.
func (st *Store) unclaim(ctx context.Context, s logical.Storage, keyID string, from location) error {
	unlock, err := st.idLocks.lock(ctx, keyID)
	if err != nil {
		return err
	}
	defer unlock()
	path := location{family: familyIDs, name: keyID}.path()
	has, err := st.claimed(ctx, s, keyID)
	if err != nil {
		return err
	}
	//mutate:true:1.2 "key IDs given up that may still come" TestGivingUpWhatMayStillCome
	if has == nil && !st.writes.unsettled(path) || has != nil && has.at != from {
		return nil
	}
	err = st.writes.do(
		ctx,
		from.owner(),
		path,
		func() { st.dropID(keyID) },
		func(ctx context.Context) error { return s.Delete(ctx, path) },
	)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", familyIDs, err)
	}
	st.dropID(keyID)
	return nil
}

// settleID makes storage keep the entry of a key ID that it holds now, if an earlier write may still change it.
func (st *Store) settleID(ctx context.Context, s logical.Storage, keyID string) error {
	unlock, err := st.idLocks.lock(ctx, keyID)
	if err != nil {
		return err
	}
	defer unlock()
	path := location{family: familyIDs, name: keyID}.path()
	if !st.writes.unsettled(path) {
		return nil
	}
	entry, err := s.Get(ctx, path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", familyIDs, err)
	}
	return st.writes.do(ctx, "", path, func() { st.dropID(keyID) }, func(ctx context.Context) error {
		if entry == nil {
			return s.Delete(ctx, path)
		}
		return s.Put(ctx, entry)
	})
}

func (st *Store) dropID(keyID string) {
	st.ids.drop(keyID)
	st.unknownIDs.drop(keyID)
}

// Match is a key with everything else that judging its calls needs.
type Match struct {
	Key    *apikey.Key
	Tenant *tenant.Tenant
	Role   *apikey.Role // of a leased key; nil: there is no record of it, not even of a deleted one
}

// Find returns the key with a valid key ID. It is nil if no key has it, or if its tenant is deleted. All parts of the
// match were in force at the same moment. With a warm cache Find reads no storage and takes no lock.
func (st *Store) Find(ctx context.Context, s logical.Storage, keyID string) (*Match, error) {
	found, err := st.FindIncludingDeleted(ctx, s, keyID)
	if err != nil || found == nil || found.Tenant.State() == tenant.Deleted {
		return nil, err
	}
	return found, nil
}

// FindIncludingDeleted is Find including deleted tenants that can still be restored.
func (st *Store) FindIncludingDeleted(ctx context.Context, s logical.Storage, keyID string) (*Match, error) {
	c, err := st.lookupID(ctx, s, keyID)
	if err != nil || c == nil {
		return nil, err
	}
	for {
		var all reads
		found, err := st.trace(ctx, s, keyID, c, &all)
		if err != nil || all.unchanged() {
			return found, err
		}
	}
}

// trace returns the records that a claim leads to; nil: they do not belong together.
func (st *Store) trace(ctx context.Context, s logical.Storage, keyID string, c *claim, all *reads) (*Match, error) {
	k, err := st.keys.read(ctx, s, c.at, all)
	//mutate:false:3 "index entries that lie" TestIndexEntriesThatLie|TestWhatCarriesAnotherUIDDoesNotExist
	if err != nil || k == nil || k.UID != c.uid || k.Version(keyID) == nil {
		return nil, err
	}
	t, err := st.tenants.read(ctx, s, location{family: familyTenants, tenant: k.Tenant}, all)
	//mutate:false:3 "records of a former tenant" TestIndexEntriesThatLie|TestWhatCarriesAnotherUIDDoesNotExist
	if err != nil || t == nil || t.UID != k.UID {
		return nil, err
	}
	found := &Match{Key: k, Tenant: t}
	if k.Lease != nil {
		if found.Role, err = st.roleOf(ctx, s, k, all); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lookupID returns the claim on a key ID; nil: there is none.
func (st *Store) lookupID(ctx context.Context, s logical.Storage, keyID string) (*claim, error) {
	if c, ok := st.ids.get(keyID); ok {
		return &c, nil
	}
	if _, ok := st.unknownIDs.get(keyID); ok {
		return nil, nil
	}
	keyID = strings.Clone(keyID) // it may be part of a request head, which the caches must not keep alive
	for {
		known, unknown := st.ids.generation(keyID), st.unknownIDs.generation(keyID)
		unsettled := st.writes.unsettled(location{family: familyIDs, name: keyID}.path())
		c, err := st.claimed(ctx, s, keyID)
		switch {
		case err == nil && st.ids.generation(keyID) != known:
			continue // the claim has changed meanwhile
		//mutate:false:2 "key IDs that may still change, in memory" TestKeyIDsThatMayStillChangeAreRead
		case err != nil || unsettled:
			return c, err
		case c == nil:
			st.unknownIDs.fill(keyID, struct{}{}, unknown)
		default:
			st.ids.fill(keyID, *c, known)
		}
		return c, nil
	}
}
