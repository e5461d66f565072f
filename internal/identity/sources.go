package identity

import (
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// Sources are the places in Vault's identity store that name callers' tenants.
type Sources struct {
	Metadata string        // of entities and groups
	Claims   tenant.Claims // of aliases
}

// named is what one source says.
type named struct{ metadata, tenant string }

// singleTenant returns the tenant that the entity, its groups and its aliases name, or "" if none does. It is a refusal
// if they name different tenants.
func (s Sources) singleTenant(entity *logical.Entity, groups []*logical.Group) (tenant.Name, error) {
	said := []named{{s.Metadata, entity.Metadata[s.Metadata]}}
	for _, g := range groups {
		said = append(said, named{s.Metadata, g.Metadata[s.Metadata]})
	}
	said = append(said, s.claimed(entity.Aliases)...)
	var found named
	for _, one := range said {
		switch {
		case one.tenant == "" || one.tenant == found.tenant:
		//mutate:true "identities that disagree" TestOneTenantIsNamed
		case found.tenant == "":
			found = one
		default:
			return "", s.disagreement()
		}
	}
	if found.tenant == "" {
		return "", nil
	}
	name, err := tenant.ParseName(found.tenant)
	if err != nil {
		return "", refusal.Errorf(refusal.Forbidden,
			"identity: the %q metadata is not a tenant's name", refusal.Quote(found.metadata))
	}
	return name, nil
}

// claimed returns what aliases say that the caller has by a login, on the auth mounts that are trusted with it. An
// alias's custom metadata is no login's, and never counts.
func (s Sources) claimed(aliases []*logical.Alias) (said []named) {
	for accessor, key := range s.Claims.Each() {
		for _, a := range aliases {
			//mutate:true "claims of other auth mounts" TestClaimsNameTenants
			if a.MountAccessor == accessor {
				said = append(said, named{key, a.Metadata[key]})
			}
		}
	}
	return said
}

func (s Sources) disagreement() error {
	if s.Claims == (tenant.Claims{}) {
		return refusal.Errorf(
			refusal.Forbidden,
			"identity: the entity and its groups name different tenants in their %q metadata",
			refusal.Quote(s.Metadata),
		)
	}
	return refusal.Errorf(
		refusal.Forbidden,
		"identity: the entity, its groups and its aliases name different tenants, by the metadata %q and tenant_claims",
		refusal.Quote(s.Metadata),
	)
}
