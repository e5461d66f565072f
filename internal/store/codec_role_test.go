package store

import (
	"time"

	"vault-plugin-secrets-apikeys/internal/apikey"
	"vault-plugin-secrets-apikeys/signing"
)

func fullRole() *apikey.Role {
	reasons := apikey.ReasonsOf(
		[]apikey.Reason{{Epoch: 1, Text: "they were tests"}, {Epoch: 2, Text: "they were lost"}},
	)
	return &apikey.Role{
		Tenant:        "a-b",
		Kind:          apikey.Internal,
		Name:          "agent",
		UID:           "UID-OF-ACME",
		Description:   "Agents' desktops",
		Owner:         "desktop team",
		Scheme:        signing.HMACSHA256,
		TTL:           time.Hour,
		MaxTTL:        day,
		MaxLeased:     9,
		Replay:        true,
		Metadata:      apikey.PairsOf(map[string]string{"team": "red"}),
		Limits:        fullLimits,
		Epoch:         2,
		RevokedBefore: after(1),
		Reasons:       apikey.Intern(reasons),
		CreatedAt:     start,
		DeletedAt:     after(2),
		Revision:      6,
	}
}
