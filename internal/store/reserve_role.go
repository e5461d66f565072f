package store

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// ReserveOfRole takes one of the role's places for leased keys, if the role limits them. The caller calls undo if it
// does not make the key, or does not know whether it did. A key that is revoked, also by its role, or whose lease has
// ended, takes no place. It is a refusal if the role's max_leased keys live.
func (st *Store) ReserveOfRole(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	role *apikey.Role,
	keyID string,
) (undo func(), err error) {
	if role.MaxLeased == 0 {
		return func() {}, nil
	}
	n := st.counts.of(familyLeased, t.UID)
	n.mu.Lock()
	defer n.mu.Unlock()
	ref := roleRef{role.Kind, role.Name, role.Epoch}
	if n.roles.live == nil || !n.roles.exact && len(n.roles.live[ref]) >= role.MaxLeased {
		if err := st.countRoles(ctx, s, t, &n.roles); err != nil {
			return nil, err
		}
	}
	//mutate:false "how many leased keys of a role may live" TestRoleLimit
	if len(n.roles.live[ref]) >= role.MaxLeased {
		return nil, refusal.Errorf(
			refusal.Invalid,
			"max_leased: role %q has the %d live leased keys it may have; revoke leases that are not used any more, "+
				"or raise the role's max_leased",
			string(role.Name),
			role.MaxLeased,
		)
	}
	n.roles.add(ref, keyID)
	n.roles.making[keyID] = ref
	return func() { n.unmade(keyID) }, nil
}

// unmade notes that a key was not made, or perhaps was. It keeps its place until the records are looked at again.
func (c *count) unmade(keyID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.roles.making, keyID)
	c.roles.exact = false
}

// countRoles finds the live leased keys of all the tenant's roles. Keys being made, which a list could miss, stay. A
// record that cannot be decoded verifies no call, and counts as ended.
func (st *Store) countRoles(ctx context.Context, s logical.Storage, t *tenant.Tenant, c *roleCounts) error {
	found := roleCounts{live: make(map[roleRef]map[string]struct{}), making: make(map[string]roleRef), exact: true}
	//mutate:skip "keys of a role that are being made" TestRoleCountBesideAKeyBeingMade
	for keyID, ref := range c.making {
		found.making[keyID] = ref
		found.add(ref, keyID)
	}
	for _, kind := range apikey.Kinds {
		ids, err := list(ctx, s, location{family: familyLeased, tenant: t.Name, kind: kind})
		if err != nil {
			return err
		}
		for _, keyID := range ids {
			k, err := st.keys.get(ctx, s, location{familyLeased, t.Name, kind, keyID})
			if err != nil && !errors.Is(err, ErrCorrupt) {
				return err
			}
			if k != nil && k.UID == t.UID {
				found.changed(k)
			}
		}
	}
	*c = found
	return nil
}
