package main

import "time"

const parentEvery = time.Second // how often to check whether the server is gone

// watchParent calls gone when the server that started this process has ended, which gives the process another
// parent. A server that is killed does not end its plugins, and this one keeps secrets in memory.
func watchParent(server int, parent func() int, gone func()) {
	for parent() == server {
		time.Sleep(parentEvery)
	}
	gone()
}
