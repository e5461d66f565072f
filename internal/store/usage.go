package store

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Use is when a version was used, to the minute, and from where it was used last.
type Use struct {
	First, Last time.Time
	From        string // an address; "": not known
}

// merge returns the earlier first use and the later last one. Within the same minute o counts as later.
func (u Use) merge(o Use) Use {
	if u.First.IsZero() || !o.First.IsZero() && o.First.Before(u.First) {
		u.First = o.First
	}
	if o.Last.After(u.Last) {
		u.Last, u.From = o.Last, o.From
	} else if o.Last.Equal(u.Last) && o.From != "" {
		u.From = o.From
	}
	return u
}

// same reports whether both are equal.
func (u Use) same(o Use) bool {
	return u.First.Equal(o.First) && u.Last.Equal(o.Last) && u.From == o.From
}

// usage collects uses in memory, for each tenant separately, until a sweep writes them.
type usage struct {
	tenants    sync.Map // tenant UID -> *pendingUses
	most       int      // uses of one tenant that are collected, and also that wait to be written
	unreadable sync.Map // key ID -> *claim, from the record of a key ID whose entry cannot be read

	busy  chan struct{} // full while a goroutine writes entries of uses
	turns []string      // UIDs of tenants that the last flush left out; guarded by busy

	life     string // identifies this store in the mark
	starting sync.Mutex
	begun    atomic.Pointer[usageState] // nil: [Store.BeginUsage] has not succeeded
}

// mostUses suffices for a tenant that uses 200,000 versions in a minute: some 40 MB.
const mostUses = 200_000

// pendingUses are the uses of one tenant that are not in storage yet. No other tenant's activity fills them.
type pendingUses struct {
	tenant tenant.Name
	fresh  sync.Map     // key ID -> *used
	cells  atomic.Int64 // entries in fresh
	missed atomic.Int64 // minute of the latest use that found no room; 0: none

	unfinished map[string]*unfinished // splits that have begun, by prefix; guarded by usage.busy
	from       string                 // first group that the last flush had no time for; guarded by usage.busy

	mu        sync.Mutex
	waiting   map[string]map[string]Use      // to be written, by group and key ID
	waits     int                            // entries in waiting
	gone      map[string]map[string]struct{} // key IDs whose uses are to be deleted, by group
	goes      int                            // entries in gone
	forgotten int64                          // as missed, to be written
	writes    int64                          // counts what was written, or was found to be in storage
	stalled   int                            // flushes in a row that made no progress
	since     time.Time                      // when the first of these flushes ended
}

// useCell holds one version's uses since the last flush. A writer stores the use first and then checks closed; a
// flush sets closed first and then reads. So no use is lost, and neither waits.
type useCell struct {
	group  string
	first  time.Time
	last   atomic.Int64 // minutes since 1970
	from   atomic.Pointer[string]
	closed atomic.Bool
}

// digits is the length of a group. A tenant's entries of uses are split by the digits.
const digits = 3

// groupOf returns the group of a record. All its versions are in the same group.
func groupOf(uid string, at location) string {
	sum := sha256.Sum256([]byte(uid + "/" + at.path()))
	return hex.EncodeToString(sum[:2])[:digits]
}

// locate returns the location of k.
func locate(k *apikey.Key) location {
	if k.Lease != nil {
		return location{familyLeased, k.Tenant, k.Kind, k.Newest().KeyID}
	}
	return location{familyKeys, k.Tenant, k.Kind, string(k.Name)}
}

func (u *usage) of(uid string, name tenant.Name) *pendingUses {
	v, ok := u.tenants.Load(uid)
	if !ok {
		v, _ = u.tenants.LoadOrStore(uid, &pendingUses{tenant: name})
	}
	return v.(*pendingUses)
}

// Used records that a version of k was used now, from an address; "": not known. It takes no lock and no storage.
func (st *Store) Used(k *apikey.Key, keyID, from string, now time.Time) {
	minute, o := now.Unix()/60, st.usage.of(k.UID, k.Tenant)
	for {
		v, ok := o.fresh.Load(keyID)
		if !ok {
			//mutate:false "how many uses of a tenant are collected" TestUsesThatFindNoRoom
			if o.cells.Load() >= int64(st.usage.most) {
				//mutate:skip "uses that were forgotten for want of room" TestUsesThatFindNoRoom
				raise(&o.missed, minute)
				return
			}
			cell := &useCell{group: groupOf(k.UID, locate(k)), first: now}
			cell.last.Store(minute)
			if v, ok = o.fresh.LoadOrStore(keyID, cell); !ok {
				o.cells.Add(1)
			}
		}
		u := v.(*useCell)
		raise(&u.last, minute)
		if was := u.from.Load(); from != "" && (was == nil || *was != from) {
			u.from.Store(&from)
		}
		if !u.closed.Load() {
			return
		}
		o.drop(keyID, v)
	}
}

func raise(n *atomic.Int64, to int64) {
	for was := n.Load(); was < to; was = n.Load() {
		n.CompareAndSwap(was, to)
	}
}

func (o *pendingUses) drop(keyID string, cell any) {
	if o.fresh.CompareAndDelete(keyID, cell) {
		o.cells.Add(-1)
	}
}

func (u *useCell) use() Use {
	use := Use{First: u.first.UTC().Truncate(time.Minute), Last: minuteTime(u.last.Load())}
	if from := u.from.Load(); from != nil {
		use.From = *from
	}
	return use
}

// collect moves the fresh uses to waiting.
func (o *pendingUses) collect(most int) {
	o.fresh.Range(func(key, v any) bool {
		cell := v.(*useCell)
		o.mu.Lock()
		defer o.mu.Unlock()
		cell.closed.Store(true)
		o.drop(key.(string), v)
		o.await(cell.group, key.(string), cell.use(), most)
		return true
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgotten = max(o.forgotten, o.missed.Swap(0))
}

// await adds a use to waiting. If too many uses wait, it forgets this one and records its minute. The caller holds
// the lock.
func (o *pendingUses) await(group, keyID string, use Use, most int) {
	was, waits := o.waiting[group][keyID]
	if !waits {
		//mutate:false "how many uses of a tenant wait" TestUsesThatFindNoRoom
		if o.waits >= most {
			o.forgotten = max(o.forgotten, use.Last.Unix()/60)
			return
		}
		o.waits++
	}
	o.waiting = put(o.waiting, group, keyID, was.merge(use))
}

func (o *pendingUses) awaits(group, keyID string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, waits := o.waiting[group][keyID]
	return waits
}

func put[V any](m map[string]map[string]V, group, keyID string, v V) map[string]map[string]V {
	if m == nil {
		m = make(map[string]map[string]V)
	}
	if m[group] == nil {
		m[group] = make(map[string]V)
	}
	m[group][keyID] = v
	return m
}

// forget drops the uses of the versions that k has and next lacks, from memory and storage. Next is nil if the key
// was destroyed.
func (u *usage) forget(at location, k, next *apikey.Key) {
	if k == nil {
		return
	}
	group := groupOf(k.UID, at)
	for i := range k.Versions {
		if keyID := k.Versions[i].KeyID; next == nil || next.Version(keyID) == nil {
			u.of(k.UID, k.Tenant).forget(group, keyID, u.most)
		}
	}
}

// forget drops a version's uses from memory now, and from storage with the next flush. If too many of these wait, the
// walk finds the uses.
func (o *pendingUses) forget(group, keyID string, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if v, ok := o.fresh.Load(keyID); ok {
		o.drop(keyID, v)
	}
	if _, waits := o.waiting[group][keyID]; waits {
		delete(o.waiting[group], keyID)
		o.waits--
	}
	if _, goes := o.gone[group][keyID]; !goes && o.goes < most {
		o.gone = put(o.gone, group, keyID, struct{}{})
		o.goes++
	}
}

// dirty reports whether there is anything to write.
func (o *pendingUses) dirty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waits+o.goes > 0 || o.forgotten > 0
}
