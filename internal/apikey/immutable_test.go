package apikey

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// operations are all that can happen to a key, at any time.
var operations = []struct {
	name string
	run  func(k *Key, now time.Time) (*Key, error)
}{
	{"rotate", func(k *Key, now time.Time) (*Key, error) {
		return k.Rotate(Rotation{NewKeyID: NewKeyID(), Overlap: k.Overlap, Life: k.TTL}, app, now)
	}},
	{"rotate with overlap=0", func(k *Key, now time.Time) (*Key, error) {
		return k.Rotate(Rotation{NewKeyID: NewKeyID(), Life: k.TTL}, app, now)
	}},
	{"change", func(k *Key, now time.Time) (*Key, error) {
		s := k.Settings
		s.Description += "x"
		return k.Change(s, app, now)
	}},
	{"disable", func(k *Key, now time.Time) (*Key, error) { return k.Disable("", "why", app, now) }},
	{
		"disable version",
		func(k *Key, now time.Time) (*Key, error) { return k.Disable(numbered(k, 1), "why", app, now) },
	},
	{"enable", func(k *Key, now time.Time) (*Key, error) { return k.Enable("", app, now) }},
	{"enable version", func(k *Key, now time.Time) (*Key, error) { return k.Enable(numbered(k, 1), app, now) }},
	{"revoke", func(k *Key, now time.Time) (*Key, error) { return k.Revoke("", "why", app, now) }},
	{"revoke version", func(k *Key, now time.Time) (*Key, error) { return k.Revoke(numbered(k, 1), "why", app, now) }},
	{
		"revoke current",
		func(k *Key, now time.Time) (*Key, error) { return k.Revoke(k.Newest().KeyID, "why", app, now) },
	},
	{"expire", func(k *Key, now time.Time) (*Key, error) {
		c, err := k.Expire(numbered(k, 1), Ending{At: second(now), Field: "in"}, app, now)
		if err != nil { // its end cannot be moved
			return k, nil
		}
		return c, nil
	}},
	{"delete", func(k *Key, now time.Time) (*Key, error) { return k.Delete(app, now) }},
	{"restore", func(k *Key, now time.Time) (*Key, error) { return k.Restore(retention, app, now) }},
	{"erase", func(k *Key, now time.Time) (*Key, error) { return k.Erase(retention, now), nil }},
	{"reveal", func(k *Key, now time.Time) (*Key, error) {
		c, _, err := k.Revealed(acme(), "", false, nobodyUsed, app, now)
		return c, err
	}},
	{"fetch", func(k *Key, now time.Time) (*Key, error) {
		c, _, err := k.Fetched(acme(), app, now)
		return c, err
	}},
	{"renew", func(k *Key, now time.Time) (*Key, error) {
		if k.Lease == nil {
			return k, nil
		}
		c, _, err := k.Renew(role(), acme(), span(), 0, now)
		return c, err
	}},
	{"end", func(k *Key, now time.Time) (*Key, error) {
		if k.Lease == nil {
			return k, nil
		}
		return k.End(now), nil
	}},
}

// Whatever is done to a key, whoever holds it sees no change; and what two operations
// make of one key does not run together.
func TestKeysNeverChange(t *testing.T) {
	full := newKey(revealing(RevealAlways))
	for n := range 40 { // a full history and all versions that are kept
		full = rotated(full, 1, at(time.Duration(n)*time.Hour))
	}
	for name, k := range map[string]*Key{
		"fresh":    newKey(),
		"rotated":  rotated(newKey(revealing(RevealAlways)), 3, start),
		"full":     full,
		"disabled": must(must(rotated(newKey(), 1, start).Disable("", "", admin, start)).Disable(id(1), "", admin, start)),
		"deleted":  must(newKey().Delete(admin, start)),
		"ended":    must(rotated(newKey(living(day), overlap(0)), 1, start).Revoke("", "", admin, start)),
		"leased":   leased(),
	} {
		for _, first := range operations {
			t.Run(name+"/"+first.name, func(t *testing.T) {
				before := deep(k)
				a, err := first.run(k, at(30*time.Minute))
				if err != nil {
					a = k
				}
				kept := deep(a)
				for _, second := range operations {
					_, _ = second.run(k, at(40*time.Minute))
					_, _ = second.run(a, at(30*day))
					_, _ = second.run(a, at(31*day))
				}
				if diff := cmp.Diff(before, k); diff != "" {
					t.Errorf("the first key changed (-before +after):\n%s", diff)
				}
				if diff := cmp.Diff(kept, a); diff != "" {
					t.Errorf("the second key changed (-before +after):\n%s", diff)
				}
			})
		}
	}
}

// A refusal returns no key, and whoever gets one has no half of a change.
func TestRefusalsReturnNoKey(t *testing.T) {
	for _, k := range []*Key{
		must(newKey().Delete(admin, start)), must(newKey().Revoke("", "", admin, start)), newKey(protected), leased(),
	} {
		for _, o := range operations {
			if c, err := o.run(k, at(200*day)); err != nil && c != nil {
				t.Errorf("%s of a %s key: a key and %v", o.name, k.State(), err)
			}
		}
	}
}

// Whatever clock the caller has, a key's times are whole seconds in UTC: that is what is
// stored, and what expiry is exact to.
func TestTimesAreWholeSecondsInUTC(t *testing.T) {
	local := at(30*time.Minute + 700*time.Millisecond).In(time.FixedZone("CET", 3600))
	for name, k := range map[string]*Key{
		"named":    rotated(newKey(revealing(RevealAlways)), 1, start),
		"disabled": must(must(rotated(newKey(), 1, start).Disable("", "", admin, start)).Disable(id(1), "", admin, start)),
		"deleted":  must(newKey().Delete(admin, start)),
		"leased":   leased(),
	} {
		for _, o := range operations {
			c, err := o.run(k, local)
			if err != nil {
				continue
			}
			for _, at := range times(c) {
				if at != at.UTC().Truncate(time.Second) {
					t.Errorf("%s of a %s key: %s", o.name, name, at)
				}
			}
		}
	}
}

// times are all that k holds.
func times(k *Key) []time.Time {
	all := []time.Time{k.CreatedAt, k.DisabledAt, k.RevokedAt, k.DeletedAt, k.LastRotation, k.NextRotation()}
	for _, v := range k.Versions {
		all = append(all, v.IssuedAt, v.ExpiresAt, v.RevealedAt, v.DisabledAt, v.RevokedAt)
	}
	for _, c := range k.History {
		all = append(all, c.Time)
	}
	if k.Lease != nil {
		all = append(all, k.Lease.EndedAt)
	}
	return all
}
