package vaulttest

import (
	"runtime"
	"strings"
	"testing/synctest"
)

// Goroutines returns how many goroutines of the bubble there are once those that end have ended. The runtime has some
// of its own, which come and go.
func Goroutines() int {
	synctest.Wait()
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "synctest bubble")
}

// Memory returns how many bytes are in use.
func Memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
