package tour

// Step is one command of the tour and what it must answer.
type Step struct {
	Who string // acts with the token of that person; without any when no person of that name is enrolled
	Why string // one sentence, for the reader
	// Run is a line of shell. Here and in Want, {NAME} stands for what an earlier step kept under that name.
	Run string
	// File names the file in which the answer then is, as JSON; the answer is what was printed when empty.
	File string
	// Want says what the answer must have: each field with its value, or with Any.
	Want map[string]string
	// Show names fields of the answer to show besides those that Want names.
	Show []string
	// Refused is text that the refusal must hold, when the command must be refused.
	Refused string
	// Keep says what to keep for later steps: the name to keep it under, and the field of the answer.
	Keep map[string]string
	// Soon marks an answer that may take the server a moment: the step asks until it is right.
	Soon bool
}

// Any in a Step's Want stands for any value but none at all.
const Any = "*"

// Steps returns the tour of the tenants acme and globex.
func Steps() []Step {
	secret := map[string]string{
		"key_id":     Any,
		"key":        Any,
		"credential": Any,
		"scheme":     "rfc9421",
		"tenant":     "acme",
		"expires_at": Any,
	}
	with := func(fields map[string]string, name, value string) map[string]string {
		all := map[string]string{name: value}
		for name, value := range fields {
			all[name] = value
		}
		return all
	}
	return []Step{
		{
			Who: "spa", Why: "The provider's administrator opens two tenants.",
			Run:  `vault write apikeys/admin/tenants/acme display_name="Acme"`,
			Want: map[string]string{"display_name": "Acme", "state": "active"},
		},
		{
			Who: "spa", Run: `vault write apikeys/admin/tenants/globex display_name="Globex"`,
			Want: map[string]string{"display_name": "Globex", "state": "active"},
		},
		{
			Who: "spa", Why: "What the tenants do with their keys is none of the provider's business.",
			Run: `vault list apikeys/tenants/acme/external/keys`, Refused: "permission denied",
		},
		{
			Who:  "acme-admin",
			Why:  "Acme's admin makes a key for an integrator. Vault knows whose it is, from who asks.",
			Run:  `vault write apikeys/my/external/keys/billing description="Billing integration"`,
			Want: map[string]string{"tenant": "acme", "state": "active", "current_key_id": Any},
			Show: []string{"description", "scheme", "ttl"},
			Keep: map[string]string{"first": "current_key_id"},
		},
		{
			Who: "acme-admin",
			Why: "The key is to reach the integrator and nobody else: a token for five minutes, good for one use.",
			Run: `vault write -wrap-ttl=5m -f -field=wrapping_token apikeys/my/external/keys/billing/reveal > token`,
		},
		{
			Who:  "integrator",
			Why:  "The integrator has no account in Vault. The token alone fetches the key, once, into a file.",
			Run:  `vault unwrap -format=json "$(cat token)" > billing.json`,
			File: "billing.json",
			Want: with(with(secret, "kind", "external"), "key_id", "{first}"),
		},
		{
			Who:  "integrator",
			Why:  "A program of the integrator's signs a call with it, far from Vault (bootstrap/tour/sign).",
			Run:  `sign billing.json GET /wfo/v1/agents | tee call.http`,
			Want: map[string]string{"GET": Any},
		},
		{
			Who: "gateway",
			Why: "The platform receives the call and asks who signed it.",
			Run: `vault write apikeys/verify request=@call.http`,
			Want: map[string]string{
				"valid":   "true",
				"verdict": "valid",
				"tenant":  "acme",
				"name":    "billing",
				"key_id":  "{first}",
			},
			Show: []string{"expires_at"},
		},
		{
			Who: "gateway", Why: "The same call again is somebody playing it back.",
			Run:  `vault write apikeys/verify request=@call.http`,
			Want: map[string]string{"valid": "false", "verdict": "replayed"},
		},
		{
			Who: "gateway", Why: "One letter of it changed on the way.",
			Run:  `sed s/agents/agentz/ call.http > changed.http && vault write apikeys/verify request=@changed.http`,
			Want: map[string]string{"valid": "false", "verdict": "bad_signature"},
		},
		{
			Who: "globex-verifier", Why: "To another tenant the key does not exist.",
			Run:  `vault write apikeys/my/verify request=@call.http`,
			Want: map[string]string{"valid": "false", "verdict": "unknown_key"},
		},
		{
			Who:  "acme-admin",
			Why:  "The key is rotated. The old one goes on verifying for the overlap, so that nobody has to hurry.",
			Run:  `vault write -f apikeys/my/external/keys/billing/rotate`,
			Want: map[string]string{"current_key_id": Any},
			Show: []string{"last_rotation"},
			Keep: map[string]string{"second": "current_key_id"},
		},
		{
			Who: "acme-admin",
			Run: `vault write -wrap-ttl=5m -f -field=wrapping_token apikeys/my/external/keys/billing/reveal > token`,
		},
		{
			Who:  "integrator",
			Run:  `vault unwrap -format=json "$(cat token)" > billing-new.json`,
			File: "billing-new.json",
			Want: with(with(secret, "kind", "external"), "key_id", "{second}"),
		},
		{
			Who: "integrator",
			Why: "Some of the integrator's programs have the new key, some still the old.",
			Run: `sign billing.json GET /wfo/v1/agents > old.http && ` +
				`sign billing-new.json GET /wfo/v1/agents > new.http`,
		},
		{
			Who: "gateway", Why: "Both are good, and who uses the old one can be told of its successor.",
			Run:  `vault write apikeys/verify request=@old.http`,
			Want: map[string]string{"verdict": "valid", "key_id": "{first}", "successor_key_id": "{second}"},
			Show: []string{"state", "expires_at"},
		},
		{
			Who: "gateway", Run: `vault write apikeys/verify request=@new.http`,
			Want: map[string]string{"verdict": "valid", "key_id": "{second}"},
		},
		{
			Who:  "acme-admin",
			Why:  "Desktops of Acme's agents shall each have a key of their own, for as long as they are in use.",
			Run:  `vault write apikeys/my/internal/roles/agent-desktop ttl=1h max_ttl=8h`,
			Want: map[string]string{"tenant": "acme", "ttl": "1h", "max_ttl": "8h"},
		},
		{
			Who:  "acme-app",
			Why:  "An agent's desktop takes one, under a lease.",
			Run:  `vault read -format=json apikeys/tenants/acme/internal/creds/agent-desktop > desktop.json`,
			File: "desktop.json",
			Want: with(secret, "kind", "internal"),
		},
		{
			Who: "acme-app", Run: `sign desktop.json GET /desktop/v1/queue > desktop.http`,
		},
		{
			Who: "gateway", Run: `vault write apikeys/verify request=@desktop.http`,
			Want: map[string]string{"verdict": "valid", "kind": "internal"},
		},
		{
			Who:  "acme-app",
			Why:  "The agent goes home. With the desktop's token ends its lease, and with the lease the key.",
			Run:  `vault token revoke -self`,
			Want: map[string]string{"Success!": Any},
		},
		{
			Who: "gateway", Run: `vault write apikeys/verify request=@desktop.http`,
			Want: map[string]string{"valid": "false", "verdict": "revoked"}, Soon: true,
		},
		{
			Who: "spa", Why: "The provider suspends Acme: it can stop a tenant, without seeing any of its keys.",
			Run:  `vault write apikeys/admin/tenants/acme/suspend reason="invoices unpaid"`,
			Want: map[string]string{"state": "suspended", "suspended_reason": "invoices unpaid"},
		},
		{
			Who: "integrator", Run: `sign billing-new.json GET /wfo/v1/agents > call.http`,
		},
		{
			Who: "gateway", Why: "Every key of Acme is refused, from this moment on.",
			Run:  `vault write apikeys/verify request=@call.http`,
			Want: map[string]string{"valid": "false", "verdict": "tenant_suspended"},
		},
		{
			Who: "spa", Why: "The invoices are paid.",
			Run: `vault write -f apikeys/admin/tenants/acme/resume`, Want: map[string]string{"state": "active"},
		},
		{
			Who: "gateway", Why: "And the call that was refused is good.",
			Run:  `vault write apikeys/verify request=@call.http`,
			Want: map[string]string{"valid": "true", "verdict": "valid", "tenant": "acme"},
		},
	}
}
