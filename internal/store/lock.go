package store

import "sync"

// locks has a lock for each name that somebody holds or waits for, and none for others:
// whoever keeps a record busy keeps nobody from another one, whatever its name.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	sync.Mutex
	users int // who hold it or wait
}

// lock keeps everybody else from the name until unlock is called.
func (l *locks) lock(name string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = make(map[string]*lock)
	}
	of := l.held[name]
	if of == nil {
		of = new(lock)
		l.held[name] = of
	}
	of.users++
	l.mu.Unlock()
	of.Lock()
	return func() {
		of.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if of.users--; of.users == 0 {
			delete(l.held, name)
		}
	}
}
