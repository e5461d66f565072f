package sweep

import (
	"context"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// When the walk over all records begins, and how much of a sweep it may take. A walk over a million records takes
// several sweeps. All other work uses the index.
const (
	walkAfterStart = 10 * time.Minute
	walkEvery      = 12 * time.Hour
	walkAgain      = time.Hour // after a walk that could not list everything
	walkBudget     = 5 * time.Second
	tidyBudget     = 45 * time.Second
)

// walk is the progress of a walk over all records. It goes through all keys first, and then through the entries of
// key IDs and of uses, where it looks for entries without a record.
type walk struct {
	report     Report
	owners     []tenant.Name    // tenants to visit
	places     []store.DueEntry // keys of the current tenant to visit
	ids        []string         // key IDs to visit after all tenants
	shards     []string         // entries of uses to visit after that
	purged     []string         // key IDs of purged keys to visit last
	listed     bool             // ids, shards and purged are listed
	incomplete bool             // a tenant's keys could not be listed
	last       error            // the last failure
	seed       maphash.Seed     // of the hashes in seen
	seen       map[uint64]struct{}
}

// Report is the result of a walk, so far or at its end.
type Report struct {
	Started, Finished time.Time // Finished is zero while the walk is under way
	Records           int       // records visited
	IDs, Due          int       // index entries that were missing and are written again
	Strays            int       // index entries without a record, deleted
	Destroyed         int       // records without a tenant, or of leases long over
	Failures          int       // records that could not be read or repaired
	LastFailure       string
}

// walkSlice continues the walk, or begins one when it is time.
func (r *run) walkSlice(ctx context.Context) error {
	if r.walk == nil && !r.wantsWalk() {
		return nil
	}
	r.until = time.Now().Add(walkBudget) // even after a busy sweep
	return r.step(ctx)
}

func (r *run) wantsWalk() bool {
	if r.asked.Load() {
		return true
	}
	if r.walked.IsZero() {
		return !r.now.Before(r.started.Add(walkAfterStart)) || r.now.Before(r.started)
	}
	return !r.now.Before(r.walked.Add(walkEvery)) || r.now.Before(r.walked) // or the clock was set back
}

// Tidy begins or continues a walk, for up to 45 s; later sweeps go on with it. If a sweep is under way, Tidy waits
// for it. If the sweep takes all the time, Tidy returns an empty report, and the next sweep walks.
func (w *Sweeper) Tidy(ctx context.Context, s logical.Storage, now time.Time) (Report, error) {
	most := time.NewTimer(tidyBudget)
	defer most.Stop()
	began := time.Now()
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return Report{}, ctx.Err()
	case <-most.C:
		w.asked.Store(true)
		return Report{Started: now.UTC().Truncate(time.Second)}, nil
	}
	r, ok := w.newRun(ctx, s, now, tidyBudget-time.Since(began))
	if !ok {
		return Report{}, errStopped
	}
	defer w.end(r.cancel)
	var err error
	if r.config, err = w.store.Config(ctx, r.s); err != nil {
		return Report{}, err
	}
	err = r.step(ctx)
	return w.Report(), err
}

// Report returns the report of the walk under way, or of the last one.
func (w *Sweeper) Report() Report {
	if r := w.report.Load(); r != nil {
		return *r
	}
	return Report{}
}

// step continues the walk, or begins one. It skips records that cannot be read and tenants whose keys cannot be
// listed. If another list fails, the walk waits for the next tick.
func (r *run) step(ctx context.Context) error {
	if r.walk == nil {
		owners, err := r.store.TenantNames(ctx, r.s)
		if err != nil {
			return err
		}
		r.asked.Store(false)
		r.walk = &walk{
			report: Report{Started: r.now.UTC().Truncate(time.Second)}, owners: owners,
			seed: maphash.MakeSeed(), seen: make(map[uint64]struct{}),
		}
	}
	before := r.walk.report.Failures
	done, err := r.walkStep(ctx)
	if n := r.walk.report.Failures - before; n > 0 && !r.stopped() {
		r.warn("records could not be looked at or mended", "records", n, "last", r.walk.last)
	}
	if done {
		r.walk.report.Finished = r.now.UTC().Truncate(time.Second)
	}
	report := r.walk.report
	r.report.Store(&report)
	if done {
		r.walked = r.now
		if r.walk.incomplete {
			r.walked = r.now.Add(walkAgain - walkEvery)
		}
		r.walk = nil
	}
	return err
}

// failed counts a failure of the walk. The report gets no text of storage errors, which is for the log.
func (w *walk) failed(what string, err error) {
	w.report.Failures++
	w.report.LastFailure, w.last = what+": "+store.PublicText(err), fmt.Errorf("%s: %w", what, err)
}

func (r *run) walkStep(ctx context.Context) (done bool, err error) {
	for _, part := range []func(context.Context) (bool, error){
		r.walkRecords, r.listEntries, r.walkIDs, r.walkUsage, r.walkPurged,
	} {
		if done, err := part(ctx); !done || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *run) walkRecords(ctx context.Context) (bool, error) {
	w := r.walk
	for len(w.places) > 0 || len(w.owners) > 0 {
		if !r.timeLeft() {
			return false, nil
		}
		if len(w.places) == 0 {
			r.walkOwner(ctx, w.owners[0])
			w.owners = w.owners[1:]
			continue
		}
		r.walkRecord(ctx, w.places[0])
		w.places = w.places[1:]
	}
	return !r.stopped(), nil
}

func (r *run) walkRecord(ctx context.Context, place store.DueEntry) {
	w := r.walk
	mended, err := r.repair(ctx, place, func(keyID string) { w.seen[maphash.String(w.seed, keyID)] = struct{}{} })
	w.report.Records++
	w.report.IDs += mended.IDs
	w.report.Due += mended.Due
	w.report.Destroyed += mended.Destroyed
	if err != nil {
		w.failed(place.String(), err)
	}
}

// walkOwner makes sure that a deleted tenant is on the due index, and lists its keys.
func (r *run) walkOwner(ctx context.Context, name tenant.Name) {
	w := r.walk
	mended, err := r.store.RepairTenant(ctx, r.s, name)
	if err != nil {
		w.failed(string(name), err)
	}
	if mended {
		w.report.Due++
	}
	if w.places, err = r.store.KeyPlaces(ctx, r.s, name); err != nil {
		w.failed(string(name), err)
		w.incomplete = true
	}
}

// listEntries lists the entries that lead to records. An entry of a record made since is checked against that record
// before it is deleted.
func (r *run) listEntries(ctx context.Context) (bool, error) {
	w := r.walk
	if w.listed {
		return true, nil
	}
	ids, err := r.store.ClaimedIDs(ctx, r.s)
	if err != nil {
		return false, err
	}
	shards, err := r.store.UsageShards(ctx, r.s)
	if err != nil {
		return false, err
	}
	purged, err := r.store.PurgedIDs(ctx, r.s)
	w.ids, w.shards, w.purged, w.listed = ids, shards, purged, err == nil
	return err == nil, err
}

func (r *run) walkIDs(ctx context.Context) (bool, error) {
	w := r.walk
	for ; len(w.ids) > 0; w.ids = w.ids[1:] {
		if !r.timeLeft() {
			return false, nil
		}
		if w.knows(w.ids[0]) {
			continue
		}
		dropped, err := r.store.DropStray(ctx, r.s, w.ids[0])
		if err != nil {
			w.failed("ids/"+w.ids[0], err)
		}
		if dropped {
			w.report.Strays++
		}
	}
	return true, nil
}

func (r *run) walkUsage(ctx context.Context) (bool, error) {
	w := r.walk
	for len(w.shards) > 0 {
		if !r.timeLeft() {
			return false, nil
		}
		first := w.shards[0]
		parts, err := r.store.PruneUsage(ctx, r.s, first, w.knows)
		if err != nil {
			w.failed("usage/"+first, err)
		}
		w.shards = append(parts, w.shards[1:]...)
	}
	return true, nil
}

// walkPurged drops what purges have left and nobody is told any more.
func (r *run) walkPurged(ctx context.Context) (bool, error) {
	w := r.walk
	for ; len(w.purged) > 0; w.purged = w.purged[1:] {
		if !r.timeLeft() {
			return false, nil
		}
		if err := r.store.DropPurged(ctx, r.s, w.purged[0], r.now); err != nil {
			w.failed("purged/"+w.purged[0], err)
		}
	}
	return true, nil
}

// knows reports whether the walk has seen a key ID. A hash collision makes it report true for an unknown one, whose
// entry then stays until the next walk.
func (w *walk) knows(keyID string) bool {
	_, ok := w.seen[maphash.String(w.seed, keyID)]
	return ok
}
