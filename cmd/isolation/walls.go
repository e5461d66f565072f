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

// strange is a field that no path has. The engine refuses it by name once policies and identity have let the caller
// through, and before anything is done: so it shows an open wall and harms nothing behind it.
const strange = "isolation_probe"

// never is a revision that nothing has: a write that asks for it is a lost race.
const never = 1 << 40

// harmless returns the fields with which a changing request can be sent in earnest, to a name that nobody has: if it
// came through, it would find nothing to change. ok is false for requests that have to be left at a strange field.
func harmless(e endpoint, method string) (sent fields, ok bool) {
	switch {
	case method == "GET" || method == "LIST":
		return nil, true
	case e.name == "config", e.name == "T", e.name == "T/:kind/keys/:name" && method != "DELETE",
		e.name == "T/:kind/roles/:role" && method != "DELETE", e.name == "admin/tenants/:tenant" && method != "DELETE":
		return fields{"cas": never}, true
	case e.name == "verify", e.name == "T/verify", e.name == "T/explain", e.name == "pickup":
		return fields{"request": "GET /isolation HTTP/1.1"}, true // which nobody has signed
	case e.name == "admin/import", e.name == "T/:kind/import":
		return fields{"keys": []any{}, "dry_run": true}, true
	case strings.HasSuffix(e.name, "/sign/:name"):
		return fields{"message": "isolation"}, true
	default:
		named := strings.TrimPrefix(strings.ReplaceAll(e.name, ":kind", ""), "T/")
		return nil, strings.Contains(named, ":")
	}
}

// names fill the places in an endpoint's name.
type names struct{ t, tenant, kind, object, keyID string }

// fill writes the path as every method takes it: Vault itself adds the slash of a list, and refuses writes that end in
// one.
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

// across returns all tries of one caller at an endpoint: every method with a strange field, those that the endpoint has
// in earnest. there are names of what there is, nobody's of what there is not.
func (r *run) across(who *caller, e endpoint, there, nobodys names) []try {
	var all []try
	for _, method := range methods {
		if !e.answers(method) && there.kind == kinds[1] {
			continue // What the engine does not have, it has in neither kind.
		}
		all = append(all, try{who, method, there.fill(e), fields{strange: true}})
		sent, ok := harmless(e, method)
		if !e.answers(method) || !ok {
			continue
		}
		earnest := nobodys
		if (method == "GET" || method == "LIST") && !strings.Contains(e.name, "/creds/") { // which would make something
			earnest = there
		}
		all = append(all, try{who, method, earnest.fill(e), sent})
		if method == "LIST" {
			all = append(all, try{who, "GET", earnest.fill(e), fields{"list": true}})
		}
	}
	return all
}

// kindsOf returns the kinds to try an endpoint in.
func kindsOf(e endpoint) []string {
	if strings.Contains(e.name, ":kind") {
		return kinds
	}
	return kinds[:1]
}

// intoTenant tries every path of a tenant in one spelling, where the callers have no business.
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

// someID returns a key ID of the tenant's for an endpoint: a leased key's where those are meant.
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

// spaMay are the endpoints of the provider that the SPA is to have, and the one that tells it no more than the engine's
// health. What its policy denies by name is none of them: whoever writes config can unmake the wall of identity.
func spaMay(e endpoint, _ string) bool {
	switch e.name {
	//mutate:instead:3 "the SPA at the settings, unseen" TestSPAMay => "config"
	case "admin/ids/:key_id", "admin/report", "status":
		return true
	default:
		return strings.HasPrefix(e.name, "admin/tenants/")
	}
}

// intoProvider tries the provider's paths, for which is false.
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
					break // It is the same path again.
				}
			}
		}
	}
	return nil
}

// words are the parts of paths, which cannot be said in a field.
func words(of *party, r *run) map[string]string {
	return map[string]string{"tenant": of.Tenant, "kind": "internal", "name": r.probe, "role": r.probe}
}

// named returns what judges a field called so. The list of leased keys is filtered by role, which the other tenant's
// has the name of: it may answer, with the caller's own.
func named(e endpoint, word string) judge {
	if word == "role" && strings.HasSuffix(e.name, "/leased/") {
		return harmlessRead
	}
	return refused
}

// byField says in a field what a path or identity alone may say.
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

// byID uses the key IDs of one tenant through the paths of another.
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
