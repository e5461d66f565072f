package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-apikeys/client/internal/vault"
)

// How long it is remembered that a key could not be fetched.
const (
	unknownFor  = 5 * time.Second // the ID names no key; a key made since stays unknown for that long
	notLocalFor = time.Minute
	failedFor   = time.Second // Vault gave no answer
	fetchTime   = 10 * time.Second
)

// negativeEntry says that a key is not held, until when that is believed, and why: nil means that there is no such key.
type negativeEntry struct {
	until time.Time
	err   error
}

// cached returns the rules of a key if calls can be judged by them now, and nil otherwise.
func (k *Keyring) cached(id string, now time.Time) *ruleSet {
	key, ok := k.keys.GetIfPresent(id)
	if !ok {
		return nil
	}
	key.touch(now)
	if rules := key.rules.Load(); rules.fresh(now) {
		return rules
	}
	return nil
}

// find returns the rules of a key after fetching them, or nil if there is no such key. Callers that want the same key
// meanwhile wait for the same fetch.
func (k *Keyring) find(ctx context.Context, id string) (*ruleSet, error) {
	now := time.Now()
	if a, ok := k.absent.GetIfPresent(id); ok && now.Before(a.until) {
		return nil, a.err
	}
	key, ok := k.keys.GetIfPresent(id)
	if ok {
		if rules := key.rules.Load(); rules.fresh(now) { // Another call has brought it.
			return rules, nil
		}
		if err := key.lastFailure(now); err != nil {
			return nil, stale(err)
		}
	}
	select {
	case result := <-k.fetching.DoChan(id, func() (any, error) { return k.fetch(id) }):
		if result.Err != nil && key != nil && !errors.Is(result.Err, ErrNotLocal) {
			return nil, stale(result.Err)
		}
		rules, _ := result.Val.(*ruleSet)
		if result.Err != nil || rules == nil {
			return nil, result.Err
		}
		if !rules.fresh(time.Now()) { // Vault took longer than that.
			return nil, ErrStale
		}
		return rules, nil
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

// fetch asks Vault for a key and remembers the answer. It returns nil if there is no such key.
func (k *Keyring) fetch(id string) (*ruleSet, error) {
	k.mu.Lock()
	if k.closed.Load() {
		k.mu.Unlock()
		return nil, ErrClosed
	}
	k.work.Add(1)
	k.mu.Unlock()
	defer k.work.Done()
	key, ok := k.keys.GetIfPresent(id)
	release, err := k.acquire(ok)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(k.ctx, fetchTime)
	defer cancel()
	sent := time.Now()
	answer, err := vault.Read(ctx, k.vault, k.path+id)
	var rules *ruleSet
	if err == nil {
		rules, err = ruleSetOf(answer, id, sent)
	}
	k.logAvailability(err)
	switch {
	case err == nil:
		k.store(id, key, rules)
		return rules, nil
	case refusedBy(err, http.StatusNotFound, "key_id:"):
		k.forget(id, negativeEntry{time.Now().Add(unknownFor), nil})
		return nil, nil
	case refusedBy(err, http.StatusForbidden, "keyring:"):
		err = fmt.Errorf("%w: %w", ErrNotLocal, err)
		fallthrough
	case errors.Is(err, ErrNotLocal):
		k.forget(id, negativeEntry{time.Now().Add(notLocalFor), err})
		return nil, err
	}
	if k.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no answer in time") // It must not be taken for the caller's deadline.
	}
	err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	if key != nil {
		key.setFailure(err, time.Now().Add(failedFor))
	} else {
		k.absent.Set(id, negativeEntry{time.Now().Add(failedFor), err})
	}
	return nil, err
}

// acquire waits for a slot for a fetch. Keys that are held do not wait for keys that strangers may have made up.
func (k *Keyring) acquire(refreshing bool) (release func(), err error) {
	slots, leave := k.refreshSlots, func() {}
	if !refreshing {
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

func (k *Keyring) store(id string, key *cachedKey, rules *ruleSet) {
	if key == nil {
		key = &cachedKey{id: id}
		key.touch(rules.sent)
	}
	key.rules.Store(rules)
	key.setFailure(nil, time.Time{})
	k.keys.SetIfAbsent(id, key)
	k.absent.Invalidate(id)
	if pace := int64(rules.maxAge / 10); pace < k.checkInterval.Load() {
		k.checkInterval.Store(max(pace, int64(minCheckInterval)))
	}
}

func (k *Keyring) forget(id string, entry negativeEntry) {
	k.keys.Invalidate(id)
	k.absent.Set(id, entry)
}

// refusedBy reports whether the engine itself refused, with a text about that. Vault answers with the same statuses
// to a token without a policy, and for a path where no engine is.
func refusedBy(err error, status int, about string) bool {
	refused, ok := errors.AsType[*api.ResponseError](err)
	return ok && refused.StatusCode == status &&
		slices.ContainsFunc(refused.Errors, func(text string) bool { return strings.Contains(text, about) })
}

// logAvailability logs when fetches begin to fail, and when they no longer do. That there is no such key is an answer.
func (k *Keyring) logAvailability(err error) {
	answered := err == nil || errors.Is(err, ErrNotLocal) ||
		refusedBy(err, http.StatusNotFound, "key_id:") || refusedBy(err, http.StatusForbidden, "keyring:")
	switch {
	case !answered && k.ctx.Err() == nil && !k.away.Swap(true):
		k.options.log.Warn("keys cannot be fetched", "path", k.path, "error", err)
	case answered && k.away.Swap(false):
		k.options.log.Info("keys are fetched again", "path", k.path)
	}
}
