package apikey

import (
	"math/rand/v2"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Keys that rotate by schedule for 45 days, looked after once a minute: whatever the window, a key has a live
// version at any time, each version lives for half of its ttl at least, and each rotation leaves the whole overlap.
func TestWindowsLeaveLifeAndOverlap(t *testing.T) {
	for _, row := range []struct {
		name      string
		ttl, lap  time.Duration
		window    Window
		aDay, all int // rotations of one key at most
	}{
		{"without a window", 3 * day, day, "", 1, 25},
		{"office hours", 3 * day, day, "Mon-Thu 09:00-16:00 UTC", 1, 32},
		{"an overlap of half of the life", 2 * day, day, "Mon-Thu 09:00-16:00 UTC", 2, 50},
		{"a life of a day", day, 2 * time.Hour, "Mon-Thu 09:00-16:00 UTC", 2, 52},
		{"an hour a week", 5 * day, day, "Sun 02:00-03:00 UTC", 1, 14},
		{"the default overlap, an hour a week", 28 * day, 7 * day, "Wed 10:00-12:00 UTC", 1, 4},
		{"lives that a week fits into", 20 * day, 5 * day, "Wed 10:00-12:00 UTC", 1, 5},
		{"nights", 3 * day, day, "Fri 22:00-02:00 America/Havana", 1, 27},
		{
			"the shortest life", 20 * time.Minute, tenant.DefaultConfig().MinOverlap, "Mon-Sun 09:00-09:01 UTC", 200,
			9000,
		},
		{"min_overlap", 2 * time.Hour, tenant.DefaultConfig().MinOverlap, "Mon-Sun 09:00-16:00 UTC", 14, 640},
	} {
		t.Run(row.name, func(t *testing.T) {
			keys := 400
			if row.all > 100 {
				keys = 3 // they are rotated thousands of times
			}
			rng := rand.New(rand.NewPCG(7, 8))
			for range keys {
				s := settings(rotating, living(row.ttl), overlap(row.lap), windowed(row.window))
				made := start.Add(time.Duration(rng.Int64N(int64(7 * day))))
				k := New(Ref{"acme", External, "billing"}, "uid-of-acme", s, NewKeyID(), admin, made)
				days, all := runs(t, rng, k, 45*day)
				for _, n := range days {
					if n > row.aDay {
						t.Errorf("%d rotations on one day", n)
					}
				}
				if all == 0 || all > row.all {
					t.Errorf("%d rotations", all)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// runs looks after a key for some time, and returns how often it was rotated: on each day, and in all.
func runs(t *testing.T, rng *rand.Rand, k *Key, long time.Duration) (days map[time.Time]int, all int) {
	t.Helper()
	days = map[time.Time]int{}
	const tick = 75 * time.Second
	for {
		now := second(k.NextRotation().Add(time.Duration(rng.Int64N(int64(tick)))))
		if now.After(k.CreatedAt.Add(long)) {
			return days, all
		}
		old := *k.Newest()
		if life := old.ExpiresAt.Sub(old.IssuedAt); life < k.TTL/2 || life > k.TTL {
			t.Fatalf("version %d lives for %s of %s", old.Number, life, k.TTL)
		}
		c, did, err := k.Maintain(
			MaintainInput{Config: tenant.DefaultConfig(), Tenant: acme(), NewKeyID: NewKeyID()},
			now,
		)
		if err != nil || !did.Rotated {
			t.Fatalf("at %s nothing is rotated: %v", now, err)
		}
		if left := c.Version(old.KeyID).ExpiresAt.Sub(now); left < k.Overlap-tick {
			t.Fatalf("version %d is left %s beside its successor, and the overlap is %s", old.Number, left, k.Overlap)
		}
		k = c
		days[now.Truncate(day)]++
		all++
	}
}
