package sweep

import (
	"context"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/store"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// tenant does what is due about a tenant: erases one that was deleted long enough ago, or
// has the keys of one that is active again looked at, which may have missed rotations.
func (t *tick) tenant(ctx context.Context, e store.Entry) (bool, error) {
	name, _ := e.Tenant()
	of, err := t.store.Tenant(ctx, t.s, name)
	if err != nil {
		return false, err
	}
	switch {
	case of != nil && of.Gone(t.config.Retention, t.now):
		if done, err := t.eraseTenant(ctx, of); !done || err != nil {
			return false, err
		}
	case of != nil && of.State() == tenant.Active:
		if done, err := t.catchUp(ctx, e, name); !done || err != nil {
			return false, err
		}
	}
	return t.store.DropTenantEntry(ctx, t.s, e, of)
}

// eraseTenant erases all that is a tenant's, as far as time allows, and its record last.
// That the erasure has begun is written first: from then on nothing restores the tenant.
func (t *tick) eraseTenant(ctx context.Context, of *tenant.Tenant) (bool, error) {
	_, err := t.store.UpdateTenant(ctx, t.s, of.Name, func(old *tenant.Tenant) (*tenant.Tenant, error) {
		if old == nil || !old.Gone(t.config.Retention, t.now) || !old.ErasedSince.IsZero() {
			return old, nil
		}
		begun := *old
		begun.ErasedSince = t.now
		begun.Revision++
		return &begun, nil
	})
	if err != nil {
		return false, err
	}
	places, err := t.store.Places(ctx, t.s, of.Name)
	if err != nil {
		return false, err
	}
	var failed error
	for _, place := range places {
		if !t.more(ctx) {
			return false, nil
		}
		if err := t.store.Destroy(ctx, t.s, place); err == nil {
			t.erased.Add(1)
		} else if failed == nil {
			failed = err // the others go nevertheless
		}
	}
	if failed != nil {
		return false, failed
	}
	if err := t.store.EraseRoles(ctx, t.s, of.Name); err != nil {
		return false, err
	}
	if err := t.store.EraseTenant(ctx, t.s, of.Name); err != nil {
		return false, err
	}
	t.gone(of.UID)
	return true, nil
}

// catchUp has what the tenant's keys have missed put on the index again, to be done in this
// tick too. With many keys it takes several.
func (t *tick) catchUp(ctx context.Context, e store.Entry, name tenant.Name) (bool, error) {
	t.again = true
	places, err := t.store.Places(ctx, t.s, name)
	if err != nil {
		return false, err
	}
	at := e.String()
	r := t.resumed[at]
	for ; r.next < len(places); r.next++ {
		if !t.more(ctx) {
			t.resumed[at] = r
			return false, nil
		}
		if _, err := t.mend(ctx, places[r.next], func(string) {}); err != nil && r.failed == nil {
			r.failed = err // the others are looked at nevertheless, and then all once more
		}
	}
	delete(t.resumed, at)
	return r.failed == nil, r.failed
}

// mend has what leads to a key put right.
func (t *tick) mend(ctx context.Context, place store.Entry, seen func(keyID string)) (store.Mended, error) {
	return t.store.Mend(ctx, t.s, place, t.now, func(k *apikey.Key, of *tenant.Tenant) (bool, error) {
		if k.Gone(t.config.Retention, t.now) {
			return true, nil
		}
		care, _ := t.care(ctx, k, of) // uses that cannot be read are told of where they are pruned
		return k.Overdue(care, t.now), nil
	}, seen)
}
