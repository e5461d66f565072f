// Package identity takes a caller's tenant from Vault's identity store: from the metadata of the caller's entity, of
// its groups and, on auth mounts that the settings name, of its aliases. Answers are kept for seconds, and a store that
// hangs refuses its callers and nobody else.
package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"vault-plugin-secrets-apikeys/internal/refusal"
	"vault-plugin-secrets-apikeys/internal/tenant"
)

const (
	maxAge     = 5 * time.Second // how late a changed identity may be noticed
	deadline   = 2 * time.Second // Vault's own calls have none
	maxCallers = 50_000          // in memory
)

// Store is Vault's identity store.
type Store interface {
	EntityInfo(entityID string) (*logical.Entity, error)
	GroupsForEntity(entityID string) ([]*logical.Group, error)
}

// Lookup finds the tenant that Vault's identity store says a caller belongs to.
type Lookup struct {
	store   Store
	known   *otter.Cache[string, caller]
	lookups singleflight.Group
}

// caller is what is known of an entity. A caller without a tenant belongs to the provider, or to nobody.
type caller struct {
	tenant  tenant.Name
	from    Sources // what was looked at
	problem error   // why the caller is refused everywhere
	until   time.Time
}

// New returns a lookup in a store.
func New(store Store) *Lookup {
	return &Lookup{
		store: store,
		known: otter.Must(&otter.Options[string, caller]{
			MaximumSize: maxCallers,
			Executor:    func(fn func()) { fn() },
		}),
	}
}

// TenantOf returns the caller's tenant, "" when it has none. The root token and other tokens without an entity have
// none.
func (l *Lookup) TenantOf(ctx context.Context, entityID string, from Sources, now time.Time) (tenant.Name, error) {
	if entityID == "" {
		return "", nil
	}
	who, ok := l.known.GetIfPresent(entityID)
	//mutate:false:2 "identities that have changed" ./backend TestIdentityIsNoticedWithinSeconds
	if !ok || !now.Before(who.until) || who.from != from {
		var err error
		if who, err = l.ask(ctx, entityID, from); err != nil {
			return "", err
		}
		l.known.Set(entityID, who)
	}
	return who.tenant, who.problem
}

// ask looks the entity and its groups up, within our own deadline. Callers of one entity share a lookup. One that hangs
// goes on in the background, because nothing can stop it; its answer is dropped, and the next caller begins anew.
func (l *Lookup) ask(ctx context.Context, entityID string, from Sources) (caller, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	flight := fmt.Sprintf("%s %q %q", entityID, from.Metadata, from.Claims.Lines)
	answer := l.lookups.DoChan(flight, func() (found any, err error) {
		defer func() {
			if recover() != nil {
				err = errAway
			}
		}()
		began := time.Now()
		who, err := l.lookup(entityID, from)
		// Whoever joins later learns what was so then.
		//mutate:instead:1 "when a shared answer is too old" TestSharedAnswersAreNotKeptForLonger
		//mutate:more => maxAge + time.Since(began)
		who.until = began.Add(maxAge)
		return who, err
	})
	select {
	case a := <-answer:
		who, _ := a.Val.(caller)
		return who, a.Err
	case <-ctx.Done():
		l.lookups.Forget(flight)
		return caller{}, errAway
	}
}

var errAway = refusal.Errorf(refusal.Unavailable, "identity: Vault did not say who is calling; try again")

var errNotHere = refusal.Errorf(refusal.Forbidden, "identity: this namespace knows no entity of the caller, "+
	"who is of another one, or was deleted; log in where the engine is mounted")

func (l *Lookup) lookup(entityID string, from Sources) (caller, error) {
	entity, err := l.store.EntityInfo(entityID)
	if err != nil {
		//mutate:zero:2 "an entity that Vault fails to tell" ./backend TestVaultThatDoesNotAnswerIsARefusal
		return caller{}, errAway
	}
	if entity == nil { // Vault's answer, and no failure of it
		//mutate:zero:1.2 "an entity that Vault does not tell" ./backend TestCallersOfAnotherNamespace
		return caller{from: from, problem: errNotHere}, nil
	}
	groups, err := l.store.GroupsForEntity(entityID)
	if err != nil {
		//mutate:zero:2 "groups that Vault does not tell" ./backend TestVaultThatDoesNotAnswerIsARefusal
		return caller{}, errAway
	}
	who := caller{from: from}
	//mutate:false "disabled entities" ./backend TestWhoMayGoWhere
	if entity.Disabled {
		who.problem = refusal.Errorf(refusal.Forbidden, "identity: the entity is disabled")
		return who, nil
	}
	who.tenant, who.problem = from.singleTenant(entity, groups)
	return who, nil
}
