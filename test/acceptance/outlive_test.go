//go:build acceptance

package acceptance

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// mishap is what takes a plugin's memory away.
type mishap struct {
	name   string
	happen func() error
}

func killed(t *testing.T, w *world) mishap {
	return mishap{"plugin killed", func() error { killPlugin(t, w); return nil }}
}

func sealed(t *testing.T, w *world) mishap {
	return mishap{
		"sealed and unsealed",
		func() error { return errors.Join(w.Seal(t.Context()), w.Unseal(t.Context())) },
	}
}

// tries sends a request until it is answered: those on their way when the plugin dies are lost, with an error of gRPC
// that is a 500 or, of a lease, a 400.
func (c *caller) tries(name, method, path string, sent fields) *answered {
	c.t.Helper()
	var a *answered
	until(c.t, name, func() (err error) {
		a, err = c.send(method, path, sent)
		if err == nil && (a.status >= http.StatusInternalServerError || strings.Contains(a.says(), "rpc error")) {
			err = fmt.Errorf("%d %s", a.status, a.says())
		}
		return err
	})
	if a.status >= http.StatusMultipleChoices {
		c.t.Errorf("%s: %s %s: %d %s", name, method, path, a.status, a.says())
	}
	return a
}

// TestKeysOutlive checks that nothing is lost when the plugin is killed, the server sealed or restarted: the next
// request is answered as if nothing had been. Each kind of request is the first to come once.
func TestKeysOutlive(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, true)
	tenant := w.tenant(t, "outlive")
	admin, app, gateway := w.caller(t, tenant+"-admin"), w.caller(t, tenant+"-app"), w.caller(t, "gateway")
	root := w.caller(t, "root")
	const key = "apikeys/my/external/keys/billing"
	current := admin.must("POST", key, fields{"description": "outlives", "overlap": "10d"}).field("current_key_id")
	first := admin.must("POST", key+"/reveal", nil).holder(t)
	admin.must("POST", "apikeys/my/internal/roles/desktop", nil)
	var renewed, revoked *answered // leases

	kinds := []func(name string){
		func(name string) {
			signed := app.tries(name, "PATCH", "apikeys/my/external/sign/billing", fields{"request": agents})
			if got := signed.field("key_id"); got != current {
				t.Errorf("%s: signed with %s, not with %s", name, got, current)
			}
			call := signed.signs(agents)
			if got := gateway.verdict(call); got != "valid" {
				t.Errorf("%s: what was signed is %s", name, got)
			}
		},
		func(name string) {
			got := gateway.tries(
				name,
				"PATCH",
				"apikeys/verify",
				fields{"request": first.call("GET", "/wfo/v1/agents")},
			)
			if got.field("verdict") != "valid" || got.field("key_id") != first.keyID {
				t.Errorf("%s: what the first version signed is %s", name, got.field("verdict"))
			}
		},
		func(name string) { // One whose answer was lost is known by its current_key_id, and is not done twice.
			rotated := admin.tries(name, "POST", key+"/rotate", fields{"current_key_id": current})
			if got := rotated.field("description"); got != "outlives" {
				t.Errorf("%s: the description is %q", name, got)
			}
			if current != first.keyID {
				admin.must("POST", key+"/revoke", fields{"key_id": current}) // Or too many would be live.
			}
			current = rotated.field("current_key_id")
		},
		func(name string) {
			lease := app.tries(name, "PUT", "sys/leases/renew", fields{"lease_id": renewed.LeaseID, "increment": 7200})
			if lease.Duration < 7000 {
				t.Errorf("%s: the lease was renewed for %d s", name, lease.Duration)
			}
			if got := gateway.verdict(renewed.holder(t).call("GET", "/desktop/v1/queue")); got != "valid" {
				t.Errorf("%s: the leased key is %s", name, got)
			}
		},
		func(name string) {
			root.tries(name, "PUT", "sys/leases/revoke", fields{"lease_id": revoked.LeaseID, "sync": true})
			if got := gateway.verdict(revoked.holder(t).call("GET", "/desktop/v1/queue")); got != "revoked" {
				t.Errorf("%s: after its lease the key is %s", name, got)
			}
		},
	}
	kill, seal := killed(t, w), sealed(t, w)
	restart := mishap{"restarted", func() error { return w.Restart(t.Context()) }}
	for i, happens := range []mishap{kill, kill, kill, kill, kill, seal, restart} {
		creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"
		renewed, revoked = app.must("GET", creds, nil), app.must("GET", creds, nil)
		used := first.call("GET", "/wfo/v1/agents")
		if got := gateway.verdict(used); got != "valid" {
			t.Fatalf("before it is %s: %s", happens.name, got)
		}
		if err := happens.happen(); err != nil {
			t.Fatalf("%s: %v", happens.name, err)
		}
		for j := range kinds {
			kinds[(i+j)%len(kinds)](happens.name)
		}
		// Calls seen are kept in memory: inside its window, one from before is accepted once more, and no more than
		// once.
		for _, want := range []string{"valid", "replayed"} {
			if got := gateway.verdict(used); got != want {
				t.Errorf("%s: a call from before is %s, want %s", happens.name, got, want)
			}
		}
	}
}

// TestLimitsOutlive checks that what counts towards a tenant's limits is what there is, also after the counts were
// lost.
func TestLimitsOutlive(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "limits")
	admin, app, root := w.caller(t, tenant+"-admin"), w.caller(t, tenant+"-app"), w.caller(t, "root")
	w.caller(t, "spa").
		must("PATCH", "apikeys/admin/tenants/"+tenant, fields{"max_keys": 2, "max_leased": 2, "max_versions": 2})
	admin.must("POST", "apikeys/my/internal/roles/desktop", nil)
	creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"
	const keys = "apikeys/my/external/keys/"
	full := func() {
		t.Helper()
		app.refused(http.StatusBadRequest, "max_leased: ", "GET", creds, nil)
		admin.refused(http.StatusBadRequest, "max_keys: ", "POST", keys+"third", nil)
		admin.refused(http.StatusBadRequest, "max_keys: ", "POST", "apikeys/my/internal/keys/third", nil)
		admin.refused(http.StatusBadRequest, "max_versions: ", "POST", keys+"first/rotate", nil)
		if own := admin.must("GET", "apikeys/my", nil); own.field("keys") != "2" || own.field("leased_keys") != "2" {
			t.Errorf("%s keys, %s leased", own.field("keys"), own.field("leased_keys"))
		}
	}
	admin.must("POST", keys+"first", nil)
	admin.must("POST", keys+"first/rotate", nil)
	admin.must("POST", keys+"second", nil)
	leases := []*answered{app.must("GET", creds, nil), app.must("GET", creds, nil)}
	full()
	killPlugin(t, w)
	app.tries("plugin killed", "PATCH", "apikeys/my/external/sign/first", fields{"request": agents})
	full()

	// Leases that have ended make room, whoever remembers them.
	for _, lease := range leases {
		root.must("PUT", "sys/leases/revoke", fields{"lease_id": lease.LeaseID, "sync": true})
	}
	leases = []*answered{app.must("GET", creds, nil), app.must("GET", creds, nil)}
	full()
	for _, lease := range leases {
		root.must("PUT", "sys/leases/revoke", fields{"lease_id": lease.LeaseID, "sync": true})
	}
	killPlugin(t, w)
	app.tries("plugin killed", "GET", creds, nil)
	app.must("GET", creds, nil)
	full()
}

// TestReplayStrict checks that with replay=strict a call from before is refused after the plugin was killed or
// reloaded, or the server sealed, at the price of all others that were on their way.
func TestReplayStrict(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	tenant := w.tenant(t, "strict")
	admin, gateway := w.caller(t, tenant+"-admin"), w.caller(t, "gateway")
	w.caller(t, "operator").must("PATCH", "apikeys/config", fields{"replay": "strict"})
	admin.must("POST", "apikeys/my/external/keys/billing", nil)
	holder := admin.must("POST", "apikeys/my/external/keys/billing/reveal", nil).holder(t)
	fresh := func() error {
		a, err := gateway.send("PATCH", "apikeys/verify", fields{"request": holder.call("GET", "/wfo/v1/agents")})
		if err == nil && a.field("verdict") != "valid" {
			err = fmt.Errorf("%d: a fresh call is %s", a.status, a.field("verdict"))
		}
		return err
	}
	reload := mishap{"plugin reloaded", func() error {
		_, err := w.Root().
			Logical().
			WriteWithContext(t.Context(), "sys/plugins/reload/backend", fields{"mounts": "apikeys/"})
		return err
	}}
	for _, happens := range []mishap{killed(t, w), sealed(t, w), reload} {
		until(t, "before", fresh)
		used, unused := holder.call("GET", "/wfo/v1/agents"), holder.call("GET", "/wfo/v1/agents")
		if got := gateway.verdict(used); got != "valid" {
			t.Fatalf("before it is %s: %s", happens.name, got)
		}
		if err := happens.happen(); err != nil {
			t.Fatalf("%s: %v", happens.name, err)
		}
		for name, call := range map[string]string{"used": used, "unused": unused} {
			got := gateway.tries(happens.name, "PATCH", "apikeys/verify", fields{"request": call})
			if got.field("verdict") != "too_old" {
				t.Errorf("%s: the %s call is %s", happens.name, name, got.field("verdict"))
			}
		}
		until(t, happens.name, fresh)
	}
}
