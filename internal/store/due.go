package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// DueEntry is one entry of the due index. It names a record that is due in a minute.
type DueEntry struct {
	at     location
	minute time.Time
	of     mark
}

// Minute returns when the record is due.
func (e DueEntry) Minute() time.Time { return e.minute }

// Rotation reports whether a rotation is due, or may be: an entry of the old form does not tell.
func (e DueEntry) Rotation() bool { return e.at.family == familyKeys && e.of != chore }

// Ends returns the minute in which the version to be rotated ends; zero: not known.
func (e DueEntry) Ends() time.Time {
	end, _ := e.of.ends()
	return end
}

// Tenant returns the record's tenant, and whether the record is the tenant's own.
func (e DueEntry) Tenant() (name tenant.Name, itself bool) {
	return e.at.tenant, e.at.family == familyTenants
}

// String returns the record's path, for logs.
func (e DueEntry) String() string { return e.at.path() }

// DueMinutes returns the minutes up to now that may have due entries, oldest first.
func (st *Store) DueMinutes(ctx context.Context, s logical.Storage, now time.Time) ([]Minute, error) {
	if !st.cursor.begin(now) {
		minutes, err := allMinutes(ctx, s, now)
		if err != nil {
			st.cursor.reset()
			return nil, err
		}
		st.cursor.openAll(minutes)
	}
	return st.cursor.minutes(now), nil
}

// allMinutes lists the index up to now. It skips names that are no minute, which this package has not written.
func allMinutes(ctx context.Context, s logical.Storage, now time.Time) ([]time.Time, error) {
	hours, err := s.List(ctx, familyDue+"/")
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", familyDue, err)
	}
	var all []time.Time
	for _, hour := range hours {
		if begins, ok := parseMinute(hour, "00/"); !ok || begins.After(now) {
			continue
		}
		minutes, err := s.List(ctx, familyDue+"/"+hour)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", familyDue, err)
		}
		for _, minute := range minutes {
			if at, ok := parseMinute(hour, minute); ok {
				all = append(all, at)
			}
		}
	}
	return all, nil
}

// Due returns the entries of a minute.
func (st *Store) Due(ctx context.Context, s logical.Storage, m Minute) ([]DueEntry, error) {
	names, err := s.List(ctx, dueFolder(m.At))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", familyDue, err)
	}
	entries := make([]DueEntry, 0, len(names))
	for _, name := range names {
		if at, of, ok := parseDueName(name); ok {
			entries = append(entries, DueEntry{at, m.At, of})
		}
	}
	return entries, nil
}

// ResetSweep makes the next sweep list the whole index and check the uses again, because another node may have
// written meanwhile, or have collected uses and lost them.
func (st *Store) ResetSweep() {
	st.cursor.reset()
	st.usage.begun.Store(nil)
}

// Finish closes a minute in which nothing more is due.
func (st *Store) Finish(m Minute) { st.cursor.finish(m) }

// DoneUntil returns the time up to which this node knows that everything due is done; zero: it has not looked yet.
func (st *Store) DoneUntil() time.Time { return st.cursor.since() }

// Defer moves the entry of a record that cannot be handled now to a later time. It reports whether the entry has left
// its minute.
func (st *Store) Defer(ctx context.Context, s logical.Storage, e DueEntry, until time.Time) (bool, error) {
	if until.Truncate(time.Minute).Equal(e.minute) {
		return false, nil
	}
	if err := st.putDue(ctx, s, slot{until, e.of}, e.at, ""); err != nil {
		return false, err
	}
	err := st.dropDue(ctx, s, e)
	return err == nil, err
}

func (st *Store) putDue(ctx context.Context, s logical.Storage, in slot, at location, uid string) error {
	raw, err := encodeDue(uid)
	if err != nil {
		return err
	}
	entry := &logical.StorageEntry{Key: duePath(in.due, at, in.of), Value: raw}
	err = uninterrupted(ctx, func(ctx context.Context) error { return s.Put(ctx, entry) })
	st.cursor.reopen(in.due) // also after an error, because the write may have succeeded
	if err != nil {
		return fmt.Errorf("writing %s: %w", familyDue, err)
	}
	return nil
}

func (st *Store) dropDue(ctx context.Context, s logical.Storage, e DueEntry) error {
	err := uninterrupted(ctx, func(ctx context.Context) error { return s.Delete(ctx, duePath(e.minute, e.at, e.of)) })
	if err != nil {
		return fmt.Errorf("deleting %s: %w", familyDue, err)
	}
	return nil
}
