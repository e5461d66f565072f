// Package identity finds a caller's tenant in Vault's identity store: in the metadata of the caller's entity, of its
// groups and, on auth mounts that the settings name, of its aliases. It keeps answers for a few seconds. If the store
// hangs, only the callers that need it are refused.
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
	maxAge     = 5 * time.Second // until a changed identity is noticed, at most
	deadline   = 2 * time.Second // Vault's own calls have no deadline
	maxCallers = 50_000          // cached
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

// caller is the cached answer about an entity. A caller without a tenant belongs to the provider, or to nobody.
type caller struct {
	tenant  tenant.Name
	from    Sources // what was read
	problem error   // nil, or why every request of the caller is refused
	until   time.Time
}

// New returns a lookup that asks store.
func New(store Store) *Lookup {
	return &Lookup{
		store: store,
		known: otter.Must(&otter.Options[string, caller]{
			MaximumSize: maxCallers,
			Executor:    func(fn func()) { fn() },
		}),
	}
}

// TenantOf returns the tenant of the entity, or "" if it has none. Tokens without an entity, such as the root token,
// have none. The error is a refusal.
func (l *Lookup) TenantOf(ctx context.Context, entityID string, from Sources, now time.Time) (tenant.Name, error) {
	if entityID == "" {
		return "", nil
	}
	who, ok := l.known.GetIfPresent(entityID)
	//mutate:false:2 "identities that have changed" ./paths TestIdentityIsNoticedWithinSeconds
	if !ok || !now.Before(who.until) || who.from != from {
		var err error
		if who, err = l.ask(ctx, entityID, from); err != nil {
			return "", err
		}
		l.known.Set(entityID, who)
	}
	return who.tenant, who.problem
}

// ask looks the entity and its groups up, with a deadline. Callers of the same entity share a lookup. A lookup that
// hangs goes on in the background, because nothing can stop it; its answer is dropped, and the next caller starts a
// new one.
func (l *Lookup) ask(ctx context.Context, entityID string, from Sources) (caller, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	flight := fmt.Sprintf("%s %q %q", entityID, from.Metadata, from.Claims.Lines)
	answer := l.lookups.DoChan(flight, func() (found any, err error) {
		defer func() {
			if recover() != nil {
				err = errNoAnswer
			}
		}()
		began := time.Now()
		who, err := l.lookup(entityID, from)
		// A caller that joins later gets an answer from this moment.
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
		return caller{}, errNoAnswer
	}
}

var errNoAnswer = refusal.Errorf(refusal.Unavailable, "identity: Vault did not say who is calling; try again")

var errNotHere = refusal.Errorf(refusal.Forbidden, "identity: this namespace knows no entity of the caller, "+
	"who is of another one, or was deleted; log in where the engine is mounted")

func (l *Lookup) lookup(entityID string, from Sources) (caller, error) {
	entity, err := l.store.EntityInfo(entityID)
	if err != nil {
		//mutate:zero:2 "an entity that Vault fails to tell" ./paths TestVaultThatDoesNotAnswerIsARefusal
		return caller{}, errNoAnswer
	}
	if entity == nil { // an answer, not a failure
		//mutate:zero:1.2 "an entity that Vault does not tell" ./paths TestCallersOfAnotherNamespace
		return caller{from: from, problem: errNotHere}, nil
	}
	groups, err := l.store.GroupsForEntity(entityID)
	if err != nil {
		//mutate:zero:2 "groups that Vault does not tell" ./paths TestVaultThatDoesNotAnswerIsARefusal
		return caller{}, errNoAnswer
	}
	who := caller{from: from}
	//mutate:false "disabled entities" ./paths TestWhoMayGoWhere
	if entity.Disabled {
		who.problem = refusal.Errorf(refusal.Forbidden, "identity: the entity is disabled")
		return who, nil
	}
	who.tenant, who.problem = from.singleTenant(entity, groups)
	return who, nil
}
