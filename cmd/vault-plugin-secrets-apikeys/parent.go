package main

import "time"

const parentEvery = time.Second // how late it is noticed that the server is gone

// watchParent calls gone once the server that started this process has ended: another process
// is the parent then. A server that is killed does not end its plugins, and this one keeps
// secrets in memory.
func watchParent(server int, parent func() int, gone func()) {
	for parent() == server {
		time.Sleep(parentEvery)
	}
	gone()
}
