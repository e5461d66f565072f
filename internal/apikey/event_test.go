package apikey

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEvents(t *testing.T) {
	revealed := func(k *Key) *Key {
		return deepWith(k, func(k *Key) { k.Newest().RevealedAt = start })
	}
	auto := revealed(newKey(rotating))
	next := auto.NextRotation()
	failed := auto.RotationFailed(errors.New("storage is away"), next)
	for _, row := range []struct {
		name string
		k    *Key
		now  time.Time
		want []Event
	}{
		{"nothing soon", revealed(newKey()), start, nil},
		{"ends soon", revealed(newKey()), at(80 * day), []Event{{id(1), EventExpires, at(90 * day)}}},
		{"has ended", revealed(newKey()), at(90 * day), nil},
		{"rotates soon", auto, at(75 * day), []Event{{id(1), EventRotates, next}}},
		{
			"rotates and ends", auto, at(80 * day),
			[]Event{{id(1), EventExpires, at(90 * day)}, {id(1), EventRotates, next}},
		},
		{"is late", auto, at(91 * day), []Event{{id(1), EventRotates, next}, {id(1), EventLate, next}}},
		{
			"was late", deepWith(auto, func(k *Key) { k.RotatedLate, k.LastRotation = true, at(day) }), at(2 * day),
			[]Event{{id(1), EventLate, at(day)}},
		},
		{
			"could not", failed, next,
			[]Event{
				{id(1), EventExpires, at(90 * day)}, {id(1), EventFailed, next.Add(time.Minute).Truncate(time.Second)},
			},
		},
		{"reached nobody", newKey(), at(day), []Event{{id(1), EventUnrevealed, start}}},
		{"never reaches anybody", newKey(revealing(RevealNever)), at(day), nil},
		{
			"rotated, and reached nobody", rotated(newKey(), 1, at(day)), at(2 * day),
			[]Event{{id(1), EventExpires, at(8 * day)}, {id(2), EventUnrevealed, at(8 * day)}},
		},
		{
			"rotated, and the old one revoked", must(rotated(newKey(), 1, at(day)).Revoke(id(1), "", admin, at(day))),
			at(2 * day),
			[]Event{{id(2), EventUnrevealed, at(day)}},
		},
		{
			"disabled", must(newKey(rotating).Disable("", "", admin, start)), at(80 * day),
			[]Event{{id(1), EventExpires, at(90 * day)}},
		},
		{"revoked", must(newKey().Revoke("", "", admin, start)), at(80 * day), nil},
		{"deleted", must(newKey().Delete(admin, at(day))), at(day), []Event{{"", EventDestroyed, at(day + retention)}}},
		{"no expiry", revealed(newKey(living(0))), start, nil},
	} {
		got := row.k.Events(retention, row.now, row.now.Add(14*day))
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

// Whoever still uses a version that ends soon has to be found before it does.
func TestOldVersionsInUse(t *testing.T) {
	once := rotated(newKey(), 1, at(day)) // the first version ends on day 8
	for _, row := range []struct {
		name  string
		k     *Key
		now   time.Time
		until time.Time
		used  time.Time
		want  []Event
	}{
		{
			"used today", once, at(3 * day), at(8 * day), at(2*day + time.Minute),
			[]Event{{id(1), EventOldInUse, at(8 * day)}},
		},
		{"used a day ago", once, at(3 * day), at(8 * day), at(2 * day), nil},
		{"never used", once, at(3 * day), at(8 * day), time.Time{}, nil},
		{"ends later", once, at(3 * day), at(8*day - time.Second), at(3 * day), nil},
		{"has ended", once, at(8 * day), at(22 * day), at(8*day - time.Second), nil},
		{"no older one", newKey(), at(80 * day), at(94 * day), at(80 * day), nil},
		{"revoked", must(once.Revoke(id(1), "", admin, at(2*day))), at(3 * day), at(8 * day), at(3 * day), nil},
		{"disabled", must(once.Disable(id(1), "", admin, at(2*day))), at(3 * day), at(8 * day), at(3 * day), nil},
		{"deleted", must(once.Delete(admin, at(2*day))), at(3 * day), at(8 * day), at(3 * day), nil},
	} {
		var got []Event
		for _, v := range row.k.OldVersions(row.now, row.until) {
			if e, inUse := v.InUse(row.used, row.now); inUse {
				got = append(got, e)
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}
