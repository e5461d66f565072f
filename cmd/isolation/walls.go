package main

import (
	"context"
	"fmt"
	"strings"
)

// try is one request across a wall.
type try struct {
	who    *caller
	method string
	path   string // after the mount
	sent   fields
}

// strange is a field that no path has. The engine refuses it by name after policies and identity have let the
// caller through, and before it does anything. So the answer shows an open wall, and nothing behind it is
// harmed.
const strange = "isolation_probe"

// never is a revision that no object has. A write that expects it fails as a lost race.
const never = 1 << 40

// harmless returns fields with which a request that changes something can be sent without the strange field: it
// names objects that do not exist, so it would find nothing to change. ok is false for requests that need the
// strange field.
func harmless(e endpoint, method string) (sent fields, ok bool) {
	switch {
	case method == "GET" || method == "LIST":
		return nil, true
	case e.name == "config", e.name == "T", e.name == "T/:kind/keys/:name" && method != "DELETE",
		e.name == "T/:kind/roles/:role" && method != "DELETE", e.name == "admin/tenants/:tenant" && method != "DELETE":
		return fields{"cas": never}, true
	case e.name == "verify", e.name == "T/verify", e.name == "T/explain", e.name == "pickup":
		return fields{"request": "GET /isolation HTTP/1.1"}, true // not signed
	case e.name == "admin/import", e.name == "T/:kind/import":
		return fields{"keys": []any{}, "dry_run": true}, true
	case strings.HasSuffix(e.name, "/sign/:name"):
		return fields{"message": "isolation"}, true
	default:
		named := strings.TrimPrefix(strings.ReplaceAll(e.name, ":kind", ""), "T/")
		return nil, strings.Contains(named, ":")
	}
}

// names are the values for the placeholders in an endpoint's name.
type names struct{ t, tenant, kind, object, keyID string }

// fill returns the path in the form that every method accepts. Vault adds the slash of a list, and refuses
// writes with a final slash.
func (n names) fill(e endpoint) string {
	name := strings.TrimSuffix(e.name, "/")
	if rest, isT := strings.CutPrefix(name, "T"); isT && e.tenants() {
		name = n.t + rest
	}
	return strings.NewReplacer(
		":tenant", n.tenant, ":kind", n.kind, ":name", n.object, ":role", n.object, ":key_id", n.keyID,
	).
		Replace(name)
}

// across returns all tries of one caller at an endpoint: every method with the strange field, and the
// endpoint's own methods without it where that is harmless. there names existing objects, nobodys objects that
// do not exist.
func (r *run) across(who *caller, e endpoint, there, nobodys names) []try {
	var all []try
	for _, method := range methods {
		if !e.answers(method) && there.kind == kinds[1] {
			continue // a missing path is missing for both kinds
		}
		all = append(all, try{who, method, there.fill(e), fields{strange: true}})
		sent, ok := harmless(e, method)
		if !e.answers(method) || !ok {
			continue
		}
		earnest := nobodys
		if (method == "GET" || method == "LIST") && !strings.Contains(e.name, "/creds/") { // reading creds makes a key
			earnest = there
		}
		all = append(all, try{who, method, earnest.fill(e), sent})
		if method == "LIST" {
			all = append(all, try{who, "GET", earnest.fill(e), fields{"list": true}})
		}
	}
	return all
}

// kindsOf returns the kinds with which an endpoint is tried.
func kindsOf(e endpoint) []string {
	if strings.Contains(e.name, ":kind") {
		return kinds
	}
	return kinds[:1]
}

// intoTenant tries every path of a tenant in one spelling. They are all closed to the callers.
func (r *run) intoTenant(ctx context.Context, by, of *party, spelled string) error {
	w := r.wall(fmt.Sprintf("%s into %s/…", by.Name, spelled))
	for _, who := range by.Callers {
		for _, e := range r.endpoints {
			if !e.tenants() {
				continue
			}
			for _, kind := range kindsOf(e) {
				there := names{spelled, of.Tenant, kind, r.probe, r.someID(of, kind, e)}
				nobodys := names{spelled, of.Tenant, kind, r.nobody, r.nobodyID}
				if err := r.tryAll(ctx, w, r.across(who, e, there, nobodys), outside); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// someID returns one of the tenant's key IDs for an endpoint: a leased key's on the paths of leased keys.
func (r *run) someID(p *party, kind string, e endpoint) string {
	for _, made := range p.probes {
		switch {
		case made.kind != kind:
		case strings.Contains(e.name, "/leased/") && made.leasedID != "":
			return made.leasedID
		case made.keyID != "":
			return made.keyID
		}
	}
	return r.nobodyID
}

// spaMay reports whether the SPA may use an endpoint of the provider, or one that shows only the engine's
// health. Endpoints that its policy denies by name are not among them: a caller that can write config can
// remove the engine's identity check.
func spaMay(e endpoint, _ string) bool {
	switch e.name {
	//mutate:instead:3 "the SPA at the settings, unseen" TestSPAMay => "config"
	case "admin/ids/:key_id", "admin/report", "status":
		return true
	default:
		return strings.HasPrefix(e.name, "admin/tenants/")
	}
}

// intoProvider tries the provider's paths for which may returns false.
func (r *run) intoProvider(ctx context.Context, by, of *party, name string, may func(endpoint, string) bool) error {
	w := r.wall(by.Name + " into " + name)
	for _, who := range by.Callers {
		for _, e := range r.endpoints {
			if e.tenants() {
				continue
			}
			for _, about := range []*party{by, of} {
				there := names{"", about.Tenant, "", r.probe, r.someID(about, kinds[0], e)}
				nobodys := names{"", r.nobody, "", r.nobody, r.nobodyID}
				var tries []try
				for _, one := range r.across(who, e, there, nobodys) {
					if !may(e, one.method) {
						tries = append(tries, one)
					}
				}
				if err := r.tryAll(ctx, w, tries, outside); err != nil {
					return err
				}
				if !strings.Contains(e.name, ":") {
					break // the path has no kind, so the next one is the same
				}
			}
		}
	}
	return nil
}

// words are the parameters of paths, which cannot be given as fields.
func words(of *party, r *run) map[string]string {
	return map[string]string{"tenant": of.Tenant, "kind": "internal", "name": r.probe, "role": r.probe}
}

// named returns the judge for a try with the field word. The list of leased keys can be filtered by role, and
// both tenants' roles have the same name: it may answer with the caller's own keys.
func named(e endpoint, word string) judge {
	if word == "role" && strings.HasSuffix(e.name, "/leased/") {
		return harmlessRead
	}
	return refused
}

// byField gives in a field what only a path or the identity may decide.
func (r *run) byField(ctx context.Context, by, of *party) error {
	w := r.wall(fmt.Sprintf("%s naming %s in fields", by.Name, of.Name))
	for _, who := range by.Callers {
		for _, e := range r.endpoints {
			for method := range strings.FieldsSeq(e.methods) {
				if !e.tenants() {
					continue
				}
				for _, spelled := range []string{"my", "tenants/" + by.Tenant} {
					for word, value := range words(of, r) {
						mine := names{spelled, by.Tenant, "external", r.nobody, r.nobodyID}
						sent := fields{word: value}
						if body, ok := harmless(e, method); ok {
							for name, value := range body {
								sent[name] = value
							}
						} else {
							sent[strange] = true
						}
						if err := r.tryAll(
							ctx,
							w,
							[]try{{who, method, mine.fill(e), sent}},
							named(e, word),
						); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	return nil
}

// byID uses the key IDs of one tenant on the paths of another.
func (r *run) byID(ctx context.Context, by, of *party) error {
	w := r.wall(fmt.Sprintf("%s using key IDs of %s", by.Name, of.Name))
	var tries []try
	for _, who := range by.Callers {
		for _, path := range by.own("") {
			for _, theirs := range of.probes {
				for _, id := range []string{theirs.keyID, theirs.leasedID} {
					if id == "" {
						continue
					}
					tries = append(tries, try{who, "GET", path + "/ids/" + id, nil})
					for _, kind := range kinds {
						leased := path + "/" + kind + "/leased/" + id
						tries = append(tries, try{who, "GET", leased, nil})
						for _, action := range []string{"disable", "enable", "revoke"} {
							tries = append(tries, try{who, "POST", leased + "/" + action, nil})
							tries = append(
								tries,
								try{
									who,
									"POST",
									path + "/" + kind + "/keys/" + r.probe + "/" + action,
									fields{"key_id": id},
								},
							)
						}
						tries = append(
							tries,
							try{
								who,
								"POST",
								path + "/" + kind + "/keys/" + r.probe + "/rotate",
								fields{"current_key_id": id},
							},
						)
					}
				}
			}
		}
	}
	if len(tries) == 0 {
		r.note("%s: %s has made nothing that has a key ID", w.Name, of.Name)
	}
	return r.tryAll(ctx, w, tries, unfound)
}
