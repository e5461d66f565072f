// Command vault is a Vault server with its CLI, built from the module registry for development and tests only: Vault
// is under the Business Source License, so nothing of it is linked into the plugin.
package main

import (
	"os"

	"github.com/hashicorp/vault/command"
)

func main() { os.Exit(command.Run(os.Args[1:])) }
