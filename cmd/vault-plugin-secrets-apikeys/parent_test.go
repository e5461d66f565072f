package main

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestEndsWithItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var parent atomic.Int64
		parent.Store(42)
		began, ended := time.Now(), time.Time{}
		go watchParent(42, func() int { return int(parent.Load()) }, func() { ended = time.Now() })
		time.Sleep(time.Hour)
		synctest.Wait()
		if !ended.IsZero() {
			t.Fatalf("ended after %s though the server is there", ended.Sub(began))
		}
		parent.Store(1)
		time.Sleep(2 * parentEvery)
		synctest.Wait()
		if ended.IsZero() {
			t.Error("goes on without its server")
		}
	})
}
