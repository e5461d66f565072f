//go:build cluster

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"vault-plugin-secrets-apikeys/test/cluster/history"
)

// account asks about all there is, as the accountant: every key that is listed and its own history, with a call that
// Vault signs, and a call made with each secret that was ever handed out.
func (w *world) account(ctx context.Context, t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	c := w.client(history.Accountant)
	for _, kind := range kinds {
		for _, name := range c.list(ctx, t, kind+"/keys", kind+"/", false) {
			c.settle(ctx, t, &key{name: name})
		}
	}
	c.list(ctx, t, "internal/leased", "", true)

	const batch = 100
	for some := range slices.Chunk(w.all(), batch) {
		var calls []*call
		for _, s := range some {
			fresh, err := s.sign()
			if err != nil {
				t.Fatal(err)
			}
			calls = append(calls, fresh)
		}
		if c.verify(ctx, calls) != history.Done {
			t.Fatalf("%d calls were not judged in the end", len(calls))
		}
	}
}

// settle reads a key and its own history, until no rotation by schedule has come between.
func (c *client) settle(ctx context.Context, t *testing.T, k *key) {
	t.Helper()
	was := c.read(ctx, k)
	for {
		log, now := c.log(ctx, k), c.read(ctx, k)
		if was.Outcome != history.Done || log.Outcome != history.Done || now.Outcome != history.Done {
			t.Fatalf("%s cannot be read in the end: %s %s %s", k.name, was.Says, log.Says, now.Says)
		}
		if was.Series.Revision == now.Series.Revision {
			break
		}
		was = now
	}
	k.scheme = was.Series.Scheme
	if made := c.signs(ctx, k); made != nil {
		c.verify(ctx, []*call{made})
	}
}

// list returns all names of a list, with a prefix.
func (c *client) list(ctx context.Context, t *testing.T, path, prefix string, leased bool) []string {
	t.Helper()
	const page = 1000
	var all []string
	for after := ""; ; {
		r := request{
			who:    tenant + "-admin",
			method: "LIST",
			path:   fmt.Sprintf("apikeys/my/%s?limit=%d&after=%s", path, page, after),
		}
		var names []string
		e := c.ask(ctx, history.Event{Op: history.List, Leased: leased}, r, func(e *history.Event, a *answer) {
			var listed struct{ Keys []string }
			if err := json.Unmarshal(a.Data, &listed); err != nil {
				e.Says = err.Error() // The checker misses the names.
			}
			names = listed.Keys
			for _, name := range names {
				e.Names = append(e.Names, prefix+name)
			}
		})
		if e.Outcome != history.Done && e.Status != 404 {
			t.Fatalf("%s is not listed in the end: %s", path, e.Says)
		}
		all = append(all, e.Names...)
		if len(names) < page {
			return all
		}
		after = names[len(names)-1]
	}
}
