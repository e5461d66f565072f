// Command vault-plugin-secrets-apikeys serves the engine to Vault or OpenBao, which
// start it; it does nothing when started by hand.
package main

import (
	"os"
	_ "time/tzdata" // expiry windows name time zones, and a server may have no database of them

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/plugin"

	"vault-plugin-secrets-apikeys/backend"
)

func main() {
	server := os.Getppid() // before anything else: once it is gone, somebody else is the parent
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
