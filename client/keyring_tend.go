package client

import (
	"time"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-apikeys/internal/tenant"
)

// How often the keys are looked at.
const (
	longPace  = time.Second
	shortPace = 50 * time.Millisecond // where keys are to be a second old at the most
	sweepPace = time.Minute           // for calls that no window lets in any more
)

// tend fetches the keys in use before they are too old, and lets go of the others, until the keyring is closed.
func (k *Keyring) tend() {
	swept := time.Now()
	for {
		timer := time.NewTimer(time.Duration(k.pace.Load()))
		select {
		case <-k.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		k.look()
		if now := time.Now(); now.Sub(swept) >= sweepPace {
			swept = now
			k.calls.Expire(tenant.MaxWindow, now)
		}
	}
}

// look does once what is due.
func (k *Keyring) look() {
	var fetches errgroup.Group
	fetches.SetLimit(refreshers)
	now := time.Now()
	for e := range k.keys.Values() {
		if now.Unix()-e.used.Load() > int64(k.options.Idle/time.Second) {
			k.keys.Invalidate(e.id)
			continue
		}
		if !e.due(now) {
			continue
		}
		fetches.Go(func() error {
			if k.ctx.Err() == nil && e.due(time.Now()) { // Else a call has brought it since.
				_, _, _ = k.flights.Do(e.id, func() (any, error) { return k.fetch(e.id) })
			}
			return nil
		})
	}
	_ = fetches.Wait()
}

// due reports whether the key is to be fetched again.
func (e *entry) due(now time.Time) bool {
	held := e.kept.Load()
	return held.age(now) >= held.refresh && e.failed(now) == nil
}
