package main

import "time"

const parentEvery = time.Second // how late it is noticed that the server is gone

// watchParent calls gone once the process that started this one has ended: another process
// is the parent then. A server that is killed does not end its plugins, and this one keeps
// secrets in memory.
func watchParent(parent func() int, gone func()) {
	for started := parent(); parent() == started; {
		time.Sleep(parentEvery)
	}
	gone()
}
