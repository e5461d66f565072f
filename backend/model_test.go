package backend_test

import (
	"fmt"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
)

// model says what should be, in the simplest way: what has happened to each tenant, key
// and version, and what follows from that. It knows nothing of storage, indexes, caches.
type model struct {
	w       *world
	reader  *store.Store // past all that the engine has in memory
	tenants []*modelTenant
	former  []*modelTenant // erased
}

type modelTenant struct {
	name      string
	opened    bool
	suspended bool
	deleted   time.Time
	keys      map[string]*modelKey
	former    []*modelKey // destroyed
	leased    []*modelLeased
	gone      bool
}

type modelKey struct {
	name             string
	ttl, overlap     time.Duration
	auto             bool
	idle             time.Duration
	since            time.Time // made, switched on, used last, or its tenant was active again
	used             time.Time // not flushed yet
	disabled         bool
	revoked, deleted time.Time
	versions         []*modelVersion
	gone             bool
}

type modelVersion struct {
	holder                     holder
	expires, revoked           time.Time
	disabled, extended, erased bool
}

type modelLeased struct {
	holder         holder
	lease          *lease
	expires, ended time.Time
	gone           bool
	lost           bool // may have been found by the walk
}

func (t *modelTenant) open() bool   { return t.opened && t.deleted.IsZero() }
func (t *modelTenant) active() bool { return t.open() && !t.suspended }

func (k *modelKey) newest() *modelVersion { return k.versions[len(k.versions)-1] }
func (k *modelKey) writable() bool        { return k.deleted.IsZero() && k.revoked.IsZero() }
func (k *modelKey) active() bool          { return k.writable() && !k.disabled }

func over(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// verdict is what a call of a version has to find now.
func (t *modelTenant) verdict(k *modelKey, v *modelVersion, now time.Time) string {
	switch {
	case !t.open() || t.gone || k.gone || v.erased:
		return "unknown_key"
	case t.suspended:
		return "tenant_suspended"
	case !k.revoked.IsZero() || !v.revoked.IsZero():
		return "revoked"
	case k.disabled || v.disabled || !k.deleted.IsZero():
		return "disabled"
	case over(v.expires, now):
		return "expired"
	default:
		return "valid"
	}
}

func (t *modelTenant) verdictOfLeased(l *modelLeased, now time.Time) string {
	switch {
	case !t.open() || t.gone || l.gone:
		return "unknown_key"
	case t.suspended:
		return "tenant_suspended"
	case !l.ended.IsZero() && l.ended.Before(l.expires):
		return "revoked"
	case over(l.expires, now):
		return "expired"
	default:
		return "valid"
	}
}

// ended is when a version stopped for good, or will by its clock.
func (k *modelKey) ended(v *modelVersion) time.Time {
	end := v.expires
	for _, at := range []time.Time{k.revoked, v.revoked} {
		if !at.IsZero() && at.Before(end) {
			end = at
		}
	}
	return end
}

// swept tells the model that the sweep has run from first to last. What was due at first
// must have been done, once; what became due until last may have been.
func (m *model) swept(first, last time.Time) {
	for i, t := range m.tenants {
		switch {
		case !t.opened:
		case over(t.deleted, first.Add(-retained)):
			m.former = append(m.former, t)
			t.gone = true
			for _, k := range t.keys {
				m.expect(m.record(t, k) == nil, "%s/%s survives its tenant", t.name, k.name)
			}
			m.tenants[i] = &modelTenant{name: t.name, keys: map[string]*modelKey{}}
		default:
			for name, k := range t.keys {
				if m.sweptKey(t, k, first, last); k.gone {
					delete(t.keys, name)
					t.former = append(t.former, k)
				}
			}
			for _, l := range t.leased {
				l.gone = l.gone || !l.ended.IsZero() && over(l.ended.Add(50*time.Minute), first)
				l.lost = l.lost || over(l.expires.Add(time.Hour), last) ||
					over(l.ended.Add(50*time.Minute), last) && !l.ended.IsZero()
			}
		}
	}
}

func (m *model) sweptKey(t *modelTenant, k *modelKey, first, last time.Time) {
	r := m.record(t, k)
	if over(k.deleted, first.Add(-retained)) || r == nil && over(k.deleted, last.Add(-retained)) {
		m.expect(r == nil, "%s/%s is not destroyed", t.name, k.name)
		k.gone = true
		return
	}
	m.expect(r != nil, "%s/%s is gone", t.name, k.name)
	if k.used.After(k.since) {
		k.since = k.used
	}
	k.used = time.Time{}
	was := k.active() // which counts when uses could not be read: then it is rotated, and disabled a minute later
	m.sweptIdle(t, k, r, first, last)
	m.sweptRotation(t, k, r, was, first, last)
	for i, v := range k.versions {
		erased, end := r.Versions[i].Secret.Erased(), k.ended(v).Add(retained)
		m.expect(erased || !over(end, first), "%s/%s: the secret of version %d is not erased", t.name, k.name, i+1)
		m.expect(
			v.erased || !erased || over(end, last),
			"%s/%s: the secret of version %d is erased too early",
			t.name,
			k.name,
			i+1,
		)
		v.erased = erased
	}
}

func (m *model) sweptIdle(t *modelTenant, k *modelKey, r *apikey.Key, first, last time.Time) {
	idle := k.idle > 0 && k.active() && t.active()
	must, may := idle && over(k.since.Add(k.idle), first), idle && over(k.since.Add(k.idle), last)
	disabled := !r.DisabledAt.IsZero()
	m.expect(disabled || !must, "%s/%s is unused since %s and not disabled", t.name, k.name, k.since)
	m.expect(disabled == k.disabled || may, "%s/%s: disabled %t", t.name, k.name, disabled)
	k.disabled = disabled
}

func (m *model) sweptRotation(t *modelTenant, k *modelKey, r *apikey.Key, was bool, first, last time.Time) {
	v := k.newest()
	rotates := k.auto && t.active() && was && v.revoked.IsZero()
	due := v.expires.Add(-k.overlap)
	must, may := rotates && k.active() && over(due, first), rotates && over(due.Add(-k.overlap/10-time.Second), last)
	made := len(r.Versions) - len(k.versions)
	m.expect(made == 1 || !must, "%s/%s: rotation missed, due %s, now %s", t.name, k.name, due, first)
	m.expect(made == 0 || made == 1 && may, "%s/%s: rotated %d times, due %s, now %s", t.name, k.name, made, due, last)
	if made == 1 {
		issued := r.Newest().IssuedAt
		m.expect(
			!issued.Before(first.Truncate(time.Second)) && !issued.After(last),
			"%s/%s: rotated at %s",
			t.name,
			k.name,
			issued,
		)
		m.rotated(k, r, k.overlap)
	}
}

// rotated takes over the new version of a record, and ends the older ones.
func (m *model) rotated(k *modelKey, r *apikey.Key, overlap time.Duration) {
	fresh := r.Newest()
	for i, v := range k.versions {
		if end := fresh.IssuedAt.Add(overlap); end.Before(v.expires) {
			v.expires = end
		}
		m.expect(
			v.expires.Equal(r.Versions[i].ExpiresAt),
			"%s: version %d ends %s, not %s",
			k.name,
			i+1,
			r.Versions[i].ExpiresAt,
			v.expires,
		)
	}
	m.expect(
		fresh.Number == len(k.versions)+1 && fresh.ExpiresAt.Equal(fresh.IssuedAt.Add(k.ttl)),
		"%s: version %d of %s to %s",
		k.name,
		fresh.Number,
		fresh.IssuedAt,
		fresh.ExpiresAt,
	)
	k.versions = append(k.versions, &modelVersion{
		holder:  holder{W: m.w, KeyID: fresh.KeyID, Secret: fresh.Secret.Reveal(), Scheme: r.Scheme},
		expires: fresh.ExpiresAt,
	})
}

// wrong is how the model says that something is not as it should be.
type wrong string

func (m *model) expect(ok bool, format string, args ...any) {
	if !ok {
		panic(wrong(fmt.Sprintf(format, args...)))
	}
}
