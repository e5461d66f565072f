// Command apidoc writes docs/api.md from what the engine declares, so that the two cannot differ:
//
//	go run ./scripts/apidoc > docs/api.md
package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-apikeys/backend"
)

// head is the hand-written beginning: what all paths have in common.
//
//go:embed head.md
var head string

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "apidoc:", err)
		os.Exit(1)
	}
}

// run writes the whole document.
func run(out io.Writer) error {
	b, err := engine()
	if err != nil {
		return err
	}
	endpoints, err := collect(b.Paths)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, head+render(endpoints))
	return err
}

// engine returns the engine as Vault's catalogue makes it: without storage, but with all its paths.
func engine() (*framework.Backend, error) {
	made, err := backend.Factory(context.Background(), &logical.BackendConfig{})
	if err != nil {
		return nil, err
	}
	b, ok := made.(*backend.Engine)
	if !ok {
		return nil, fmt.Errorf("the factory made a %T", made)
	}
	return b.Backend, nil
}
