package main

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// root is the repository, seen from this package.
const root = "../../"

func TestDocumentIsWritten(t *testing.T) {
	written, err := os.ReadFile(root + "docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), out.String()); diff != "" {
		t.Errorf("docs/api.md is not what `go run ./scripts/apidoc > docs/api.md` writes (-is +wanted):\n%s", diff)
	}
}

func TestSpell(t *testing.T) {
	for pattern, want := range map[string]string{
		"^config$":          "config",
		"admin/tenants/?":   "admin/tenants/",
		"^my$":              "my",
		"my/verify":         "my/verify",
		"^ids/(?P<id>\\w+)": "ids/:id",
		"tenants/(?P<tenant>[^/]+)/(?P<kind>[^/]+)/keys/?": "tenants/:tenant/:kind/keys/",
	} {
		if got := spell(pattern); got != want {
			t.Errorf("%s is %s, want %s", pattern, got, want)
		}
	}
}

func TestCollect(t *testing.T) {
	path := func(pattern, help string, operation logical.Operation) *framework.Path {
		return &framework.Path{
			Pattern: pattern, HelpSynopsis: help,
			Operations: map[logical.Operation]framework.OperationHandler{operation: &framework.PathOperation{}},
		}
	}
	named, mine := "tenants/(?P<tenant>[^/]+)/verify", "my/verify"
	for _, test := range []struct {
		name  string
		paths []*framework.Path
		want  []string
		err   error
	}{
		{"both spellings are one", []*framework.Path{
			path(named, "h", logical.ReadOperation), path(mine, "h", logical.ReadOperation),
			path("config", "c", logical.ReadOperation),
		}, []string{"config", "T/verify"}, nil},
		{"one is missing", []*framework.Path{path(mine, "h", logical.ReadOperation)}, nil, errUnspelled},
		{"they differ", []*framework.Path{
			path(named, "h", logical.ReadOperation), path(mine, "h", logical.ListOperation),
		}, nil, errUnspelled},
		{"the same twice", []*framework.Path{
			path("config", "c", logical.ReadOperation), path("config", "c", logical.ReadOperation),
		}, nil, errUnspelled},
		{
			"an operation without a word",
			[]*framework.Path{path("config", "c", logical.RevokeOperation)},
			nil,
			errUnspelled,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			endpoints, err := collect(test.paths)
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			var got []string
			for _, e := range endpoints {
				got = append(got, e.name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
