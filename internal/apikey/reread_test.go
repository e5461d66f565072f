package apikey

import (
	"math/rand/v2"
	"testing"
	"time"
)

// reader reads a key when told to, as Vault's own programs do.
type reader struct {
	name  string
	slack time.Duration // how much later than told it reads
	again bool          // reads an unchanged secret again after the time it was told last, not the one told now
	at    time.Time
	held  string
	told  time.Duration
}

// read has the reader look at the key, and plan when to do so again.
func (r *reader) read(k *Key, reread time.Duration, now time.Time) {
	v := k.Current(now)
	if fresh := k.FreshFor(v, reread, now); !r.again || v.KeyID != r.held {
		r.told = fresh
	}
	r.held, r.at = v.KeyID, now.Add(r.told+r.slack)
}

// Whoever reads a key again when told so never holds an ended version, if the overlap is
// static_ttl and two minutes: rotated by schedule, up to 75 s late, and by hand at any time, with a window or without.
func TestWhoeverReadsAgainHoldsALiveVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, reread := range []time.Duration{5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour} {
		for _, lap := range []time.Duration{reread + rereadTakes, 2 * (reread + rereadTakes), 7 * day} {
			for _, setting := range []setting{rotating, func(*Settings) {}} {
				for _, window := range []Window{"", "Mon-Sun 10:00-10:20 UTC", "Mon,Thu-Sat 22:00-02:00 UTC"} {
					k := newKey(
						setting,
						overlap(lap),
						living(2*lap+time.Duration(rng.IntN(7200))*time.Second),
						windowed(window),
					)
					if n := watched(t, rng, k, reread); n == 0 {
						t.Errorf("%s, %s: nothing was rotated", reread, lap)
					}
				}
			}
		}
	}
}

// watched rotates a key for some lives while readers watch, and returns how often.
func watched(t *testing.T, rng *rand.Rand, k *Key, reread time.Duration) (rotations int) {
	t.Helper()
	readers := []*reader{
		{name: "an agent", slack: time.Second}, {name: "an operator", slack: 500 * time.Millisecond, again: true},
	}
	now := start
	for _, r := range readers {
		r.read(k, reread, now)
	}
	end := now.Add(4 * k.TTL)
	byHand := now.Add(time.Duration(rng.Int64N(int64(k.TTL / 2))))
	tick := now.Add(time.Minute)
	for now.Before(end) {
		now = earlier(earlier(tick, byHand), earlier(readers[0].at, readers[1].at))
		for _, r := range readers {
			if v := k.Version(r.held); v == nil || !now.Before(v.ExpiresAt) {
				t.Fatalf(
					"reading every %s, overlap %s: %s holds an ended version at %s",
					reread,
					k.Overlap,
					r.name,
					now.Sub(start),
				)
			}
			if r.at.Equal(now) {
				r.read(k, reread, now)
			}
		}
		due := k.RotationDue(now) && tick.Equal(now)
		if hand := byHand.Equal(now); due || hand {
			k = must(k.Rotate(Rotation{
				NewKeyID: id(k.Newest().Number + 1), Overlap: k.Overlap, OverlapGiven: hand && rng.IntN(2) == 0,
				LeastOverlap: reread + rereadTakes, Life: k.TTL,
			}, admin, now))
			rotations++
			byHand = now.Add(time.Duration(rng.Int64N(int64(k.TTL / 2))))
		}
		if tick.Equal(now) {
			tick = now.Add(time.Duration(60+rng.IntN(15)) * time.Second)
		}
	}
	return rotations
}
