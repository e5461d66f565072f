package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// For how long is remembered what could not be fetched.
const (
	unknownFor  = 5 * time.Second // the ID names no key: one just made is unknown for so long, if its ID was asked for before
	notLocalFor = time.Minute
	failedFor   = time.Second // Vault gave no answer
	fetchTime   = 10 * time.Second
)

// absence says that a key is not held, until when that is believed, and why: nil means that there is no such key.
type absence struct {
	until time.Time
	err   error
}

// held returns the key of an ID if it can be judged by at now, else nil.
func (k *Keyring) held(id string, now time.Time) *kept {
	e, ok := k.keys.GetIfPresent(id)
	if !ok {
		return nil
	}
	e.use(now)
	if held := e.kept.Load(); held.fresh(now) {
		return held
	}
	return nil
}

// find returns a key after fetching it, or nil: there is none of that ID. Whoever wants the same key meanwhile waits for the
// same fetch.
func (k *Keyring) find(ctx context.Context, id string) (*kept, error) {
	now := time.Now()
	if a, ok := k.absent.GetIfPresent(id); ok && now.Before(a.until) {
		return nil, a.err
	}
	e, ok := k.keys.GetIfPresent(id)
	if ok {
		if held := e.kept.Load(); held.fresh(now) { // Another call has brought it.
			return held, nil
		}
		if err := e.failed(now); err != nil {
			return nil, stale(err)
		}
	}
	select {
	case result := <-k.flights.DoChan(id, func() (any, error) { return k.fetch(id) }):
		if result.Err != nil && e != nil && !errors.Is(result.Err, ErrNotLocal) {
			return nil, stale(result.Err)
		}
		held, _ := result.Val.(*kept)
		if result.Err != nil || held == nil {
			return nil, result.Err
		}
		if !held.fresh(time.Now()) { // Vault took longer than that.
			return nil, ErrStale
		}
		return held, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func stale(err error) error {
	if errors.Is(err, ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStale, err)
}

// fetch asks Vault for a key and remembers the answer. It returns nil for a key that there is not.
func (k *Keyring) fetch(id string) (*kept, error) {
	k.mu.Lock()
	if k.closed.Load() {
		k.mu.Unlock()
		return nil, ErrClosed
	}
	k.work.Add(1)
	k.mu.Unlock()
	defer k.work.Done()
	e, ok := k.keys.GetIfPresent(id)
	release, err := k.admit(ok)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(k.ctx, fetchTime)
	defer cancel()
	sent := time.Now()
	answer, err := read(ctx, k.vault, k.path+id)
	var held *kept
	if err == nil {
		held, err = keptOf(answer, id, sent)
	}
	k.noteAway(err)
	switch {
	case err == nil:
		k.keep(id, e, held)
		return held, nil
	case refusedBy(err, http.StatusNotFound, "key_id:"):
		k.drop(id, absence{time.Now().Add(unknownFor), nil})
		return nil, nil
	case refusedBy(err, http.StatusForbidden, "keyring:"):
		err = fmt.Errorf("%w: %w", ErrNotLocal, err)
		fallthrough
	case errors.Is(err, ErrNotLocal):
		k.drop(id, absence{time.Now().Add(notLocalFor), err})
		return nil, err
	}
	if k.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no answer in time") // Not the caller's deadline, which it would be taken for.
	}
	err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	if e != nil {
		e.note(err, time.Now().Add(failedFor))
	} else {
		k.absent.Set(id, absence{time.Now().Add(failedFor), err})
	}
	return nil, err
}

// admit waits for a place among the fetches. Keys that are held do not wait for those that strangers may have made up.
func (k *Keyring) admit(holding bool) (release func(), err error) {
	slots, leave := k.again, func() {}
	if !holding {
		select {
		case k.queue <- struct{}{}:
			slots, leave = k.slots, func() { <-k.queue }
		default:
			return nil, ErrBusy
		}
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots; leave() }, nil
	case <-k.ctx.Done():
		leave()
		return nil, ErrClosed
	}
}

func (k *Keyring) keep(id string, e *entry, held *kept) {
	if e == nil {
		e = &entry{id: id}
		e.use(held.sent)
	}
	e.kept.Store(held)
	e.note(nil, time.Time{})
	k.keys.SetIfAbsent(id, e)
	k.absent.Invalidate(id)
	if pace := int64(held.maxAge / 10); pace < k.pace.Load() {
		k.pace.Store(max(pace, int64(shortPace)))
	}
}

func (k *Keyring) drop(id string, why absence) {
	k.keys.Invalidate(id)
	k.absent.Set(id, why)
}

// refusedBy reports whether the engine itself refused, with a text about that. Vault has the same statuses for a token without
// a policy, and for a path where no engine is.
func refusedBy(err error, status int, about string) bool {
	refused, ok := errors.AsType[*api.ResponseError](err)
	return ok && refused.StatusCode == status &&
		slices.ContainsFunc(refused.Errors, func(text string) bool { return strings.Contains(text, about) })
}

// noteAway logs when fetches begin to fail, and when they no longer do. That there is no such key is an answer.
func (k *Keyring) noteAway(err error) {
	answered := err == nil || errors.Is(err, ErrNotLocal) || refusedBy(err, http.StatusNotFound, "key_id:") || refusedBy(err, http.StatusForbidden, "keyring:")
	switch {
	case !answered && k.ctx.Err() == nil && !k.away.Swap(true):
		k.options.Log.Warn("keys cannot be fetched", "path", k.path, "error", err)
	case answered && k.away.Swap(false):
		k.options.Log.Info("keys are fetched again", "path", k.path)
	}
}
