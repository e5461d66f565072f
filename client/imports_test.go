package client

import (
	"os/exec"
	"strings"
	"testing"
)

// depends returns the packages that a package is built from.
func depends(t *testing.T, name string) []string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", name).Output() //nolint:gosec // Packages of ours.
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(output))
}

// TestImports holds the promise to apps that none of Vault's SDK comes with this package, and nothing at all with signing.
func TestImports(t *testing.T) {
	ours := depends(t, ".")
	if len(ours) < 5 {
		t.Fatalf("only %v", ours)
	}
	for _, name := range ours {
		if strings.HasPrefix(name, "github.com/hashicorp/vault/sdk") || strings.HasPrefix(name, "github.com/hashicorp/go-plugin") {
			t.Errorf("client imports %s", name)
		}
	}
	for _, name := range depends(t, "../signing") {
		if name != "vault-plugin-secrets-apikeys/signing" {
			t.Errorf("signing imports %s", name)
		}
	}
}
