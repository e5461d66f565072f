package store

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// RolePlace is a place of a role that a leased key takes. The zero value is that of a role without a limit.
type RolePlace struct {
	in    *count
	ref   roleRef
	keyID string
}

// ReserveOfRole takes one of the role's places for leased keys, if the role limits them. A key that is revoked, also by
// its role, or whose lease has ended, takes no place. It is a refusal if the role's max_leased keys live.
func (st *Store) ReserveOfRole(
	ctx context.Context,
	s logical.Storage,
	t *tenant.Tenant,
	role *apikey.Role,
	keyID string,
) (RolePlace, error) {
	if role.MaxLeased == 0 {
		return RolePlace{}, nil
	}
	n := st.counts.of(familyLeased, t.UID)
	n.mu.Lock()
	defer n.mu.Unlock()
	ref := roleRef{role.Kind, role.Name, role.Epoch}
	if n.roles.live == nil || !n.roles.exact && len(n.roles.live[ref]) >= role.MaxLeased {
		if err := st.countRoles(ctx, s, t, &n.roles); err != nil {
			return RolePlace{}, err
		}
	}
	//mutate:false "how many leased keys of a role may live" TestRoleLimit
	if len(n.roles.live[ref]) >= role.MaxLeased {
		return RolePlace{}, refusal.Errorf(
			refusal.Invalid,
			"max_leased: role %q has the %d live leased keys it may have; revoke leases that are not used any more, "+
				"or raise the role's max_leased",
			string(role.Name),
			role.MaxLeased,
		)
	}
	n.roles.add(ref, keyID)
	n.roles.making[keyID] = ref
	return RolePlace{n, ref, keyID}, nil
}

// GiveBack frees the place of a key that was certainly not made.
func (p RolePlace) GiveBack() {
	if p.in == nil {
		return
	}
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	delete(p.in.roles.making, p.keyID)
	delete(p.in.roles.live[p.ref], p.keyID)
}

// Forget is for a key of which only storage knows whether it was made: the place stays taken until a request at the
// limit looks at the records.
func (p RolePlace) Forget() {
	if p.in == nil {
		return
	}
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	delete(p.in.roles.making, p.keyID)
	p.in.roles.exact = false
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
