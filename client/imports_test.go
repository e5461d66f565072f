package client

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// depends returns the packages outside the standard library that a package is built from.
func depends(t *testing.T, name string) []string {
	t.Helper()
	//nolint:gosec // Packages of ours.
	output, err := exec.CommandContext(
		t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(output))
}

// TestImports holds what is promised to programs that build these packages in: no more comes with them than they need.
func TestImports(t *testing.T) {
	const ours = "vault-plugin-secrets-apikeys/"
	never := []string{"github.com/hashicorp/vault/sdk", "github.com/hashicorp/go-plugin"}
	for name, row := range map[string]struct{ all, never []string }{
		"../signing":   {all: []string{ours + "signing"}},
		"./judge":      {all: []string{ours + "client/judge"}},
		"./middleware": {all: []string{ours + "client/judge", ours + "signing", ours + "client/middleware"}},
		".":            {never: append([]string{ours + "internal/", "github.com/maypok86/otter"}, never...)},
		"./verify":     {never: append([]string{ours + "internal/store", ours + "paths", ours + "backend"}, never...)},
	} {
		found := depends(t, name)
		if row.all != nil && !slices.Equal(found, row.all) {
			t.Errorf("%s is built from %v", name, found)
		}
		if row.all == nil && len(found) < 5 {
			t.Errorf("%s is built from %v only", name, found)
		}
		for _, other := range found {
			if slices.ContainsFunc(row.never, func(prefix string) bool { return strings.HasPrefix(other, prefix) }) {
				t.Errorf("%s is built from %s", name, other)
			}
		}
	}
}
