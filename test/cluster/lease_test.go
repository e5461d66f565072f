//go:build cluster

package cluster

import (
	"context"
	"math/rand/v2"
	"time"

	"vault-plugin-secrets-apikeys/test/cluster/history"
)

// roles are the roles of leased keys, with their ttl in seconds.
var roles = map[string]int{"brief": 15, "steady": 60}

// lease takes leased keys, uses them, renews them some times, and then gives them back or lets them end. Callers go on
// using them.
func (w *world) lease(ctx context.Context, c *client) {
	for c.rest(ctx, 2*time.Second) {
		role := "steady"
		if rand.N(3) == 0 {
			role = "brief"
		}
		var id string
		r := request{who: tenant + "-app", method: "GET", path: "apikeys/tenants/" + tenant + "/internal/creds/" + role}
		issued := c.ask(ctx, history.Event{Op: history.Issue}, r, func(e *history.Event, a *answer) {
			e.KeyID, id = w.handed(e, a), a.LeaseID
		})
		if issued.Outcome != history.Done {
			continue
		}
		for range rand.N(5) {
			if !c.rest(ctx, 4*time.Second) {
				return
			}
			if c.renew(ctx, issued.KeyID, id, roles[role]) != history.Done {
				break
			}
		}
		if rand.N(3) > 0 {
			c.giveBack(ctx, issued.KeyID, id)
		}
	}
}

func (c *client) renew(ctx context.Context, keyID, lease string, seconds int) history.Outcome {
	r := request{
		who: tenant + "-app", method: "PUT", path: "sys/leases/renew",
		fields: fields{"lease_id": lease, "increment": seconds},
	}
	return c.ask(ctx, history.Event{Op: history.Renew, KeyID: keyID, Seconds: seconds}, r, nil).Outcome
}

func (c *client) giveBack(ctx context.Context, keyID, lease string) {
	r := request{who: "root", method: "PUT", path: "sys/leases/revoke", fields: fields{"lease_id": lease, "sync": true}}
	c.ask(ctx, history.Event{Op: history.Return, KeyID: keyID}, r, nil)
}
