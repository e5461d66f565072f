package client

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const staticPath = "apikeys/my/external/static-creds/orders"

func newTestStatic(t *testing.T, f *fakeVault, opts ...StaticOption) *Static {
	t.Helper()
	s, err := NewStatic(t.Context(), f.Client(t), staticPath, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStaticFollowsRotations(t *testing.T) {
	for name, row := range map[string]struct {
		period, overlap, within time.Duration
		wrapped                 bool
		least, most             int // questions
	}{
		"by schedule":  {time.Hour, 10 * time.Minute, 100 * time.Hour, false, 1200, 1400},
		"often":        {time.Minute, 10 * time.Second, time.Hour, false, 55, 125},
		"no schedule":  {0, 0, 10 * time.Hour, false, 115, 135},
		"wrapped":      {time.Hour, 10 * time.Minute, 10 * time.Hour, true, 120, 140},
		"short ttl":    {2 * time.Second, 5 * time.Second, 10 * time.Minute, false, 140, 420},
		"days between": {90 * 24 * time.Hour, time.Hour, 91 * 24 * time.Hour, false, 25000, 31000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.period, f.overlap, f.wrapped = row.period, row.overlap, row.wrapped
				s := newTestStatic(t, f)
				f.through(t, s, row.within, row.within/2000)
				closeIt(t, s)
				if n := f.Count("/orders"); n < row.least || n > row.most {
					t.Errorf("asked %d times", n)
				}
				if s.KeyID() != f.current && time.Until(f.due) < row.period-3*time.Second {
					t.Error("the newest version was not picked up")
				}
			})
		})
	}
}

// TestStaticLateRotation has nothing left of the ttl while no rotation comes, as when the engine's sweep is late.
func TestStaticLateRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.late = true
		s := newTestStatic(t, f)
		defer closeIt(t, s)
		id := s.KeyID()
		f.through(t, s, 10*time.Minute, time.Second)
		if n := f.Count("/orders"); n < 20 || n > 60 {
			t.Errorf("asked %d times in ten minutes", n)
		}
		f.Set(func() { f.overlap = time.Minute; f.rotate() })
		f.through(t, s, 10*time.Minute, time.Second)
		if s.KeyID() == id {
			t.Error("the rotation went unnoticed")
		}
	})
}

// TestStaticRotatedByHand has a rotation of which nothing told, and one that ends the version before at once.
func TestStaticRotatedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.period, f.overlap = 90*24*time.Hour, 10*time.Minute
		s := newTestStatic(t, f)
		defer closeIt(t, s)
		for range 10 {
			f.Set(f.rotate)
			f.through(t, s, 33*time.Minute, time.Second)
		}
		f.Set(func() { f.overlap = 0; f.rotate() })
		if err := f.signs(s); err == nil {
			t.Fatal("signed with what has ended")
		}
		s.Report(s.KeyID())
		synctest.Wait()
		f.through(t, s, time.Hour, time.Second)
	})
}

func TestStaticWhileVaultIsAway(t *testing.T) {
	for _, status := range []int{0, 307, 400, 403, 404, 500, 503} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.period = 2 * time.Hour
			s := newTestStatic(t, f)
			defer closeIt(t, s)
			f.Set(func() { f.keys[f.current].ends = time.Now().Add(time.Hour) })
			time.Sleep(6 * time.Minute) // It learns of the end.
			f.Away(status)
			f.through(t, s, 50*time.Minute, time.Second)
			time.Sleep(10 * time.Minute)
			if _, err := s.Sign(t.Context(), testHead); !errors.Is(err, ErrExpired) {
				t.Errorf("%d: %v", status, err)
			}
			f.Back()
			f.Set(f.rotate)
			time.Sleep(3 * endPause)
			f.through(t, s, time.Hour, time.Second)
		})
	}
}

// TestStaticAfterAnOutage has a rotation come as soon as Vault is back. The overlap is longer than what WithPoll
// promises.
func TestStaticAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.overlap = 12 * time.Second
		s := newTestStatic(t, f, WithPoll(5*time.Second))
		defer closeIt(t, s)
		for range 20 {
			f.Away(403) // which the API's client does not try again by itself
			f.through(t, s, 10*time.Minute, time.Second)
			f.Back()
			f.Set(f.rotate)
			f.through(t, s, time.Minute, time.Second)
		}
	})
}

func TestStaticPoll(t *testing.T) {
	for poll, most := range map[time.Duration]int{0: 620, time.Minute: 13, time.Hour: 1} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			s := newTestStatic(t, f, WithPoll(poll))
			defer closeIt(t, s)
			time.Sleep(10 * time.Minute)
			if n := f.Count("/orders"); n < most*8/10 || n > most*12/10 {
				t.Errorf("asked %d times in ten minutes at %s", n, poll)
			}
		})
	}
}
