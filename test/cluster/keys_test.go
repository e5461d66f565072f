//go:build cluster

package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"vault-plugin-secrets-apikeys/signing"
	"vault-plugin-secrets-apikeys/test/cluster/history"
)

const (
	// byHand is how often a key is rotated by hand: its own history then holds all that was done with it.
	byHand = 9
	// brood is how long a client waits before it makes another key.
	brood = 8 * time.Second
)

// lives are those of the keys that rotate by schedule: ttl in seconds, of which the overlap is half, and how many there
// are. The briefest are due before the first leader's first tick, though it comes soon after the keys can be made.
var lives = []struct{ ttl, count int }{{50, 8}, {90, 8}, {150, 6}, {240, 3}}

// clients returns what there is to do, by the name of who does it.
func (w *world) clients() map[string]func(context.Context, *client) {
	return map[string]func(context.Context, *client){
		"owner-1": w.own, "owner-2": w.own, "owner-3": w.own,
		"caller-1": func(ctx context.Context, c *client) { c.calls(ctx) },
		"caller-2": func(ctx context.Context, c *client) { c.calls(ctx) },
		"app-1":    w.lease, "app-2": w.lease,
		"watcher": w.watch,
	}
}

// own makes keys, and rotates, revokes, reads and uses those of all owners, who often get in each other's way.
func (w *world) own(ctx context.Context, c *client) {
	made, last := 0, time.Time{}
	for c.rest(ctx, 200*time.Millisecond) {
		if time.Since(last) > brood {
			last, made = time.Now(), made+1
			if k := c.create(ctx, fmt.Sprintf("%s/%s-%d", kinds[made%2], c.name, made), ownSettings()); k != nil {
				w.mu.Lock()
				w.keys = append(w.keys, k)
				w.mu.Unlock()
			}
		}
		if k := w.key(); k != nil {
			c.use(ctx, k)
		}
	}
}

var kinds = []string{"external", "internal"}

func ownSettings() fields {
	scheme := signing.Vrnt1
	if rand.N(3) == 0 {
		scheme = signing.HMACSHA256
	}
	// Some live so short that they expire meanwhile.
	return fields{"cas": 0, "scheme": scheme, "ttl": []int{40, 600, 3600}[rand.N(3)], "overlap": 15, "reveal": "always"}
}

// use does any one thing with a key.
func (c *client) use(ctx context.Context, k *key) {
	switch n := rand.N(100); {
	case n < 25:
		c.rotate(ctx, k)
	case n < 27:
		c.revoke(ctx, k)
	case n < 50:
		c.reveal(ctx, k)
	case n < 85:
		if made := c.signs(ctx, k); made != nil {
			c.verify(ctx, []*call{made})
		}
	case n < 95:
		c.read(ctx, k)
	default:
		c.log(ctx, k)
	}
}

// path returns the path of a key, or of something under it.
func (k *key) path(what ...string) string {
	kind, name, _ := strings.Cut(k.name, "/")
	return strings.Join(append([]string{"apikeys/my/" + kind + "/keys/" + name}, what...), "/")
}

// shown completes an event with the key that an answer shows.
func (k *key) shown(w *world) func(*history.Event, *answer) {
	return func(e *history.Event, a *answer) {
		e.Series = new(history.Series)
		if err := json.Unmarshal(a.Data, e.Series); err != nil || len(e.Series.Versions) == 0 {
			e.Says = fmt.Sprintf("no versions: %v", err) // The checker misses them.
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		k.current = e.Series.Versions[len(e.Series.Versions)-1].KeyID
	}
}

// create makes a key, and returns it unless that never came to be known.
func (c *client) create(ctx context.Context, name string, settings fields) *key {
	k := &key{name: name, by: byHand, scheme: fmt.Sprint(settings["scheme"])}
	r := request{who: tenant + "-admin", method: "POST", path: k.path(), fields: settings}
	if e := c.ask(ctx, history.Event{Op: history.Create, Key: name}, r, k.shown(c.w)); e.Outcome == history.Unknown {
		return nil
	}
	return k
}

// rotate rotates a key by hand, while it may be.
func (c *client) rotate(ctx context.Context, k *key) {
	c.w.mu.Lock()
	current := k.current
	if current == "" || k.by == 0 {
		current = ""
	} else {
		k.by--
	}
	c.w.mu.Unlock()
	if current == "" {
		return
	}
	overlap := []int{0, 3, 10, 20}[rand.N(4)]
	r := request{
		who: tenant + "-admin", method: "POST", path: k.path("rotate"),
		fields: fields{"current_key_id": current, "overlap": overlap},
	}
	c.ask(ctx, history.Event{Op: history.Rotate, Key: k.name, KeyID: current, Overlap: overlap}, r, k.shown(c.w))
}

// revoke revokes a version, which then was the current one.
func (c *client) revoke(ctx context.Context, k *key) {
	c.w.mu.Lock()
	current := k.current
	c.w.mu.Unlock()
	if current == "" {
		return
	}
	r := request{
		who: tenant + "-admin", method: "POST", path: k.path("revoke"),
		fields: fields{"key_id": current, "reason": "tried"},
	}
	c.ask(ctx, history.Event{Op: history.Revoke, Key: k.name, KeyID: current}, r, k.shown(c.w))
}

func (c *client) read(ctx context.Context, k *key) *history.Event {
	return c.ask(
		ctx,
		history.Event{Op: history.Read, Key: k.name},
		request{who: tenant + "-admin", method: "GET", path: k.path()},
		k.shown(c.w),
	)
}

// log reads a key's own history.
func (c *client) log(ctx context.Context, k *key) *history.Event {
	r := request{who: tenant + "-admin", method: "GET", path: k.path("history")}
	return c.ask(ctx, history.Event{Op: history.Changes, Key: k.name}, r, func(e *history.Event, a *answer) {
		var log struct{ Entries []history.Change }
		if err := json.Unmarshal(a.Data, &log); err != nil {
			e.Says = err.Error() // The checker misses the entries.
		}
		e.Log = log.Entries
	})
}

// reveal gets the current secret, as an app or as the administrator does.
func (c *client) reveal(ctx context.Context, k *key) {
	r := request{who: tenant + "-admin", method: "POST", path: k.path("reveal")}
	if rand.N(2) == 0 {
		kind, name, _ := strings.Cut(k.name, "/")
		r = request{who: tenant + "-app", method: "GET", path: "apikeys/my/" + kind + "/static-creds/" + name}
	}
	c.ask(ctx, history.Event{Op: history.Reveal, Key: k.name}, r, func(e *history.Event, a *answer) {
		e.KeyID = c.w.handed(e, a)
	})
}

// handed keeps the secret in an answer and returns its key ID.
func (w *world) handed(e *history.Event, a *answer) string {
	var got struct {
		KeyID   string    `json:"key_id"`
		Key     string    `json:"key"`
		Scheme  string    `json:"scheme"`
		Expires time.Time `json:"expires_at"`
	}
	err := json.Unmarshal(a.Data, &got)
	if err == nil {
		var secretBytes []byte
		if secretBytes, err = base64.RawURLEncoding.DecodeString(got.Key); err == nil {
			w.held(&secret{keyID: got.KeyID, scheme: got.Scheme, bytes: secretBytes})
		}
	}
	if err != nil {
		e.Says = err.Error() // The checker finds no version of that key ID.
	}
	e.Expires = got.Expires
	return got.KeyID
}

// watch makes the keys that rotate by schedule, and looks at them again and again. It uses each as an app does that was
// given it, and never changes one.
func (w *world) watch(ctx context.Context, c *client) {
	var due []*key
	for _, life := range lives {
		for i := range life.count {
			settings := fields{
				"cas":         0,
				"scheme":      signing.Vrnt1,
				"ttl":         life.ttl,
				"overlap":     life.ttl / 2,
				"auto_rotate": true,
				"reveal":      "always",
			}
			if k := c.create(ctx, fmt.Sprintf("%s/due-%d-%d", kinds[i%2], life.ttl, i+1), settings); k != nil {
				due = append(due, k)
			}
		}
	}
	// Two that owners rotate as well, so that schedule and hand meet.
	for i := range 2 {
		settings := fields{
			"cas":         0,
			"scheme":      signing.Vrnt1,
			"ttl":         60,
			"overlap":     30,
			"auto_rotate": true,
			"reveal":      "always",
		}
		if k := c.create(ctx, fmt.Sprintf("%s/both-%d", kinds[i], i+1), settings); k != nil {
			w.mu.Lock()
			w.keys = append(w.keys, k)
			w.mu.Unlock()
			due = append(due, k)
		}
	}
	for {
		for _, k := range due {
			if !c.rest(ctx, 600*time.Millisecond) {
				return
			}
			c.reveal(ctx, k)
			c.read(ctx, k)
			c.log(ctx, k)
			if made := c.signs(ctx, k); made != nil {
				c.verify(ctx, []*call{made})
			}
		}
	}
}
