package paths

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

// admit is the wall of identity: callers of a tenant reach their own tenant's paths and
// nothing else, others reach no tenant's.
func (h *Handlers) admit(ctx context.Context, s scope, r *request) error {
	own, err := h.identity.tenantOf(ctx, r.EntityID, r.config, r.now)
	if err != nil {
		return err
	}
	if s == platform {
		if own != "" {
			return refusal.Errorf(refusal.Forbidden, "this path is the provider's, and the caller belongs to tenant %q; use the paths under my/", string(own))
		}
		return nil
	}
	name, err := h.wanted(r, own)
	if err != nil {
		return err
	}
	r.tenant, err = h.store.OpenTenant(ctx, r.Storage, name)
	return err
}

// wanted returns the tenant that a tenant's path is about, when the caller may go there.
func (h *Handlers) wanted(r *request, own tenant.Name) (tenant.Name, error) {
	raw, spelled := r.captured.GetOk("tenant")
	if !spelled {
		if own == "" {
			return "", noTenant(r.config)
		}
		return own, nil
	}
	name, err := tenant.ParseName(raw.(string))
	switch {
	case err != nil:
		return "", err
	case own == name, own == "" && r.config.TenantBinding == tenant.Auto:
		return name, nil
	case own == "":
		return "", noTenant(r.config)
	default:
		return "", refusal.Errorf(refusal.Forbidden, "the caller belongs to another tenant than the path's")
	}
}

func noTenant(c *tenant.Config) error {
	return refusal.Errorf(refusal.Forbidden,
		"the caller has no tenant: neither its entity nor a group of it has the metadata %q", refusal.Quote(c.TenantMetadata))
}

const (
	identityAge      = 5 * time.Second // how late a changed identity may be noticed
	identityDeadline = 2 * time.Second // Vault's own calls have none
	identitiesCached = 50_000
)

// identity finds the tenant that Vault's identity store says a caller belongs to.
type identity struct {
	system logical.SystemView
	known  *otter.Cache[string, person]

	lookups singleflight.Group
}

// person is what is known of an entity. A person without a tenant belongs to the
// provider, or to nobody.
type person struct {
	tenant   tenant.Name
	metadata string // the name of the metadata that was looked at
	problem  error  // why the caller is refused everywhere
	until    time.Time
}

func newIdentity(system logical.SystemView) *identity {
	return &identity{
		system: system,
		known: otter.Must(&otter.Options[string, person]{
			MaximumSize: identitiesCached,
			Executor:    func(fn func()) { fn() },
		}),
	}
}

// tenantOf returns the caller's tenant, "" when it has none. The root token and other
// tokens without an entity have none.
func (i *identity) tenantOf(ctx context.Context, entityID string, c *tenant.Config, now time.Time) (tenant.Name, error) {
	if entityID == "" {
		return "", nil
	}
	p, ok := i.known.GetIfPresent(entityID)
	if !ok || !now.Before(p.until) || p.metadata != c.TenantMetadata {
		var err error
		if p, err = i.ask(ctx, entityID, c.TenantMetadata); err != nil {
			return "", err
		}
		p.until = now.Add(identityAge)
		i.known.Set(entityID, p)
	}
	return p.tenant, p.problem
}

// ask looks the entity and its groups up, within our own deadline. Callers of one entity
// share a lookup. One that hangs goes on in the background, since nothing can stop it;
// its answer is dropped, and the next caller begins anew.
func (i *identity) ask(ctx context.Context, entityID, metadata string) (person, error) {
	ctx, cancel := context.WithTimeout(ctx, identityDeadline)
	defer cancel()
	flight := metadata + "/" + entityID
	answer := i.lookups.DoChan(flight, func() (found any, err error) {
		defer func() {
			if recover() != nil {
				err = errIdentityAway
			}
		}()
		return i.lookup(entityID, metadata)
	})
	select {
	case a := <-answer:
		p, _ := a.Val.(person)
		return p, a.Err
	case <-ctx.Done():
		i.lookups.Forget(flight)
		return person{}, errIdentityAway
	}
}

var errIdentityAway = refusal.Errorf(refusal.Unavailable, "identity: Vault did not say who is calling; try again")

var errNotHere = refusal.Errorf(refusal.Forbidden, "identity: this namespace knows no entity of the caller, who is of another one, or was deleted; "+
	"log in where the engine is mounted")

func (i *identity) lookup(entityID, metadata string) (person, error) {
	entity, err := i.system.EntityInfo(entityID)
	if err != nil {
		return person{}, errIdentityAway
	}
	if entity == nil { // Vault's answer, and no failure of it
		return person{metadata: metadata, problem: errNotHere}, nil
	}
	groups, err := i.system.GroupsForEntity(entityID)
	if err != nil {
		return person{}, errIdentityAway
	}
	p := person{metadata: metadata}
	if entity.Disabled {
		p.problem = refusal.Errorf(refusal.Forbidden, "identity: the entity is disabled")
		return p, nil
	}
	p.tenant, p.problem = agree(metadata, entity, groups)
	return p, nil
}

// agree returns the one tenant that the entity and its groups name. All that name one
// must name the same.
func agree(metadata string, entity *logical.Entity, groups []*logical.Group) (tenant.Name, error) {
	said := []string{entity.Metadata[metadata]}
	for _, g := range groups {
		said = append(said, g.Metadata[metadata])
	}
	found := ""
	for _, s := range said {
		switch {
		case s == "" || s == found:
		case found == "":
			found = s
		default:
			return "", refusal.Errorf(refusal.Forbidden, "identity: the entity and its groups name different tenants in their %q metadata", refusal.Quote(metadata))
		}
	}
	if found == "" {
		return "", nil
	}
	name, err := tenant.ParseName(found)
	if err != nil {
		return "", refusal.Errorf(refusal.Forbidden, "identity: the %q metadata is not a tenant's name", refusal.Quote(metadata))
	}
	return name, nil
}
