package client

import (
	"testing"
	"testing/synctest"
	"time"

	"vault-plugin-secrets-apikeys/client/internal/vaulttest"
)

// TestLongRun has each source work for months: after twice the time it holds no more than after once.
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
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := vaulttest.Goroutines()
				work, end := begin(t)
				work()
				once, goroutines := vaulttest.Memory(), vaulttest.Goroutines()
				work()
				if twice := vaulttest.Memory(); twice > once+once/4 {
					t.Errorf("%d bytes after the first half, %d after all", once, twice)
				}
				if now := vaulttest.Goroutines(); now > goroutines {
					t.Errorf("%d goroutines after the first half, %d after all", goroutines, now)
				}
				end()
				if now := vaulttest.Goroutines(); now > before {
					t.Errorf("%d goroutines are left of %d", now, before)
				}
			})
		})
	}
}

// forget drops what the fake has noted, so that what grows is not its own.
func (f *fakeVault) forget() {
	f.Set(func() {
		f.Asked, f.Tokens = nil, nil
		for id, k := range f.keys {
			if id != f.current && !time.Now().Before(k.ends) {
				delete(f.keys, id)
			}
		}
	})
}
