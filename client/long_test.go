package client

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLongRun has each source, and a verifier, work for months: after twice the time they hold no more than after once.
func TestLongRun(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T) (work, end func()){
		"lease": func(t *testing.T) (work, end func()) {
			f := newFake()
			f.span, f.longest = time.Hour, 10*time.Hour
			l := newTestLease(t, f, WithDrain(time.Second))
			return func() { f.through(t, l, 5000*time.Hour, time.Hour); f.forget() }, func() { closeIt(t, l) }
		},
		"static": func(t *testing.T) (work, end func()) {
			f := newFake()
			s := newTestStatic(t, f)
			return func() { f.through(t, s, 5000*time.Hour, time.Hour); f.forget() }, func() { closeIt(t, s) }
		},
		"verifier": func(t *testing.T) (work, end func()) {
			e := newFakeEngine(time.Second)
			v := newTestVerifier(t, e, VerifierOptions{})
			work = func() {
				var callers sync.WaitGroup
				for n := range 32 {
					callers.Go(func() {
						for range 200 {
							if err := asks(t.Context(), v, fmt.Sprint("valid ", n)); err != nil {
								t.Error(err)
							}
						}
					})
				}
				callers.Wait()
				time.Sleep(2 * maxCollectWindow) // The next request may be held for them still.
				e.forget()
				e.seen, e.sent, e.form, e.ips = map[string]int{}, nil, nil, nil
			}
			return work, func() {
				if err := v.Close(); err != nil {
					t.Error(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := settled()
				work, end := begin(t)
				work()
				once, goroutines := inUse(), settled()
				work()
				if twice := inUse(); twice > once+once/4 {
					t.Errorf("%d bytes after the first half, %d after all", once, twice)
				}
				if now := settled(); now > goroutines {
					t.Errorf("%d goroutines after the first half, %d after all", goroutines, now)
				}
				end()
				if now := settled(); now > before {
					t.Errorf("%d goroutines are left of %d", now, before)
				}
			})
		})
	}
}

// forget drops what the fake has noted, so that what grows is not its own.
func (f *fakeVault) forget() {
	f.set(func() {
		f.asked, f.tokens = nil, nil
		for id, k := range f.keys {
			if id != f.current && !time.Now().Before(k.ends) {
				delete(f.keys, id)
			}
		}
	})
}

// inUse returns the bytes that are held.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
