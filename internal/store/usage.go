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

// Use says when a version was used, to the minute, and from where last.
type Use struct {
	First, Last time.Time
	From        string // an address; "" when the one who asked did not say
}

// merge returns the earlier first use and the later last one. Within one minute o is the later one.
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

// same reports whether both say the same.
func (u Use) same(o Use) bool {
	return u.First.Equal(o.First) && u.Last.Equal(o.Last) && u.From == o.From
}

// usage collects uses in memory, each tenant's for itself, until the sweep writes them.
type usage struct {
	tenants sync.Map // tenant UID -> *owned
	most    int      // uses of one tenant that are collected, and that wait to be written
	met     sync.Map // key ID -> *claim: what a record says of one whose entry cannot be read

	busy  chan struct{} // is full while somebody writes entries of uses
	turns []string      // UIDs of who was left out of the last flush; for who is busy

	life     string // names this store in the mark
	starting sync.Mutex
	begun    atomic.Pointer[begun] // nil: [Store.BeginUsage] has not been called, or not with success
}

// mostUses has room for a tenant that uses 200,000 versions in a minute: some 40 MB.
const mostUses = 200_000

// owned are one tenant's uses that are not in storage yet. What the tenant does fills this
// and nothing else.
type owned struct {
	tenant tenant.Name
	fresh  sync.Map     // key ID -> *used
	cells  atomic.Int64 // how many of them
	missed atomic.Int64 // the minute of the latest use that found no room; 0: none

	unfinished map[string]*unfinished // splits that have begun, by prefix; for who is busy
	from       string                 // the group that a flush had no time for; for who is busy

	mu        sync.Mutex
	waiting   map[string]map[string]Use      // by group and key ID: what is on its way to storage
	waits     int                            // how many of them
	gone      map[string]map[string]struct{} // by group: key IDs to be forgotten
	goes      int                            // how many of them
	forgotten int64                          // as missed, on its way to storage
	writes    int64                          // how often something has come to storage, or was found to be there
	stalled   int                            // how many flushes in a row had no time for any of it
	since     time.Time                      // when the first of these ended
}

// used is one version's uses since the last flush. Whoever notes a use writes first and
// then looks whether the cell is closed; whoever flushes closes it and then reads. So no
// use is lost, and nobody waits.
type used struct {
	group  string
	first  time.Time
	last   atomic.Int64 // minutes since 1970
	from   atomic.Pointer[string]
	closed atomic.Bool
}

// digits are those of a group. A tenant's entries of uses are split by them.
const digits = 3

// groupOf returns the group of a record: all its versions share one.
func groupOf(uid string, at location) string {
	sum := sha256.Sum256([]byte(uid + "/" + at.path()))
	return hex.EncodeToString(sum[:2])[:digits]
}

// locate returns where k's record is.
func locate(k *apikey.Key) location {
	if k.Lease != nil {
		return location{familyLeased, k.Tenant, k.Kind, k.Newest().KeyID}
	}
	return location{familyKeys, k.Tenant, k.Kind, string(k.Name)}
}

func (u *usage) of(uid string, name tenant.Name) *owned {
	v, ok := u.tenants.Load(uid)
	if !ok {
		v, _ = u.tenants.LoadOrStore(uid, &owned{tenant: name})
	}
	return v.(*owned)
}

// Used notes that a version of k was used, from an address if that is known. It takes no
// lock and touches no storage.
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
			cell := &used{group: groupOf(k.UID, locate(k)), first: now}
			cell.last.Store(minute)
			if v, ok = o.fresh.LoadOrStore(keyID, cell); !ok {
				o.cells.Add(1)
			}
		}
		u := v.(*used)
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

func (o *owned) drop(keyID string, cell any) {
	if o.fresh.CompareAndDelete(keyID, cell) {
		o.cells.Add(-1)
	}
}

func (u *used) use() Use {
	use := Use{First: u.first.UTC().Truncate(time.Minute), Last: minuteTime(u.last.Load())}
	if from := u.from.Load(); from != nil {
		use.From = *from
	}
	return use
}

// collect moves what is fresh to what is waiting.
func (o *owned) collect(most int) {
	o.fresh.Range(func(key, v any) bool {
		cell := v.(*used)
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

// await has a use written with the next flush. When too many wait, it is forgotten, and
// that it was is remembered. The caller holds the lock.
func (o *owned) await(group, keyID string, use Use, most int) {
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

func (o *owned) awaits(group, keyID string) bool {
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

// forget has the uses of versions that k has, and next has not, dropped from memory and
// storage; next is nil when the key is destroyed.
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

// forget has a version's uses dropped with the next flush. Should too many of them wait,
// the walk finds it.
func (o *owned) forget(group, keyID string, most int) {
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

// dirty reports whether there is anything to be written.
func (o *owned) dirty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waits+o.goes > 0 || o.forgotten > 0
}
