// Command vault-plugin-secrets-apikeys serves the engine to Vault or OpenBao. The server starts it; started by
// hand, it does nothing.
package main

import (
	"os"
	_ "time/tzdata" // expiry windows name time zones, and a server may lack the database

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/plugin"

	"vault-plugin-secrets-apikeys/backend"
)

func main() {
	server := os.Getppid() // first of all, because another process is the parent once the server is gone
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		os.Exit(2)
	}
	go watchParent(server, os.Getppid, func() { os.Exit(1) })
	err := plugin.ServeMultiplex(&plugin.ServeOpts{
		BackendFactoryFunc: backend.Factory,
		TLSProviderFunc:    api.VaultPluginTLSProvider(meta.GetTLSConfig()),
	})
	if err != nil {
		hclog.New(&hclog.LoggerOptions{}).Error("the plugin has stopped", "error", err)
		os.Exit(1)
	}
}
