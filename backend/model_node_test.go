package backend_test

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// crash loses the uses that were not flushed. Any key may have been used until then, unless
// it was found to be unused before.
func (m *model) crash() {
	m.w.Restart()
	now := time.Now().Add(time.Second - 1).Truncate(time.Second)
	for _, t := range m.tenants {
		for _, k := range t.keys {
			k.used = time.Time{}
			if r := m.record(t, k); r == nil || r.DisabledAt.IsZero() != k.disabled {
				k.since = now
			}
		}
	}
}

// tick sweeps, and once more: what was found to be missed is done then. After a failure
// some minutes have to be enough.
func (m *model) tick(a action) {
	began := time.Now()
	if a.Fail == 0 {
		m.w.Sweep()
		wait(time.Second)
		m.w.Sweep()
		m.swept(began, time.Now())
		return
	}
	broken := failure{N: a.Fail, Landed: a.Landed}
	broken.Into(m.w.Storage)
	_ = m.w.Tick()
	m.w.Storage.Hooks(nil, nil)
	if a.Restart {
		m.crash()
	}
	m.w.Ticking(4*time.Minute, time.Minute)
	m.swept(began, time.Now())
}

// stored returns what is in storage of a tenant, or nil.
func (m *model) stored(t *modelTenant) *tenant.Tenant {
	m.reader.Invalidate("tenants/" + t.name)
	of, err := m.reader.Tenant(context.Background(), &m.w.Storage.InmemStorage, tenant.Name(t.name))
	m.w.Must(err)
	return of
}

// record returns what is in storage of a key, or nil.
func (m *model) record(t *modelTenant, k *modelKey) *apikey.Key {
	of := m.stored(t)
	if of == nil {
		return nil
	}
	r, err := m.reader.KeyWithHistory(
		context.Background(),
		&m.w.Storage.InmemStorage,
		of,
		apikey.External,
		apikey.Name(k.name),
	)
	if errors.Is(err, refusal.NotFound) {
		return nil
	}
	m.w.Must(err)
	return r
}
