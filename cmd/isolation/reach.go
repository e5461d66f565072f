package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// grants reads a token's policies, and reports grants that lead round or over the walls.
func (r *run) grants(ctx context.Context, p *party, c *caller) error {
	w := r.wall("what policies grant " + p.Name)
	found := func(what, why string) { w.Holes = append(w.Holes, finding{c.Entity, what, why}) }
	rules, root, err := c.rules(ctx)
	if errors.Is(err, errHidden) {
		w.Unjudged = append(w.Unjudged, finding{c.Entity, "read sys/internal/ui/resultant-acl", err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	w.Tries += len(rules)
	if root {
		found("a root token", "may do everything")
		return nil
	}
	all := dangers(r.mount)
	for _, l := range leads(rules, all, usual(c)) {
		for _, why := range l.why {
			found("grant of "+l.rule.String(), "lets them "+why)
		}
	}
	slices.SortStableFunc(w.Holes, func(a, b finding) int { return strings.Compare(a.Request, b.Request) })

	// Some servers list no rules with a + in them. Their answers about single paths are complete.
	var examples []string
	for _, d := range all {
		examples = append(examples, d.example...)
	}
	may, err := c.capabilities(ctx, examples)
	if err != nil {
		return err
	}
	if may == nil {
		w.Unjudged = append(w.Unjudged, finding{c.Entity, "write sys/capabilities-self", "the token may not"})
		return nil
	}
	w.Tries += len(examples)
	for _, d := range all {
		for _, path := range d.example {
			listed := slices.ContainsFunc(
				rules,
				func(g grant) bool { return meet(g.path, path) && slices.Equal(g.may, may[path]) },
			)
			covering := grant{path, may[path]}
			if d.dangerous(covering.may) && !listed && !slices.ContainsFunc(usual(c), covering.within) {
				found("grant that covers "+covering.String(), "lets them "+d.why)
			}
		}
	}
	return r.over(ctx, w, p, c)
}

// over looks for policies that reach over the wall into a tenant, so that only the engine's identity check
// stops the caller. With tenant_binding=auto that check lets callers without a tenant through; then it is a
// hole.
func (r *run) over(ctx context.Context, w *wall, p *party, c *caller) error {
	var paths []string
	for _, of := range []*party{r.a, r.b} {
		if of == p {
			continue
		}
		for _, e := range r.endpoints {
			for _, kind := range kindsOf(e) {
				if e.tenants() {
					there := names{"tenants/" + of.Tenant, of.Tenant, kind, r.nobody, r.nobodyID}
					path := r.mount + "/" + there.fill(e)
					paths = append(paths, path)
					if strings.HasSuffix(e.name, "/") {
						paths = append(paths, path+"/") // a policy may allow lists only with the slash
					}
				}
			}
		}
	}
	may, err := c.capabilities(ctx, paths)
	if err != nil {
		return err
	}
	w.Tries += len(paths)
	var open []string
	for _, path := range paths {
		if has := may[path]; len(has) > 0 && !slices.Contains(has, "deny") {
			open = append(open, path+" ("+strings.Join(has, " ")+")")
		}
	}
	if len(open) == 0 {
		return nil
	}
	const most = 2
	what := fmt.Sprintf(
		"policies (%s) grant %s",
		strings.Join(c.Policies, " "),
		strings.Join(open[:min(most, len(open))], ", "),
	)
	if len(open) > most {
		what += fmt.Sprintf(" and %d more", len(open)-most)
	}
	onlyCreds := !slices.ContainsFunc(open, func(path string) bool { return !strings.Contains(path, "/creds/") })
	if onlyCreds {
		what += ", as the policy for tenants bound by groups does"
	}
	switch r.report.Binding {
	case "auto":
		w.Holes = append(
			w.Holes,
			finding{c.Entity, what, "and tenant_binding=auto: nothing keeps a caller out whose identity has no tenant"},
		)
	case "":
		r.note(
			"%s: %s: the wall of identity alone keeps them out, if tenant_binding is required, which cannot be known",
			p.Name,
			what,
		)
	default:
		r.note("%s: %s: the wall of identity alone keeps them out", p.Name, what)
	}
	return nil
}
