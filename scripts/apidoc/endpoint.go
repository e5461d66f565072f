package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// verb is an operation as the documents and Vault's CLI call it.
type verb struct {
	operation  logical.Operation
	name, http string
}

// verbs are all that the engine may use, in the order in which they are shown.
var verbs = []verb{
	{logical.ListOperation, "list", "LIST"},
	{logical.ReadOperation, "read", "GET"},
	{logical.UpdateOperation, "write", "POST, PUT"},
	{logical.PatchOperation, "patch", "PATCH"},
	{logical.DeleteOperation, "delete", "DELETE"},
}

// errUnspelled is returned for paths that the document could not say truly.
var errUnspelled = errors.New("cannot be documented")

// endpoint is one path as people write it, after the mount: verify, or T/:kind/keys/:name. T stands for both ways to
// name a tenant.
type endpoint struct {
	name string
	path *framework.Path
}

// operations returns the verbs of the endpoint, in order.
func (e endpoint) operations() []verb {
	var has []verb
	for _, v := range verbs {
		if e.path.Operations[v.operation] != nil {
			has = append(has, v)
		}
	}
	return has
}

var (
	capture = regexp.MustCompile(`\(\?P<(\w+)>[^)]*\)`)
	tenantT = regexp.MustCompile(`^(tenants/:tenant|my)(/|$)`)
)

// collect returns the endpoints of the paths, each once, sorted: the provider's first, then the tenants'. A tenant's
// path must be there in both spellings, alike.
func collect(paths []*framework.Path) ([]endpoint, error) {
	var all []endpoint
	found := map[string][]*framework.Path{}
	for _, p := range paths {
		written := spell(p.Pattern)
		name := tenantT.ReplaceAllString(written, "T$2")
		if len(found[name]) == 0 {
			all = append(all, endpoint{name, p})
		}
		found[name] = append(found[name], p)
	}
	for _, e := range all {
		spellings := found[e.name]
		if isTenants := e.name == "T" || strings.HasPrefix(e.name, "T/"); isTenants != (len(spellings) == 2) {
			return nil, fmt.Errorf("%s: %w: it is there %d times", e.name, errUnspelled, len(spellings))
		}
		for _, other := range spellings {
			if describe(endpoint{e.name, other}) != describe(e) {
				return nil, fmt.Errorf("%s: %w: its spellings differ", e.name, errUnspelled)
			}
		}
		for operation := range e.path.Operations {
			if !slices.ContainsFunc(verbs, func(v verb) bool { return v.operation == operation }) {
				return nil, fmt.Errorf("%s: %w: it has operation %s", e.name, errUnspelled, operation)
			}
		}
	}
	slices.SortFunc(all, func(a, b endpoint) int { return strings.Compare(order(a.name), order(b.name)) })
	return all, nil
}

// spell writes a pattern as people do: admin/tenants/:tenant for one, admin/tenants/ for a list.
func spell(pattern string) string {
	pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$")
	if folder, isList := strings.CutSuffix(pattern, "/?"); isList {
		pattern = folder + "/"
	}
	return capture.ReplaceAllString(pattern, ":$1")
}

// order makes names sort as the document wants them.
func order(name string) string {
	rank := map[string]string{"config": "0", "verify": "1"}[name]
	if rank == "" && strings.HasPrefix(name, "T") {
		rank = "3"
	}
	if rank == "" {
		rank = "2"
	}
	return rank + name
}
