//go:build !race

package shell

import (
	"os"
	"path/filepath"
	"testing"

	"vault-plugin-secrets-apikeys/test/testdoc"
)

// TestPackagesFromACheckout makes a program beside the checkout, as docs/clients.md says.
func TestPackagesFromACheckout(t *testing.T) {
	t.Parallel()
	f := made(t)
	if err := os.Symlink(testdoc.Root(t), filepath.Join(f.dir, "vault-plugin-secrets-apikeys")); err != nil {
		t.Fatal(err)
	}
	f.write("app/go.mod", "module app\n\ngo 1.26\n", 0o600)
	f.write("app/main.go", `package main

import (
	"fmt"

	"vault-plugin-secrets-apikeys/client/judge"
	"vault-plugin-secrets-apikeys/signing"
)

func main() { fmt.Println(signing.RFC9421, judge.Valid) }
`, 0o600)
	app := folder{t, filepath.Join(f.dir, "app")}
	app.types(testdoc.Open(t, "docs/clients.md").Next("go mod edit").Text)
	if said := app.types("go run ."); said != "rfc9421 valid\n" {
		t.Errorf("the program says %q", said)
	}
}
