package apikey

import (
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

func TestNextRotationSpreadsOverATenthOfTheOverlap(t *testing.T) {
	const keys = 1000
	last, first := at(83*day), at(83*day-7*day/10)
	quarters := make(map[time.Duration]int)
	for n := range keys {
		k := New(Ref{"acme", External, "billing"}, "uid", settings(rotating), NewKeyID(), admin, start)
		next := k.NextRotation()
		if next.After(last) || next.Before(first) {
			t.Fatalf("key %d of %s: %s, want from %s to %s", n, k.Newest().KeyID, next, first, last)
		}
		if next != k.NextRotation() || next.Truncate(time.Second) != next {
			t.Fatalf("%s is not a whole second, or not the same again", next)
		}
		quarters[last.Sub(next)/(7*day/40)]++
	}
	for q := range time.Duration(4) {
		if quarters[q] < keys/8 {
			t.Errorf("%d of %d keys made together rotate in quarter %d of the spread", quarters[q], keys, q)
		}
	}
}

func TestNextRotation(t *testing.T) {
	k := newKey(rotating)
	none := time.Time{}
	for _, row := range []struct {
		name string
		k    *Key
		want time.Time // of the end of the spread
	}{
		{"by schedule", k, at(83 * day)},
		{"by hand", newKey(), none},
		{"no expiry", deepWith(k, func(k *Key) { k.TTL, k.Versions[0].ExpiresAt = 0, none }), none},
		{"disabled", must(k.Disable("", "", admin, start)), none},
		{"revoked", must(k.Revoke("", "", admin, start)), none},
		{"deleted", must(k.Delete(admin, start)), none},
		{"its current version revoked", must(k.Revoke(id(1), "", admin, start)), none},
		{"its current version disabled", must(k.Disable(id(1), "", admin, start)), at(83 * day)},
		{"leased", deepWith(leased(), func(k *Key) { k.AutoRotate = true }), none},
		{"enabled again", must(must(k.Disable("", "", admin, start)).Enable("", admin, at(day))), at(83 * day)},
		{"rotated by hand", rotated(k, 1, at(day)), at(84 * day)},
		{
			"a life that a cap has cut below twice the overlap",
			deepWith(k, func(k *Key) { k.Versions[0].ExpiresAt = at(10 * day) }), at(5 * day),
		},
		{"a changed ttl counts later", must(k.Change(settings(rotating, living(40*day)), admin, start)), at(83 * day)},
		{
			"a changed overlap counts now", must(k.Change(settings(rotating, overlap(10*day)), admin, start)),
			at(80 * day),
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			next := row.k.NextRotation()
			if row.want.IsZero() {
				if !next.IsZero() || row.k.RotationDue(at(1000*day)) {
					t.Errorf("rotates %s", next)
				}
				return
			}
			if next.After(row.want) || next.Before(row.want.Add(-row.k.Overlap/10)) {
				t.Errorf("rotates %s, want at most a tenth of the overlap before %s", next, row.want)
			}
			for now, due := range map[time.Time]bool{next.Add(-1): false, next: true, at(1000 * day): true} {
				if row.k.RotationDue(now) != due {
					t.Errorf("due at %s: %t", now, !due)
				}
			}
		})
	}
}

// However late a rotation, it happens once: the new version starts a new period.
func TestMissedRotationHappensOnce(t *testing.T) {
	late := at(400 * day)
	k := newKey(rotating)
	if !k.RotationDue(late) {
		t.Fatal("a missed rotation is forgotten")
	}
	if again := rotated(k, 1, late); again.RotationDue(late) || again.NextRotation().Before(late.Add(82*day)) {
		t.Errorf("and again %s", again.NextRotation())
	}
}

func TestNoSecretOutlivesItsTTLAndTheScheduleLeavesNoGap(t *testing.T) {
	k := newKey(rotating)
	for range 20 {
		v := *k.Newest()
		now := k.NextRotation()
		k = rotated(k, 1, now)
		old := k.Version(v.KeyID)
		if old.ExpiresAt.After(v.IssuedAt.Add(90*day)) || old.ExpiresAt.Sub(now) != k.Overlap {
			t.Fatalf(
				"version %d lived %s, %s of it beside its successor",
				v.Number,
				old.ExpiresAt.Sub(old.IssuedAt),
				old.ExpiresAt.Sub(now),
			)
		}
	}
}

func TestPeriod(t *testing.T) {
	for name, row := range map[string]struct {
		k    *Key
		want time.Duration
	}{
		"by schedule":                         {newKey(rotating), 83 * day},
		"by hand":                             {newKey(), 5 * time.Minute},
		"no expiry":                           {newKey(rotating, living(0)), 5 * time.Minute},
		"by schedule, in a life that was cut": {cutTo(10 * time.Minute), 5 * time.Minute},
	} {
		if got := row.k.Period(5 * time.Minute); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

// cutTo returns a key whose schedule asks for more overlap than half of the life that a cap leaves.
func cutTo(life time.Duration) *Key {
	return deepWith(newKey(rotating), func(k *Key) { k.Versions[0].ExpiresAt = start.Add(life) })
}

// The overlap that is shown and warned of is the one that the schedule leaves.
func TestHeldOverlap(t *testing.T) {
	for name, row := range map[string]struct {
		k    *Key
		want time.Duration
	}{
		"as asked for":                {newKey(rotating), 7 * day},
		"half of a life that was cut": {cutTo(10 * time.Minute), 5 * time.Minute},
		"by hand":                     {deepWith(cutTo(10*time.Minute), func(k *Key) { k.AutoRotate = false }), 7 * day},
		"no expiry":                   {newKey(living(0)), 7 * day},
	} {
		if got := row.k.HeldOverlap(); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
		next, end := row.k.NextRotation(), row.k.Newest().ExpiresAt
		if left := end.Sub(next); !next.IsZero() && (left < row.want || left > row.want+row.want/10+time.Second) {
			t.Errorf("%s: the schedule leaves %s", name, left)
		}
	}
}

func TestFreshFor(t *testing.T) {
	const reread = 5 * time.Minute
	k, brief := newKey(rotating), cutTo(2*time.Minute)
	next := k.NextRotation()
	for _, row := range []struct {
		name string
		k    *Key
		now  time.Time
		want time.Duration
	}{
		{"long before the rotation", k, next.Add(-time.Hour), reread},
		{"until the rotation was made", k, next.Add(-time.Minute), 135 * time.Second},
		{"in whole seconds", k, next.Add(-time.Minute - time.Millisecond), 135 * time.Second},
		{"just before it", k, next.Add(-time.Millisecond), 75 * time.Second},
		{"a rotation is due", k, next, time.Minute},
		{"a rotation is overdue", k, next.Add(time.Hour), time.Minute},
		{"and the end is near", k, at(90*day - 20*time.Second), 20 * time.Second},
		{"and nearer still", k, at(90*day - time.Second), tenant.LeastReread},
		{"and has passed", k, at(91 * day), tenant.LeastReread},
		{"the end is before the rotation was made", brief, at(30 * time.Second), 90 * time.Second},
		{"none is to come", newKey(), at(80 * day), reread},
		{"none is to come: until the expiry", newKey(), at(90*day - time.Minute), time.Minute},
		{"at the end", newKey(), at(90*day - time.Second), tenant.LeastReread},
		{"never", newKey(living(0)), start, reread},
	} {
		if got := row.k.FreshFor(row.k.Newest(), reread, row.now); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	if got := k.FreshFor(k.Newest(), tenant.LeastReread, next.Add(time.Hour)); got != tenant.LeastReread {
		t.Errorf("overdue, where secrets are read often: %s", got)
	}
}

// deepWith returns a changed copy of k.
func deepWith(k *Key, change func(*Key)) *Key {
	c := deep(k)
	change(c)
	return c
}
