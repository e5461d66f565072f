package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// party is one side of the walls: the SPA, tenant A or tenant B. It has one token or more, because one may make
// keys and another verify.
type party struct {
	Name    string    `json:"name"`
	Tenant  string    `json:"tenant,omitempty"`
	Callers []*caller `json:"callers"`

	probes []*probe // the objects that it made
}

// errDead is returned for tokens that may have ended. Everything is refused to those, which proves nothing.
var errDead = errors.New("the token is not good, or may not even look itself up")

// errUnknown is returned if the name of a party's tenant cannot be found out.
var errUnknown = errors.New("cannot find out which tenant the tokens belong to: say it with -a-tenant, -b-tenant")

// meet fills in the caller's identity.
func (c *caller) meet(ctx context.Context) error {
	a, err := c.send(ctx, http.MethodGet, "auth/token/lookup-self", nil)
	if err != nil {
		return err
	}
	if !a.ok() {
		return fmt.Errorf("%w: %d %s", errDead, a.status, a.says())
	}
	c.Accessor, c.entityID = a.text("accessor"), a.text("entity_id")
	c.Entity, c.Policies = c.entityID, nil
	for _, list := range []string{"policies", "identity_policies"} {
		names, _ := a.Data[list].([]any)
		for _, name := range names {
			c.Policies = append(c.Policies, fmt.Sprint(name))
		}
	}
	slices.Sort(c.Policies)
	c.Policies = slices.Compact(c.Policies)
	if c.entityID == "" {
		return nil
	}
	// The policy default lets callers read their own entity. A caller that may not is named by its ID.
	entity, err := c.send(ctx, http.MethodGet, "identity/entity/id/"+c.entityID, nil)
	if err == nil && entity.ok() {
		c.Entity = entity.text("name")
		c.metadata, _ = entity.Data["metadata"].(map[string]any)
		c.aliases, _ = entity.Data["aliases"].([]any)
	}
	return err
}

// alive returns an error if the token has ended. Then all of its later requests were refused, which proves
// nothing.
func (c *caller) alive(ctx context.Context) error {
	a, err := c.send(ctx, http.MethodGet, "auth/token/lookup-self", nil)
	if err == nil && !a.ok() {
		err = fmt.Errorf("%w: %d %s", errDead, a.status, a.says())
	}
	return err
}

// belongs finds out a party's tenant from the engine's answers, or else from the party's entity.
func (r *run) belongs(ctx context.Context, p *party) error {
	if p.Tenant != "" {
		return nil
	}
	for _, c := range p.Callers {
		for _, path := range []string{"my", "my/due", "my/external/creds/" + r.nobody} {
			a, err := c.send(ctx, http.MethodGet, r.mount+"/"+path, nil)
			if err != nil {
				return err
			}
			if name := a.text("tenant"); a.ok() && name != "" {
				p.Tenant = name
				return nil
			}
		}
	}
	for _, c := range p.Callers {
		if name := c.said(r.metadata, r.claims); name != "" {
			p.Tenant = name
			return nil
		}
	}
	return fmt.Errorf("%s: %w", p.Name, errUnknown)
}

// first returns the first good answer to any of the party's callers on any of the paths, or else the last
// answer.
func (r *run) first(ctx context.Context, p *party, method string, sent fields, paths ...string) (*answered, error) {
	var last *answered
	for _, c := range p.Callers {
		for _, path := range paths {
			a, err := c.send(ctx, method, r.mount+"/"+path, sent)
			if err != nil || a.ok() {
				return a, err
			}
			if last == nil || a.status != http.StatusForbidden {
				last = a
			}
		}
	}
	return last, nil
}

// own returns the spellings of one of the party's own paths.
func (p *party) own(rest string) []string {
	return []string{"my" + rest, "tenants/" + p.Tenant + rest}
}

// title returns the caller's description for the report.
func (p *party) title(c *caller) string {
	who := c.Entity
	if who == "" {
		who = "no entity"
	}
	return fmt.Sprintf("%s, accessor %s, policies %s", who, c.Accessor, strings.Join(c.Policies, " "))
}

// oneUser checks that no two sides are one entity to the server, and reports whether so. A login writes the metadata of
// its alias for all sessions of the entity: whoever logs in for one tenant and then for another has both act for the
// last. To try it, one person logs in for tenant A and then for tenant B.
func (r *run) oneUser() (apart bool) {
	w := r.wall("one user on two sides")
	sides := r.parties()
	for i, p := range sides {
		for _, other := range sides[i+1:] {
			for _, c := range p.Callers {
				for _, d := range other.Callers {
					w.Tries++
					//mutate:true "one user of two tenants, seen" TestOneUser
					if c.entityID == "" || c.entityID != d.entityID {
						w.ByIdentity++
						continue
					}
					w.Holes = append(w.Holes, finding{
						c.Entity, fmt.Sprintf("tokens of %s and %s", p.Name, other.Name),
						"they are one entity: where logins name tenants, the last login decides for whom both act",
					})
				}
			}
		}
	}
	if len(w.Holes) > 0 {
		r.note("one user is on two sides: no other wall was tried")
	}
	return len(w.Holes) == 0
}

// said returns what a caller's entity and aliases say of its tenant, as far as the server tells it.
func (c *caller) said(metadata string, claims []string) string {
	if name, _ := c.metadata[metadata].(string); name != "" {
		return name
	}
	for _, claim := range claims {
		accessor, key, _ := strings.Cut(claim, ":")
		for _, listed := range c.aliases {
			alias, _ := listed.(map[string]any)
			told, _ := alias["metadata"].(map[string]any)
			if name, _ := told[key].(string); name != "" && alias["mount_accessor"] == accessor {
				return name
			}
		}
	}
	return ""
}
