package verify

import (
	"time"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// How often the keys are looked at.
const (
	maxCheckInterval = time.Second
	minCheckInterval = 50 * time.Millisecond // where keys are to be a second old at the most
	expireInterval   = time.Minute           // for calls that no window lets in any more
)

// run fetches the keys in use before they are too old, and drops the others, until the keyring is closed.
func (k *Keyring) run() {
	swept := time.Now()
	for {
		timer := time.NewTimer(time.Duration(k.checkInterval.Load()))
		select {
		case <-k.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		k.refresh()
		if now := time.Now(); now.Sub(swept) >= expireInterval {
			swept = now
			k.calls.Expire(tenant.MaxWindow, now)
		}
	}
}

// refresh does once what is due.
func (k *Keyring) refresh() {
	var fetches errgroup.Group
	fetches.SetLimit(refreshers)
	now := time.Now()
	for key := range k.keys.Values() {
		if now.Unix()-key.used.Load() > int64(k.options.idle/time.Second) {
			k.keys.Invalidate(key.id)
			continue
		}
		if !key.due(now) {
			continue
		}
		fetches.Go(func() error {
			if k.ctx.Err() == nil && key.due(time.Now()) { // Else a call has brought it since.
				_, _, _ = k.fetching.Do(key.id, func() (any, error) { return k.fetch(key.id) })
			}
			return nil
		})
	}
	_ = fetches.Wait()
}

// due reports whether the key is to be fetched again.
func (k *cachedKey) due(now time.Time) bool {
	rules := k.rules.Load()
	return rules.age(now) >= rules.refreshAge && k.lastFailure(now) == nil
}
