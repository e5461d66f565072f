//go:build acceptance

package acceptance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// crowd is clients that work at the same time until they are sent home, or one of them fails.
type crowd struct {
	ctx  context.Context
	stop context.CancelCauseFunc
	work sync.WaitGroup
}

func newCrowd(t *testing.T) *crowd {
	ctx, stop := context.WithCancelCause(t.Context())
	c := &crowd{ctx: ctx, stop: stop}
	t.Cleanup(func() {
		if err := c.home(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// join has somebody do the same again and again, with a pause between.
func (c *crowd) join(name string, pause time.Duration, do func() error) {
	c.work.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-c.ctx.Done():
				return
			case <-tick.C:
			}
			if err := do(); err != nil {
				c.stop(fmt.Errorf("%s: %w", name, err))
				return
			}
		}
	})
}

// home sends all of them home, and returns what went wrong.
func (c *crowd) home() error {
	c.stop(nil)
	c.work.Wait()
	if err := context.Cause(c.ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// tried sends a request that has to succeed, for somebody of a crowd.
func (c *caller) tried(method, path string, sent fields) (*answered, error) {
	a, err := c.send(method, path, sent)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, a.status, a.says())
	}
	return a, err
}

// accepted returns an error unless a call is valid.
func (c *caller) accepted(head, keyID string) error {
	a, err := c.tried("PATCH", "apikeys/verify", fields{"request": head})
	if err == nil && (a.field("verdict") != "valid" || a.field("key_id") != keyID) {
		err = fmt.Errorf("a call signed with %s is %s", keyID, a.field("verdict"))
	}
	return err
}

// user is somebody of a crowd who signs calls, each of which has to be valid whatever happens to the keys.
type user struct {
	t       *testing.T
	gateway *caller

	mu    sync.Mutex
	calls int
	keys  []string // the IDs of those used, in the order of their first use
}

func (u *user) used(keyID string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls++
	if !slices.Contains(u.keys, keyID) {
		u.keys = append(u.keys, keyID)
	}
}

// so returns how many calls were made, and with which keys.
func (u *user) so() (calls int, keys []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calls, slices.Clone(u.keys)
}

// has returns an error unless the newest key used is the one with the ID, for [within].
func (u *user) has(keyID string) error {
	if _, keys := u.so(); len(keys) == 0 || keys[len(keys)-1] != keyID {
		return fmt.Errorf("has used %v, and the current one is %s", keys, keyID)
	}
	return nil
}

// signs signs a call with a key, and has it judged.
func (u *user) signs(with holder) error {
	if err := u.gateway.accepted(with.call("GET", "/wfo/v1/agents"), with.keyID); err != nil {
		return err
	}
	u.used(with.keyID)
	return nil
}

// reads returns a key as static-creds have it, and when to read it again, which no client takes for less than so many
// seconds.
func (u *user) reads(app *caller, path string, least int) (holder, time.Duration, error) {
	a, err := app.tried("GET", path, nil)
	if err != nil {
		return holder{}, 0, err
	}
	ttl, err := strconv.Atoi(a.field("ttl"))
	if err != nil || ttl < least || a.field("rotation_period") == "0" {
		return holder{}, 0, fmt.Errorf("ttl is %q, rotation_period %q", a.field("ttl"), a.field("rotation_period"))
	}
	return a.holder(u.t), time.Duration(ttl) * time.Second, nil
}

// fetching returns what a client does that reads static-creds as often as their ttl says, and signs with what it has.
func (u *user) fetching(app *caller, path string) func() error {
	var have holder
	var again time.Time
	return func() error {
		if !time.Now().Before(again) {
			read, ttl, err := u.reads(app, path, 1)
			if err != nil {
				return err
			}
			have, again = read, time.Now().Add(ttl)
		}
		return u.signs(have)
	}
}

// operating returns what a client does whose key an operator for secrets keeps: that reads at ttl and half a second,
// sleeps as long as the time before when the secret is the same, and gives up on a ttl of 2 or less, or no
// rotation_period.
func (u *user) operating(app *caller, path string) func() error {
	var have holder
	var again time.Time
	var sleeps time.Duration
	return func() error {
		if !time.Now().Before(again) {
			read, ttl, err := u.reads(app, path, 3)
			if err != nil {
				return err
			}
			if read.keyID != have.keyID {
				have, sleeps = read, ttl+time.Second/2
			}
			again = time.Now().Add(sleeps)
		}
		return u.signs(have)
	}
}

// agents is a head to sign.
const agents = "GET /wfo/v1/agents\nHost: api.example"

// asking returns what a client does that never has a key, and asks Vault to sign.
func (u *user) asking(app *caller, path string) func() error {
	return func() error {
		signed, err := app.tried("PATCH", path, fields{"request": agents})
		if err != nil {
			return err
		}
		head := signed.signs(agents)
		if err := u.gateway.accepted(head, signed.field("key_id")); err != nil {
			return err
		}
		u.used(signed.field("key_id"))
		return nil
	}
}

// reading returns what a program does that takes the key anew from a file for each call.
func (u *user) reading(file string) func() error {
	return func() error {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := u.gateway.w.guard(string(content)); err != nil {
			return err
		}
		return u.signs((&answered{body: content}).holder(u.t))
	}
}
