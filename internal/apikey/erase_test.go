package apikey

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDueAt(t *testing.T) {
	byHand, forever := newKey(), newKey(living(0))
	none := time.Time{}
	for _, row := range []struct {
		name string
		k    *Key
		want time.Time
	}{
		{"the schedule's rotation", newKey(rotating), newKey(rotating).NextRotation()},
		{"the erasure of what expires", byHand, at(90*day + retention)},
		{"no expiry: never", forever, none},
		{"an overlapping version's end comes first", rotated(byHand, 1, at(day)), at(8*day + retention)},
		{"a revoked version", must(forever.Revoke(id(1), "", admin, at(day))), at(day + retention)},
		{"a revoked key", must(forever.Revoke("", "", admin, at(day))), at(day + retention)},
		{
			"revoked after its end: the end counts", must(byHand.Revoke(id(1), "", admin, at(100*day))),
			at(90*day + retention),
		},
		{
			"a version revoked after its key",
			must(must(forever.Revoke("", "", admin, at(day))).Revoke(id(1), "", admin, at(2*day))), at(day + retention),
		},
		{"a deleted key", must(forever.Delete(admin, at(day))), at(day + retention)},
		{
			"a deleted key whose version ends before", must(newKey(living(2*day), overlap(0)).Delete(admin, at(3*day))),
			at(2*day + retention),
		},
		{"a disabled key's secrets end too", must(byHand.Disable("", "", admin, start)), at(90*day + retention)},
		{"erased", must(forever.Revoke("", "", admin, start)).Erase(retention, at(retention)), none},
		{"a living leased key: its lease sees to it", leased(), none},
		{"an ended leased key", leased().End(at(time.Minute)), at(time.Minute + leaseTail)},
	} {
		if got := row.k.DueAt(keep); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestEraseIsExactToTheSecond(t *testing.T) {
	k := must(newKey(living(0)).Revoke(id(1), "", admin, at(day)))
	if early := k.Erase(retention, at(day+retention-1)); early != k {
		t.Error("erased a nanosecond early")
	}
	c := k.Erase(retention, at(day+retention))
	if c == k || !c.Versions[0].Secret.Erased() || c.Revision != k.Revision+1 {
		t.Fatalf("erased %t, revision %d", c.Versions[0].Secret.Erased(), c.Revision)
	}
	if got := c.VersionState(c.Newest(), at(8*day)); got != Destroyed {
		t.Errorf("state %s", got)
	}
	if again := c.Erase(retention, at(100*day)); again != c {
		t.Error("erased twice")
	}
	if got, _ := goodCase(k, 1).Judge(at(8 * day)); got != VerdictRevoked {
		t.Errorf("before: %s", got)
	}
	gone := goodCase(k, 1)
	gone.Key = c
	if got, v := gone.Judge(at(8 * day)); got != UnknownKey || v != nil {
		t.Errorf("a destroyed version is %s", got)
	}
	gone.Call.Tag = goodCase(deepWith(k, func(k *Key) { k.Versions[0].Secret = unknownKey.Bytes }), 1).Call.Tag
	if got, _ := gone.Judge(at(8 * day)); got != UnknownKey {
		t.Errorf("a destroyed version under the secret of unknown keys: %s", got)
	}
}

func TestEraseTakesTheEndedAlone(t *testing.T) {
	k := rotated(newKey(), 2, at(day)) // the first two end after 8 days
	k = rotated(k, 1, at(20*day))      // the third after 27
	c := k.Erase(retention, at(16*day))
	for i, want := range []bool{true, true, false, false} {
		if c.Versions[i].Secret.Erased() != want {
			t.Errorf("version %d erased: %t", i+1, !want)
		}
	}
	c.Versions[0].Secret, c.Versions[1].Secret = k.Versions[0].Secret, k.Versions[1].Secret
	if diff := cmp.Diff(k.Versions, c.Versions); diff != "" {
		t.Errorf("more than the secrets went (-before +after):\n%s", diff)
	}
}

func TestLeasedKeysAreErasedWhole(t *testing.T) {
	k := leased().End(at(time.Minute))
	if k.Erase(0, at(day)) != k || k.GoneAt(retention) != at(time.Minute+leaseTail) {
		t.Errorf("gone %s", k.GoneAt(retention))
	}
	if live := leased(); !live.GoneAt(retention).IsZero() {
		t.Errorf("a living one is gone %s", live.GoneAt(retention))
	}
}
