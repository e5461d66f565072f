package sweep

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// When the walk over all records begins, and how much of a tick it may take. A million
// records take some ticks; all others are as short as the index makes them.
const (
	walkAfterStart = 10 * time.Minute
	walkEvery      = 12 * time.Hour
	walkAgain      = time.Hour // after one that could not see everything
	walkBudget     = 5 * time.Second
	tidyBudget     = 45 * time.Second
)

// walk is on its way over all records: key by key, then over the entries of key IDs and
// of uses, looking for what leads nowhere.
type walk struct {
	report Report
	owners []tenant.Name // still to come
	places []store.Entry // of the owner at hand
	ids    []string      // still to come, once all owners are done
	shards []string      // likewise
	listed bool          // ids and shards are
	blind  bool          // something could not be listed
	seed   maphash.Seed  // of seen
	seen   map[uint64]struct{}
}

// Report says what the walk has found.
type Report struct {
	Started, Finished time.Time // Finished is zero while it is under way
	Records           int       // looked at
	IDs, Due          int       // index entries that were missing
	Strays            int       // index entries that led nowhere
	Destroyed         int       // records that belonged to no tenant, or to a lease long over
	Failures          int       // records that could not be read or mended
	LastFailure       string
}

// stroll walks for a part of the tick when it is time.
func (t *tick) stroll(ctx context.Context) error {
	if t.walk == nil && !t.wantsWalk() {
		return nil
	}
	t.until = minTime(t.until, time.Now().Add(walkBudget))
	return t.step(ctx)
}

func (t *tick) wantsWalk() bool {
	if t.walked.IsZero() {
		return !t.now.Before(t.started.Add(walkAfterStart)) || t.now.Before(t.started)
	}
	return !t.now.Before(t.walked.Add(walkEvery)) || t.now.Before(t.walked) // or the clock was set back
}

// Tidy walks at once, for as long as a request may take; ticks go on with what is left.
func (w *Sweeper) Tidy(ctx context.Context, s logical.Storage, now time.Time) (Report, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, err := w.begin(ctx, s, now, tidyBudget)
	if err != nil {
		return Report{}, err
	}
	err = t.step(ctx)
	return w.Report(), err
}

// Report returns how the walk under way is doing, or what the last one has found.
func (w *Sweeper) Report() Report {
	if r := w.report.Load(); r != nil {
		return *r
	}
	return Report{}
}

// step goes on with the walk, or begins one. A record that cannot be read and a tenant
// whose keys cannot be listed are left out; without the lists of all there is, the walk
// waits for the next tick.
func (t *tick) step(ctx context.Context) error {
	if t.walk == nil {
		owners, err := t.store.Owners(ctx, t.s)
		if err != nil {
			return err
		}
		t.walk = &walk{
			report: Report{Started: t.now.UTC().Truncate(time.Second)}, owners: owners,
			seed: maphash.MakeSeed(), seen: make(map[uint64]struct{}),
		}
	}
	done, err := t.walkOn(ctx)
	if done {
		t.walk.report.Finished = t.now.UTC().Truncate(time.Second)
	}
	report := t.walk.report
	t.report.Store(&report)
	if done {
		t.walked = t.now
		if t.walk.blind {
			t.walked = t.now.Add(walkAgain - walkEvery)
		}
		t.walk = nil
	}
	return err
}

// failed notes what the walk could not see or mend; it goes on with the rest.
func (w *walk) failed(what string, err error) {
	w.report.Failures++
	w.report.LastFailure = what + ": " + err.Error()
}

func (t *tick) walkOn(ctx context.Context) (done bool, err error) {
	for _, part := range []func(context.Context) (bool, error){t.walkRecords, t.listEntries, t.walkIDs, t.walkUsage} {
		if done, err := part(ctx); !done || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (t *tick) walkRecords(ctx context.Context) (bool, error) {
	w := t.walk
	for len(w.places) > 0 || len(w.owners) > 0 {
		if !t.more(ctx) {
			return false, nil
		}
		if len(w.places) == 0 {
			t.walkOwner(ctx, w.owners[0])
			w.owners = w.owners[1:]
			continue
		}
		t.walkRecord(ctx, w.places[0])
		w.places = w.places[1:]
	}
	return ctx.Err() == nil, nil
}

func (t *tick) walkRecord(ctx context.Context, place store.Entry) {
	w := t.walk
	mended, err := t.mend(ctx, place, func(keyID string) { w.seen[maphash.String(w.seed, keyID)] = struct{}{} })
	w.report.Records++
	w.report.IDs += mended.IDs
	w.report.Due += mended.Due
	w.report.Destroyed += mended.Destroyed
	if err != nil {
		w.failed(place.String(), err)
	}
}

// walkOwner makes sure that a deleted tenant is erased one day, and finds its keys.
func (t *tick) walkOwner(ctx context.Context, name tenant.Name) {
	w := t.walk
	mended, err := t.store.MendTenant(ctx, t.s, name)
	if err != nil {
		w.failed(string(name), err)
	}
	if mended {
		w.report.Due++
	}
	if w.places, err = t.store.Places(ctx, t.s, name); err != nil {
		w.failed(string(name), err)
		w.blind = true
	}
}

// listEntries lists what leads to records, after these were seen: what came later is
// looked at too, and found to lead somewhere.
func (t *tick) listEntries(ctx context.Context) (bool, error) {
	w := t.walk
	if w.listed {
		return true, nil
	}
	ids, err := t.store.ClaimedIDs(ctx, t.s)
	if err != nil {
		return false, err
	}
	shards, err := t.store.UsageShards(ctx, t.s)
	w.ids, w.shards, w.listed = ids, shards, err == nil
	return err == nil, err
}

func (t *tick) walkIDs(ctx context.Context) (bool, error) {
	w := t.walk
	for ; len(w.ids) > 0; w.ids = w.ids[1:] {
		if !t.more(ctx) {
			return false, nil
		}
		if w.knows(w.ids[0]) {
			continue
		}
		dropped, err := t.store.DropStray(ctx, t.s, w.ids[0])
		if err != nil {
			w.failed("ids/"+w.ids[0], err)
		}
		if dropped {
			w.report.Strays++
		}
	}
	return true, nil
}

func (t *tick) walkUsage(ctx context.Context) (bool, error) {
	w := t.walk
	for ; len(w.shards) > 0; w.shards = w.shards[1:] {
		if !t.more(ctx) {
			return false, nil
		}
		if _, err := t.store.PruneUsage(ctx, t.s, w.shards[0], w.knows); err != nil {
			w.failed("usage/"+w.shards[0], err)
		}
	}
	return true, nil
}

// knows reports whether the walk has met a key ID. With a small chance it says so of one
// that it has not met, whose entry then stays until the next walk.
func (w *walk) knows(keyID string) bool {
	_, ok := w.seen[maphash.String(w.seed, keyID)]
	return ok
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
