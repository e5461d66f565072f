package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// endpoint is one path as people write it, without the mount, and its methods: verify, or T/:kind/keys/:name. T
// stands for both spellings of a tenant.
type endpoint struct {
	name    string
	methods string
}

// table lists the engine's paths, for tokens that may not read the engine's own document. A test compares it
// with the engine.
var table = []endpoint{
	{"admin/ids/:key_id", "GET"},
	{"admin/import", "POST"},
	{"admin/report", "GET"},
	{"admin/tenants/", "LIST"},
	{"admin/tenants/:tenant", "DELETE GET PATCH POST"},
	{"admin/tenants/:tenant/restore", "POST"},
	{"admin/tenants/:tenant/resume", "POST"},
	{"admin/tenants/:tenant/suspend", "POST"},
	{"config", "GET PATCH POST"},
	{"keyring/:key_id", "GET"},
	{"metrics", "GET"},
	{"pickup", "POST"},
	{"status", "GET"},
	{"tidy", "POST"},
	{"tidy/status", "GET"},
	{"verify", "PATCH POST"},
	{"T", "GET PATCH"},
	{"T/:kind/creds/:role", "GET"},
	{"T/:kind/import", "POST"},
	{"T/:kind/keys/", "LIST"},
	{"T/:kind/keys/:name", "DELETE GET PATCH POST"},
	{"T/:kind/keys/:name/disable", "POST"},
	{"T/:kind/keys/:name/enable", "POST"},
	{"T/:kind/keys/:name/expire", "POST"},
	{"T/:kind/keys/:name/extend", "POST"},
	{"T/:kind/keys/:name/handover", "GET"},
	{"T/:kind/keys/:name/history", "GET"},
	{"T/:kind/keys/:name/purge", "POST"},
	{"T/:kind/keys/:name/restore", "POST"},
	{"T/:kind/keys/:name/reveal", "POST"},
	{"T/:kind/keys/:name/revoke", "POST"},
	{"T/:kind/keys/:name/rotate", "POST"},
	{"T/:kind/leased/", "LIST"},
	{"T/:kind/leased/:key_id", "GET"},
	{"T/:kind/leased/:key_id/disable", "POST"},
	{"T/:kind/leased/:key_id/enable", "POST"},
	{"T/:kind/leased/:key_id/revoke", "POST"},
	{"T/:kind/roles/", "LIST"},
	{"T/:kind/roles/:role", "DELETE GET PATCH POST"},
	{"T/:kind/roles/:role/revoke-leased", "POST"},
	{"T/:kind/sign/:name", "PATCH POST"},
	{"T/:kind/static-creds/:name", "GET"},
	{"T/due", "GET"},
	{"T/explain", "POST"},
	{"T/ids/:key_id", "GET"},
	{"T/report", "GET"},
	{"T/verify", "PATCH POST"},
}

// methods are all methods that Vault distinguishes.
var methods = []string{"GET", "LIST", "POST", "PATCH", "DELETE"}

func (e endpoint) tenants() bool { return e.name == "T" || strings.HasPrefix(e.name, "T/") }

func (e endpoint) answers(method string) bool {
	return slices.Contains(strings.Fields(e.methods), method)
}

var (
	braced  = regexp.MustCompile(`\{(\w+)\}`)
	tenantT = regexp.MustCompile(`^(tenants/:tenant|my)(/|$)`)
)

// documented returns the endpoints in the OpenAPI document of the mount's help.
func documented(help []byte) ([]endpoint, error) {
	var answer struct {
		OpenAPI struct {
			Paths map[string]map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(help, &answer); err != nil {
		return nil, err
	}
	var all []endpoint
	for path, item := range answer.OpenAPI.Paths {
		name := braced.ReplaceAllString(strings.TrimPrefix(path, "/"), ":$1")
		name = tenantT.ReplaceAllString(name, "T$2")
		var has []string
		for verb := range item {
			method := strings.ToUpper(verb)
			if method == "GET" && strings.HasSuffix(name, "/") {
				method = "LIST" // OpenAPI has no LIST
			}
			if slices.Contains(methods, method) {
				has = append(has, method)
			}
		}
		all = append(all, endpoint{name, strings.Join(has, " ")})
	}
	return merged(all), nil
}

// merged returns the endpoints of several lists without duplicates, sorted, with all their methods.
func merged(lists ...[]endpoint) []endpoint {
	found := map[string]string{}
	for _, e := range slices.Concat(lists...) {
		found[e.name] += " " + e.methods
	}
	var all []endpoint
	for _, name := range slices.Sorted(maps.Keys(found)) {
		has := strings.Fields(found[name])
		slices.Sort(has)
		all = append(all, endpoint{name, strings.Join(slices.Compact(has), " ")})
	}
	return all
}

// missing returns the names in all that are not in known.
func missing(all, known []endpoint) []string {
	var names []string
	for _, e := range all {
		if !slices.ContainsFunc(known, func(k endpoint) bool { return k.name == e.name }) {
			names = append(names, e.name)
		}
	}
	return names
}
