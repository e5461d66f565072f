// Package tour walks through the engine as the people who use it do: with the commands they type, and the answers they
// get from a real server.
package tour

import (
	"vault-plugin-secrets-apikeys/bootstrap/devserver"
	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// Provider returns those of the provider, who belong to no tenant.
func Provider() []devserver.Person {
	return []devserver.Person{
		{Name: "spa", Policies: policies.Named("spa")},
		{Name: "operator", Policies: policies.Named("operator")},
		{Name: "monitor", Policies: policies.Named("monitor"), App: true},
		{Name: "gateway", Policies: policies.Named("platform-verifier"), App: true},
	}
}

// Staff returns the people and apps of a tenant, named TENANT-JOB.
func Staff(tenant string) []devserver.Person {
	person := func(job, policy string, app bool) devserver.Person {
		return devserver.Person{Name: tenant + "-" + job, Tenant: tenant, Policies: policies.Named(policy), App: app}
	}
	return []devserver.Person{
		person("admin", "tenant-admin", false),
		person("viewer", "tenant-viewer", false),
		person("auditor", "auditor", false),
		person("internal-issuer", "internal-issuer", false),
		person("external-issuer", "external-issuer", false),
		person("app", "app", true),
		person("verifier", "tenant-verifier", true),
	}
}
