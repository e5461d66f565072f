package tour

// Next returns what to try after the tour.
func Next() []Step {
	return []Step{
		{Who: "acme-admin", Run: "vault list apikeys/my/external/keys"},
		{Who: "acme-viewer", Run: "vault read apikeys/my/external/keys/billing"},
		{Who: "acme-auditor", Run: "vault read apikeys/my/external/keys/billing/history"},
		{
			Who: "acme-internal-issuer",
			Run: "vault write apikeys/my/internal/keys/reports ttl=24h overlap=4h auto_rotate=true reveal=always",
		},
		{
			Who: "acme-admin",
			Run: `vault write apikeys/my/external/keys/billing/revoke reason="found in a public repository"`,
		},
		{Who: "globex-admin", Run: "vault read apikeys/my"},
		{Who: "spa", Run: "vault list -detailed apikeys/admin/tenants"},
		{Who: "operator", Run: "vault read apikeys/config"},
		{Who: "acme-admin", Run: "vault path-help apikeys/my/external/keys/billing"},
	}
}
