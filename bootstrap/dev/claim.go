package main

import (
	"context"

	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// The administrator of a tenant that nobody has opened: a claim of its login names the tenant, and nothing else does.
const (
	claimedTenant = "initech"
	claimedPerson = claimedTenant + "-admin"
)

// vouch has the engine trust the claims of an issuer, which logs that administrator in, and returns its token.
func vouch(ctx context.Context, server *devserver.Server) (string, error) {
	by, err := server.EnableJWT(ctx, "jwt", policies.Named("tenant-admin"))
	if err != nil {
		return "", err
	}
	trusted := map[string]any{"tenant_claims": by.Accessor + ":tenant"}
	if _, err := server.Root().Logical().WriteWithContext(ctx, policies.Mount+"/config", trusted); err != nil {
		return "", err
	}
	return by.Login(ctx, claimedPerson, map[string]any{"tenant": claimedTenant})
}
