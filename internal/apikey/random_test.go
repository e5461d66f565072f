package apikey

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRandomOperations does anything in any order and checks after each step what must
// hold of every key at any time.
func TestRandomOperations(t *testing.T) {
	seeds := []uint64{1, 2, 3, 4, 5, rand.Uint64()}
	for _, seed := range seeds {
		w := newWalk(seed)
		for n := range 400 {
			if w.step(t, n); t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// walk is one key on its way, with all that is remembered of its past.
type walk struct {
	rand *rand.Rand
	k    *Key
	now  time.Time
	born map[string]Version // every version ever, as first seen
	last int                // number of the newest version ever
}

func newWalk(seed uint64) *walk {
	w := &walk{rand: rand.New(rand.NewPCG(seed, 0)), now: start}
	w.begin()
	return w
}

// begin goes on with a fresh key, one in four of them leased.
func (w *walk) begin() {
	lives := []time.Duration{0, time.Hour, day, 90 * day}
	ttl, lap := lives[w.rand.IntN(len(lives))], 7*day
	if ttl > 0 {
		lap = ttl / time.Duration(2+w.rand.IntN(8))
	}
	s := settings(
		living(ttl),
		overlap(lap),
		revealing(RevealAlways),
		func(s *Settings) { s.AutoRotate = ttl > 0 && w.rand.IntN(2) == 0 },
	)
	w.k = New(Ref{"acme", External, "billing"}, "uid-of-acme", s, NewKeyID(), admin, w.now)
	if w.rand.IntN(4) == 0 {
		w.k = role().Issue(NewKeyID(), span(), app, w.now)
	}
	w.born, w.last = map[string]Version{w.k.Newest().KeyID: w.k.Versions[0]}, 1
}

// over reports whether nothing more can come of the key.
func (w *walk) over() bool {
	gone := w.k.GoneAt(retention)
	return !gone.IsZero() && !w.now.Before(gone) || w.k.State() == Revoked && w.rand.IntN(10) == 0
}

// step lets some time pass, does something, and judges what has become of the key.
func (w *walk) step(t *testing.T, n int) {
	pauses := []int64{1, int64(time.Second), int64(time.Hour), int64(3 * day)}
	w.now = w.now.Add(time.Duration(w.rand.Int64N(pauses[w.rand.IntN(len(pauses))])))
	if w.over() {
		w.begin()
	}
	old := w.k
	before := deep(old)
	name, lap, run := w.pick()
	c, err := run(old, w.now)
	if diff := cmp.Diff(before, old); diff != "" {
		t.Errorf("step %d: %s changed the key it was done to:\n%s", n, name, diff)
	}
	if err != nil {
		if name == scheduled {
			t.Errorf("step %d: %s is refused: %v", n, name, err)
		}
		return
	}
	w.k = c
	w.judge(t, n, name, old)
	if lap >= 0 {
		w.judgeRotation(t, n, old, lap)
	}
}

const scheduled = "the scheduled rotation"

// pick returns what to do next, and with which overlap where it is a rotation.
func (w *walk) pick() (name string, lap time.Duration, run func(*Key, time.Time) (*Key, error)) {
	if w.rand.IntN(3) == 0 && w.k.RotationDue(w.now) {
		return scheduled, w.k.Overlap, func(k *Key, now time.Time) (*Key, error) {
			return k.Rotate(Rotation{NewKeyID: NewKeyID(), Overlap: k.Overlap, Life: k.TTL}, Actor{}, now)
		}
	}
	for {
		o := operations[w.rand.IntN(len(operations))]
		switch {
		case w.k.Lease != nil && !leasedToo[o.name]:
		case o.name == "revoke" && w.rand.IntN(20) > 0: // final: it would end most walks early
		case o.name == "rotate":
			return o.name, w.k.Overlap, o.run
		case o.name == "rotate with overlap=0":
			return o.name, 0, o.run
		default:
			return o.name, -1, o.run
		}
	}
}

// leasedToo are the operations that leased keys know.
var leasedToo = map[string]bool{"disable": true, "enable": true, "revoke": true, "renew": true, "end": true}

// judge checks the invariants that hold whatever was done.
func (w *walk) judge(t *testing.T, n int, name string, old *Key) {
	wrong := func(what string) { t.Errorf("step %d: %s: %s", n, name, what) }
	current := 0
	for i := range w.k.Versions {
		v := &w.k.Versions[i]
		first, known := w.born[v.KeyID]
		switch {
		case i > 0 && v.Number <= w.k.Versions[i-1].Number:
			wrong("numbers do not increase")
		case !known && v.Number != w.last+1:
			wrong("a new version has not the next number")
		case known && v.Number != first.Number:
			wrong("a version's number changed, or its key ID came twice")
		case known && !v.Secret.Erased() && !v.Secret.Equal(first.Secret):
			wrong("a secret changed")
		}
		if !known {
			w.born[v.KeyID], w.last = *v, v.Number
		}
		if was := old.Version(v.KeyID); was != nil {
			if name != "renew" && later(v.ExpiresAt, was.ExpiresAt) {
				wrong("an expiry moved later")
			}
			if was.Secret.Erased() && !v.Secret.Erased() ||
				!was.RevokedAt.IsZero() && !v.RevokedAt.Equal(was.RevokedAt) {
				wrong("what was for good is undone")
			}
		}
		if w.k.VersionState(v, w.now) == Current {
			current++
		}
	}
	if c := w.k.Current(w.now); current > 1 || c != nil && c.Number != w.last {
		wrong("there are two current versions, or an old one is")
	}
	if w.k != old && w.k.Revision != old.Revision+1 || w.k == old && len(w.k.History) != len(old.History) {
		wrong("the revision does not count the changes")
	}
	if len(w.k.History) > MaxHistory {
		wrong("too long a history")
	}
	w.judgeSchedule(wrong)
}

// later reports whether expiry a is later than b; zero is never.
func later(a, b time.Time) bool { return !b.IsZero() && (a.IsZero() || a.After(b)) }

func (w *walk) judgeSchedule(wrong func(string)) {
	v := w.k.Newest()
	if next := w.k.NextRotation(); !next.IsZero() {
		least := v.ExpiresAt.Add(-w.k.Overlap - w.k.Overlap/10 - time.Second)
		atOnce := next.Equal(v.ExpiresAt) && next.Equal(v.Marks.Get().ShortenedAt) // it was ended there and then
		if next.Before(least) || !next.Before(v.ExpiresAt) && !atOnce {
			wrong("the next rotation is off")
		}
	}
	due := w.k.DueAt(keep)
	if next := w.k.NextRotation(); !next.IsZero() && (due.IsZero() || due.After(next)) {
		wrong("the rotation is not looked after")
	}
	if gone := w.k.GoneAt(retention); !gone.IsZero() && (due.IsZero() || due.After(gone)) {
		wrong("the end of a deleted key is not looked after")
	}
	if w.k.Erase(retention, w.now) != w.k && (due.IsZero() || due.After(w.now)) {
		wrong("an erasure is not looked after")
	}
}

// judgeRotation checks that a rotation has ended older versions exactly when it should,
// and has kept every live one and the newest twenty of the others.
func (w *walk) judgeRotation(t *testing.T, n int, old *Key, lap time.Duration) {
	end := second(w.now).Add(lap)
	for i := range old.Versions {
		was := &old.Versions[i]
		v := w.k.Version(was.KeyID)
		if v == nil {
			if was.RevokedAt.IsZero() && !was.expired(w.now) && lap > 0 {
				t.Errorf("step %d: a rotation dropped a live version", n)
			}
			continue
		}
		want := was.ExpiresAt
		if want.IsZero() || want.After(end) {
			want = end
		}
		if !v.ExpiresAt.Equal(want) {
			t.Errorf("step %d: version %d ends %s, want %s", n, v.Number, v.ExpiresAt, want)
		}
		if v.RevokedAt.IsZero() && v.DisabledAt.IsZero() && w.k.State() == Active && w.now.Before(want) {
			c := goodCase(w.k, v.Number)
			c.Call.Time = want.Add(-1)
			if got, _ := c.Judge(want.Add(-1)); got != Valid {
				t.Errorf("step %d: at the end of the overlap version %d is %s", n, v.Number, got)
			}
		}
	}
	ended := 0
	for i := range w.k.Versions {
		if v := &w.k.Versions[i]; !v.RevokedAt.IsZero() || v.expired(w.now) {
			ended++
		}
	}
	if ended > KeptEnded {
		t.Errorf("step %d: %d ended versions are kept", n, ended)
	}
}
