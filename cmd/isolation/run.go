package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// run is one run of the command.
type run struct {
	mount     string
	spa, a, b *party
	operator  *caller  // reads the settings; nil: not given
	metadata  string   // the name of the metadata that names a tenant
	claims    []string // accessor:key of the metadata of aliases that does
	endpoints []endpoint
	probe     string // the name of all objects that the run makes
	nobody    string // a name that does not exist
	nobodyID  string // a key ID that does not exist
	needles   map[*party][]string
	report    *report
}

// errNoEngine is returned if the mount does not answer like the engine. Everything would be refused, which
// proves nothing.
var errNoEngine = errors.New("no such engine answers there")

// errShared is returned if one user is on two sides: its tokens act for the tenant of its last login.
var errShared = errors.New("one user is on two sides")

// errSame is returned if both tokens belong to one tenant.
var errSame = errors.New("both tokens belong to the same tenant")

func (r *run) parties() []*party { return []*party{r.spa, r.a, r.b} }

func (r *run) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.report.Notes, text) {
		r.report.Notes = append(r.report.Notes, text)
	}
}

// begin finds out who the callers are and which endpoints there are.
func (r *run) begin(ctx context.Context) error {
	r.probe, r.nobody, r.nobodyID = word(), word(), rand.Text()[:16]
	r.needles = map[*party][]string{}
	for _, p := range r.parties() {
		for _, c := range p.Callers {
			if err := c.meet(ctx); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
	if err := errors.Join(r.settings(ctx), r.discover(ctx)); err != nil {
		return err
	}
	if !r.oneUser() {
		return errShared
	}
	for _, p := range []*party{r.a, r.b} {
		if err := r.belongs(ctx, p); err != nil {
			return err
		}
	}
	if r.a.Tenant == r.b.Tenant {
		return fmt.Errorf("%w: %s", errSame, r.a.Tenant)
	}
	return nil
}

// settings reads the mount's settings for tenants and callers, if any caller may.
func (r *run) settings(ctx context.Context) error {
	r.metadata = "tenant"
	readers := slices.Clone(r.spa.Callers)
	if r.operator != nil {
		readers = append([]*caller{r.operator}, readers...)
	}
	for _, c := range readers {
		a, err := c.send(ctx, http.MethodGet, r.mount+"/config", nil)
		if err != nil {
			return err
		}
		if binding := a.text("tenant_binding"); a.ok() && binding != "" {
			r.report.Binding, r.metadata = binding, a.text("tenant_metadata")
			claims, _ := a.Data["tenant_claims"].([]any)
			for _, claim := range claims {
				r.claims = append(r.claims, fmt.Sprint(claim))
			}
			return nil
		}
	}
	r.note("tenant_binding cannot be known: only an operator may read config, and no token of one was given")
	return nil
}

// discover reads the mount's paths. Every token may read help, which shows that the engine is there.
func (r *run) discover(ctx context.Context) error {
	known := merged(table)
	r.endpoints = known
	for _, p := range r.parties() {
		for _, c := range p.Callers {
			a, err := c.send(ctx, http.MethodGet, r.mount+"/", fields{"help": 1})
			if err != nil {
				return err
			}
			if !a.ok() {
				continue
			}
			told, err := documented(a.body)
			if err != nil || len(missing(told, known)) == len(told) {
				return fmt.Errorf("%w: %s/ is documented as something else", errNoEngine, r.mount)
			}
			if more := missing(told, known); len(more) > 0 {
				r.note(
					"the engine serves what this command was not made for, and is tried there too: %s",
					strings.Join(more, ", "),
				)
			}
			r.endpoints = merged(known, told)
			return nil
		}
	}
	return fmt.Errorf("%w: nobody may see what %s/ is", errNoEngine, r.mount)
}

// all tries every wall. It removes what it made, also when it is interrupted.
func (r *run) all(ctx context.Context) (err error) {
	if err := r.begin(ctx); errors.Is(err, errShared) {
		return nil // It is in the report, as a hole.
	} else if err != nil {
		return err
	}
	const removing = time.Minute
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
		defer cancel()
		r.clear(ctx, r.a)
		r.clear(ctx, r.b)
	}()
	for _, p := range []*party{r.a, r.b} {
		if err := r.furnish(ctx, p); err != nil {
			return err
		}
	}
	if err := r.walls(ctx); err != nil {
		return err
	}
	for _, p := range r.parties() {
		for _, c := range p.Callers {
			if err := r.grants(ctx, p, c); err != nil {
				return err
			}
			if err := c.alive(ctx); err != nil { // otherwise the last refusals prove nothing
				return fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
	return nil
}

func (r *run) walls(ctx context.Context) error {
	for _, of := range []*party{r.a, r.b} {
		if err := r.intoTenant(ctx, r.spa, of, "tenants/"+of.Tenant); err != nil {
			return err
		}
	}
	if err := r.intoTenant(ctx, r.spa, r.a, "my"); err != nil {
		return err
	}
	if err := r.intoProvider(ctx, r.spa, r.a, "verdicts, secrets and settings", spaMay); err != nil {
		return err
	}
	nothing := func(endpoint, string) bool { return false }
	for _, pair := range [][2]*party{{r.a, r.b}, {r.b, r.a}} {
		by, of := pair[0], pair[1]
		err := r.intoTenant(ctx, by, of, "tenants/"+of.Tenant)
		for _, next := range []func() error{
			func() error { return r.intoProvider(ctx, by, of, "the provider's paths", nothing) },
			func() error { return r.byID(ctx, by, of) },
			func() error { return r.byCall(ctx, by, of) },
			func() error { return r.byField(ctx, by, of) },
			func() error { return r.byImport(ctx, by, of) },
			func() error { return r.choices(ctx, by) },
		} {
			if err == nil {
				err = next()
			}
		}
		if err != nil {
			return err
		}
	}
	for _, p := range r.parties() {
		if err := r.answers(ctx, p); err != nil {
			return err
		}
	}
	return errors.Join(r.kept(ctx, r.a), r.kept(ctx, r.b))
}

// answers reads everything that a party may read, and looks for another party's data in it.
func (r *run) answers(ctx context.Context, p *party) error {
	w := r.wall("answers to " + p.Name)
	spelled := []string{""}
	if p != r.spa {
		spelled = p.own("")
	}
	for _, who := range p.Callers {
		for _, e := range r.endpoints {
			for method := range strings.FieldsSeq(e.methods) {
				if method != "GET" && method != "LIST" || e.tenants() == (p == r.spa) ||
					strings.Contains(e.name, "/creds/") {
					continue
				}
				for _, t := range spelled {
					for _, kind := range kindsOf(e) {
						about := p
						if p == r.spa {
							about = r.a
						}
						own := names{t, about.Tenant, kind, r.probe, r.someID(about, kind, e)}
						if err := r.tryAll(ctx, w, []try{{who, method, own.fill(e), nil}}, harmlessRead); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	return nil
}

// tryAll sends requests and records the outcomes.
func (r *run) tryAll(ctx context.Context, w *wall, tries []try, means judge) error {
	for _, t := range tries {
		a, err := t.who.send(ctx, t.method, r.mount+"/"+t.path, t.sent)
		if err != nil {
			return err
		}
		w.count(t, a, means(t, a), r.others(t.who), r.mount)
	}
	return nil
}

// others returns the values that no answer to the caller may contain.
func (r *run) others(who *caller) []string {
	var all []string
	for _, p := range r.parties() {
		if !slices.Contains(p.Callers, who) {
			all = append(all, r.needles[p]...)
		}
	}
	if slices.Contains(r.spa.Callers, who) {
		all = append(all, r.probe) // the SPA may not even learn a key's name
	}
	return all
}
