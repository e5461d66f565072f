package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/backend"
)

var captured = regexp.MustCompile(`\(\?P<(\w+)>[^)]*\)`)

// served returns what the engine declares.
func served(t *testing.T) []endpoint {
	t.Helper()
	made, err := backend.Factory(t.Context(), &logical.BackendConfig{})
	if err != nil {
		t.Fatal(err)
	}
	method := map[logical.Operation]string{
		logical.ReadOperation: "GET", logical.ListOperation: "LIST", logical.UpdateOperation: "POST",
		logical.PatchOperation: "PATCH", logical.DeleteOperation: "DELETE",
	}
	var all []endpoint
	for _, p := range made.(*backend.Engine).Paths {
		pattern := strings.TrimSuffix(strings.Trim(p.Pattern, "^$"), "?")
		name := tenantT.ReplaceAllString(captured.ReplaceAllString(pattern, ":$1"), "T$2")
		var has []string
		for operation := range p.Operations {
			if method[operation] == "" {
				t.Errorf("%s has operation %s, which this command does not try", name, operation)
			}
			has = append(has, method[operation])
		}
		all = append(all, endpoint{name, strings.Join(has, " ")})
	}
	return merged(all)
}

// TestTable checks that the command knows every path and method that the engine has.
func TestTable(t *testing.T) {
	want, got := served(t), merged(table)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(endpoint{})); diff != "" {
		t.Errorf("paths (-engine +table):\n%s", diff)
	}
}

// TestSPAMay says which of the provider's paths are no hole when the SPA comes through: all others are.
func TestSPAMay(t *testing.T) {
	want := []string{
		"admin/ids/:key_id", "admin/report", "admin/tenants/", "admin/tenants/:tenant", "admin/tenants/:tenant/restore",
		"admin/tenants/:tenant/resume", "admin/tenants/:tenant/suspend", "status",
	}
	var got []string
	for _, e := range merged(table) {
		if slices.ContainsFunc(methods, func(method string) bool { return !e.tenants() && spaMay(e, method) }) {
			got = append(got, e.name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDocumented(t *testing.T) {
	got, err := documented([]byte(`{"openapi": {"paths": {
		"/tenants/{tenant}/{kind}/keys/": {"get": {}, "parameters": []},
		"/my/{kind}/keys/": {"get": {}},
		"/my/{kind}/keys/{name}": {"get": {}, "delete": {}},
		"/verify": {"post": {}, "patch": {}}}}}`))
	want := []endpoint{{"T/:kind/keys/", "LIST"}, {"T/:kind/keys/:name", "DELETE GET"}, {"verify", "PATCH POST"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(endpoint{})); diff != "" || err != nil {
		t.Errorf("%v, (-want +got)\n%s", err, diff)
	}
	if got := missing(got, table); got != nil {
		t.Errorf("not in the table: %v", got)
	}
}
