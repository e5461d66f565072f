package vaulttest

import (
	"log"

	"vault-plugin-secrets-apikeys/client/clienttest"
)

// Engine returns an engine for an example, where the tenant acme has a role, billing, and two keys.
func Engine() (engine *clienttest.Engine, stop func()) {
	t := new(exampleTest)
	engine = clienttest.New(t)
	engine.Tenant("acme")
	engine.Write("acme", "my/external/roles/billing", map[string]any{"ttl": "1h"})
	engine.Key("acme", "external/keys/orders", nil)
	engine.Key("acme", "internal/keys/webhooks", map[string]any{"scheme": "hmac-sha256"})
	return engine, t.stop
}

// exampleTest stands for the test that an engine in memory is for.
type exampleTest struct{ stop func() }

func (*exampleTest) Helper()            {}
func (*exampleTest) Fatal(args ...any)  { log.Fatal(args...) }
func (t *exampleTest) Cleanup(f func()) { t.stop = f }
