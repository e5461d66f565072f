package store

import (
	"context"
	"sync"
)

// locks has a lock for each name that is locked or waited for, and none for others. A busy record never blocks
// another one, whatever its name.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	taken chan struct{} // full while the lock is held; waiters get it in the order of arrival
	users int           // holders and waiters
}

// lock locks the name until unlock is called. The error is ctx's, if it ended during the wait; the name is not locked
// then.
func (l *locks) lock(ctx context.Context, name string) (unlock func(), err error) {
	entry := l.enter(name)
	//mutate:before "requests that end while they wait for a record" TestWaitingForARecordEndsWithTheRequest
	//mutate:more => ctx = context.WithoutCancel(ctx)
	select {
	case entry.taken <- struct{}{}:
		return func() {
			<-entry.taken
			l.leave(name, entry)
		}, nil
	case <-ctx.Done():
		l.leave(name, entry)
		return nil, ctx.Err()
	}
}

func (l *locks) enter(name string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[string]*lock)
	}
	entry := l.held[name]
	if entry == nil {
		entry = &lock{taken: make(chan struct{}, 1)}
		l.held[name] = entry
	}
	entry.users++
	return entry
}

func (l *locks) leave(name string, entry *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if entry.users--; entry.users == 0 {
		delete(l.held, name)
	}
}
