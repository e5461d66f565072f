package backend_test

import (
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// action is one thing that happens in a model's world.
type action struct {
	Do      string
	Pick    int           // which tenant, key, settings, version
	Wait    time.Duration // before it
	Fail    int           // the operation of storage that fails meanwhile; 0: none
	Landed  bool          // it is done nevertheless
	Restart bool          // and the node starts anew
}

// keyActions are done to a key that is there; each says whether it has to succeed, and
// what has changed then.
var keyActions = map[string]func(
	m *model, t *modelTenant, k *modelKey, a action,
) (path string, f fields, ok bool, then func()){
	"rotate": func(m *model, t *modelTenant, k *modelKey, _ action) (string, fields, bool, func()) {
		f := fields{"current_key_id": k.newest().holder.KeyID}
		return "/rotate", f, t.active() && k.writable(), func() { m.rotated(k, m.record(t, k), k.overlap) }
	},
	"disable": func(_ *model, _ *modelTenant, k *modelKey, _ action) (string, fields, bool, func()) {
		return "/disable", nil, k.writable(), func() { k.disabled = true }
	},
	"enable": func(_ *model, _ *modelTenant, k *modelKey, _ action) (string, fields, bool, func()) {
		return "/enable", nil, k.writable(), func() {
			if k.disabled {
				k.disabled, k.since = false, time.Now()
			}
		}
	},
	"disable version": func(_ *model, _ *modelTenant, k *modelKey, a action) (string, fields, bool, func()) {
		v := k.versions[a.Pick%len(k.versions)]
		able := k.writable() && !v.erased && v.revoked.IsZero()
		return "/disable", fields{"key_id": v.holder.KeyID}, able, func() { v.disabled = true }
	},
	"enable version": func(_ *model, _ *modelTenant, k *modelKey, a action) (string, fields, bool, func()) {
		v := k.versions[a.Pick%len(k.versions)]
		able := k.writable() && !v.erased && v.revoked.IsZero()
		return "/enable", fields{"key_id": v.holder.KeyID}, able, func() { v.disabled = false }
	},
	"revoke": func(_ *model, _ *modelTenant, k *modelKey, _ action) (string, fields, bool, func()) {
		return "/revoke", nil, true, func() { k.revoked = first(k.revoked) }
	},
	"revoke version": func(_ *model, _ *modelTenant, k *modelKey, a action) (string, fields, bool, func()) {
		v := k.versions[a.Pick%len(k.versions)]
		return "/revoke", fields{"key_id": v.holder.KeyID}, !v.erased, func() { v.revoked = first(v.revoked) }
	},
	"restore": func(_ *model, _ *modelTenant, k *modelKey, _ action) (string, fields, bool, func()) {
		return "/restore", nil, !over(k.deleted, time.Now().Add(-retained)), func() {
			if !k.deleted.IsZero() {
				k.deleted, k.disabled = time.Time{}, true
			}
		}
	},
	"extend": func(_ *model, _ *modelTenant, k *modelKey, _ action) (string, fields, bool, func()) {
		v := k.newest()
		end := v.expires.Add(day)
		ok := k.writable() && !v.erased && v.revoked.IsZero() && !v.extended && !over(v.expires, time.Now())
		return "/extend", fields{
			"expires_at": end.Format(time.RFC3339),
			"reason":     "later",
		}, ok, func() { v.expires, v.extended = end, true }
	},
	"expire": func(_ *model, _ *modelTenant, k *modelKey, a action) (string, fields, bool, func()) {
		v := k.versions[a.Pick%len(k.versions)]
		now := time.Now().UTC().Truncate(time.Second)
		ok := k.writable() && !v.erased && v.revoked.IsZero()
		return "/expire", fields{"key_id": v.holder.KeyID, "in": 0}, ok, func() {
			if !over(v.expires, now) {
				v.expires = now
			}
		}
	},
	"patch": func(_ *model, _ *modelTenant, k *modelKey, a action) (string, fields, bool, func()) {
		auto, idle := a.Pick%2 == 0, []time.Duration{0, 12 * day, 30 * day}[a.Pick/2%3]
		return "", fields{
			"auto_rotate":        auto,
			"idle_disable_after": idle.String(),
		}, k.writable(), func() { k.auto, k.idle = auto, idle }
	},
}

func first(at time.Time) time.Time {
	if at.IsZero() {
		return time.Now().UTC().Truncate(time.Second)
	}
	return at
}

// tenantActions are done by the provider's administrator.
var tenantActions = map[string]func(t *modelTenant) (path string, ok bool, then func()){
	"suspend": func(t *modelTenant) (string, bool, func()) {
		return "/suspend", t.open(), func() { t.suspended = true }
	},
	"resume": func(t *modelTenant) (string, bool, func()) {
		return "/resume", t.open(), func() {
			if t.suspended {
				t.suspended = false
				t.resumed()
			}
		}
	},
	"restore tenant": func(t *modelTenant) (string, bool, func()) {
		return "/restore", t.opened && !over(t.deleted, time.Now().Add(-retained)), func() {
			if !t.deleted.IsZero() {
				t.deleted = time.Time{}
				t.resumed()
			}
		}
	},
	"open": func(t *modelTenant) (string, bool, func()) {
		return "", !t.opened || t.open(), func() { t.opened = true }
	},
}

// resumed has the time in which keys may go unused begin anew.
func (t *modelTenant) resumed() {
	for _, k := range t.keys {
		k.since = time.Now()
	}
}

// do does what an action says to the world and to the model.
func (m *model) do(a action) {
	wait(a.Wait)
	t := m.tenants[a.Pick%len(m.tenants)]
	a.Pick /= len(m.tenants)
	name := []string{"a", "b"}[a.Pick%2]
	a.Pick /= 2
	k := t.keys[name]
	who, path := m.w.Someone(t.name+"-admin", t.name).Trying(), "my/external/keys/"+name
	switch {
	case a.Do == "nothing":
	case a.Do == "tick":
		m.tick(a)
	case a.Do == "restart":
		m.crash()
	case a.Do == "reload":
		m.w.Reload() // which loses nothing
	case a.Do == "create":
		if k == nil {
			m.create(t, who, name, a)
		}
	case a.Do == "delete":
		if k != nil {
			m.ask(a, who, logical.DeleteOperation, path, nil, t.open(), func() { k.deleted = first(k.deleted) })
		}
	case a.Do == "use":
		m.use(t, k)
	case a.Do == "creds":
		m.issue(t, who)
	case a.Do == "end lease":
		m.end(t, a.Pick)
	case a.Do == "delete tenant":
		m.ask(
			a,
			m.w.SPA().Trying(),
			logical.DeleteOperation,
			"admin/tenants/"+t.name,
			nil,
			t.opened,
			func() { t.deleted = first(t.deleted) },
		)
	case tenantActions[a.Do] != nil:
		at, ok, then := tenantActions[a.Do](t)
		m.ask(a, m.w.SPA().Trying(), logical.UpdateOperation, "admin/tenants/"+t.name+at, nil, ok, then)
	case k != nil:
		at, f, ok, then := keyActions[a.Do](m, t, k, a)
		op := logical.Operation(logical.UpdateOperation)
		if at == "" {
			op = logical.PatchOperation
		}
		m.ask(a, who, op, path+at, f, ok && t.open(), then)
	}
}

// ask makes a request, and once more when storage has failed it: it may have been done.
func (m *model) ask(a action, who person, op logical.Operation, path string, f fields, ok bool, then func()) {
	broken := failure{N: a.Fail, Landed: a.Landed}
	if a.Fail > 0 {
		broken.Into(m.w.Storage)
	}
	got := who.Ask(op, path, f)
	m.w.Storage.Hooks(nil, nil)
	if broken.Met {
		if a.Restart {
			m.crash()
		}
		again := who.Ask(op, path, f)
		done := again.Status == 200 ||
			ok && (again.Status == 409 || again.Status == 400 && got.Status == 500 && path[len(path)-6:] == "extend")
		m.expect(done == ok, "%s again: %d %s, and it should be %t", got.Asked, again.Status, again.Text, ok)
	} else {
		m.expect((got.Status == 200) == ok, "%s: %d %s, and it should be %t", got.Asked, got.Status, got.Text, ok)
	}
	if ok {
		then()
	}
}

func (m *model) create(t *modelTenant, who person, name string, a action) {
	k := &modelKey{name: name, since: time.Now(), auto: a.Pick%2 == 0}
	k.ttl = []time.Duration{2 * time.Hour, 10 * day, 90 * day}[a.Pick/2%3]
	k.idle = []time.Duration{0, 0, 12 * day}[a.Pick/6%3]
	k.overlap = min(rotateLap, k.ttl/4)
	f := fields{"ttl": k.ttl.String(), "auto_rotate": k.auto, "reveal": "always", "idle_disable_after": k.idle.String()}
	m.ask(a, who, logical.UpdateOperation, "my/external/keys/"+name, f, t.active(), func() {
		t.keys[name] = k
		m.rotated(k, m.record(t, k), 0)
	})
}

// use has the newest version sign a call, as its holder does.
func (m *model) use(t *modelTenant, k *modelKey) {
	if k == nil {
		return
	}
	want, got := t.verdict(k, k.newest(), time.Now()), m.w.Verdict(k.newest().holder.Call())
	m.expect(got == want, "a call of %s/%s: %s, want %s", t.name, k.name, got, want)
	if got == "valid" {
		k.used = time.Now().Truncate(time.Minute)
	}
}

func (m *model) issue(t *modelTenant, who person) {
	if !t.active() {
		return
	}
	who.Status = 200
	who.Write("my/external/roles/app", nil)
	a := who.Read("tenants/" + t.name + "/external/creds/app")
	t.leased = append(
		t.leased,
		&modelLeased{holder: a.Holder(m.w), lease: a.Lease(m.w), expires: instant(a.Str("expires_at"))},
	)
}

func (m *model) end(t *modelTenant, pick int) {
	if len(t.leased) == 0 {
		return
	}
	l := t.leased[pick%len(t.leased)]
	got := l.lease.End()
	m.expect(got.Status == 200, "the end of a lease: %d %s", got.Status, got.Text)
	l.ended = first(l.ended)
}
