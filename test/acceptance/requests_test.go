//go:build acceptance

package acceptance

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/tour"
)

// What is expected of a request besides success.
const (
	once = -1 // it can be done once: those who come later may, but come too late
)

// longer asks for a little more than the 90 days that a key lives.
var longer = fields{
	"expires_at": time.Now().UTC().Add(91 * 24 * time.Hour).Format(time.RFC3339),
	"reason":     "the customer is on holiday",
}

// requests says who may do what when they do it in earnest; whoever is not named gets a 403, whether from a policy or
// from the identity behind it. {tenant} is theirs, {other} is another, and {key} and {lease} are a version and a leased
// key of theirs. Those who may are asked in the order of the table.
var requests = []struct {
	method, path string
	sent         fields
	who          string
	expect       int // of those who may: 0 for success, or one of the above
}{
	{"GET", "config", nil, "operator root", 0},
	{"POST", "config", fields{"min_overlap": "10m"}, "operator root", 0},
	{"PATCH", "config", fields{"min_overlap": "10m"}, "operator root", 0},
	{"GET", "status", nil, "operator monitor root", 0},
	{"GET", "metrics", nil, "operator monitor root", 0},
	{"POST", "tidy", nil, "operator root", 0},
	{"GET", "tidy/status", nil, "operator root", 0},

	// The SPA opens and stops tenants.
	{"LIST", "admin/tenants", nil, "spa migrator root", 0},
	{"GET", "admin/tenants/{tenant}", nil, "spa migrator root", 0},
	{"POST", "admin/tenants/{tenant}", fields{"display_name": "Ours"}, "spa root", 0},
	{"PATCH", "admin/tenants/{tenant}", fields{"max_keys": 100}, "spa root", 0},
	{"POST", "admin/tenants/{tenant}/suspend", nil, "spa root", 0},
	{"POST", "admin/tenants/{tenant}/resume", nil, "spa root", 0},
	{"DELETE", "admin/tenants/{tenant}", nil, "spa root", 0},
	{"POST", "admin/tenants/{tenant}/restore", nil, "spa root", 0},
	{"GET", "admin/ids/{key}", nil, "spa root", 0},
	{"GET", "admin/report", nil, "spa root", 0},

	// Imports are closed to the migrator too until the operator opens them, and never open to others.
	{"POST", "admin/import", fields{"keys": []any{fields{}}}, "", 0},
	{"POST", "admin/import", fields{"keys": []any{fields{}}, "dry_run": true}, "", 0},

	// A tenant's people look at what is theirs.
	{"GET", "my", nil, "admin viewer auditor", 0},
	{"PATCH", "my", fields{"max_keys": 90}, "admin", 0},
	{"GET", "my/due", nil, "admin viewer auditor internal-issuer external-issuer", 0},
	{"GET", "my/ids/{key}", nil, "admin viewer auditor internal-issuer external-issuer", 0},
	{"LIST", "my/external/keys", nil, "admin viewer auditor external-issuer", 0},
	{"LIST", "my/internal/keys", nil, "admin viewer auditor internal-issuer", 0},
	{"GET", "my/external/keys/billing", nil, "admin viewer auditor external-issuer", 0},
	{"GET", "my/internal/keys/billing", nil, "admin viewer auditor internal-issuer", 0},
	{"GET", "my/report", nil, "admin auditor", 0},
	{"GET", "my/external/keys/billing/history", nil, "admin auditor external-issuer", 0},
	{"LIST", "my/internal/roles", nil, "admin viewer auditor internal-issuer", 0},
	{"GET", "my/internal/roles/desktop", nil, "admin viewer auditor internal-issuer", 0},
	{"LIST", "my/internal/leased", nil, "admin viewer auditor internal-issuer", 0},
	{"GET", "my/internal/leased/{lease}", nil, "admin viewer auditor internal-issuer", 0},

	// Some of them change it, each what is theirs to change.
	{"POST", "my/external/keys/billing", fields{"description": "ours"}, "admin external-issuer", 0},
	{"POST", "my/internal/keys/billing", fields{"description": "ours"}, "admin internal-issuer", 0},
	{"PATCH", "my/external/keys/billing", fields{"description": nil}, "admin external-issuer", 0},
	{"POST", "my/external/keys/billing/rotate", fields{"overlap": 0}, "admin external-issuer", 0},
	{"POST", "my/internal/keys/billing/rotate", fields{"overlap": 0}, "admin internal-issuer", 0},
	{"POST", "my/external/import", fields{"keys": []any{fields{}}, "dry_run": true}, "admin", 0},
	{"POST", "my/internal/import", fields{"keys": []any{fields{}}}, "admin", 0},
	{"POST", "my/external/keys/billing/expire", fields{"in": "89d"}, "admin", 0},
	{"POST", "my/internal/keys/billing/expire", fields{"in": "89d"}, "admin", 0},
	{"POST", "my/external/keys/billing/extend", longer, "admin external-issuer", once},
	{"POST", "my/internal/keys/billing/extend", longer, "admin internal-issuer", once},
	{"POST", "my/external/keys/billing/disable", nil, "admin external-issuer", 0},
	{"POST", "my/external/keys/billing/enable", nil, "admin external-issuer", 0},
	{"POST", "my/internal/roles/desktop", fields{"ttl": "1h"}, "admin internal-issuer", 0},
	{"PATCH", "my/internal/roles/desktop", fields{"ttl": "2h"}, "admin internal-issuer", 0},
	{"POST", "my/internal/leased/{lease}/disable", nil, "admin", 0},
	{"POST", "my/internal/leased/{lease}/enable", nil, "admin", 0},
	{"POST", "my/internal/leased/{lease}/revoke", nil, "admin", 0},
	{"POST", "my/internal/roles/desktop/revoke-leased", nil, "admin", 0},

	// The ways to a secret.
	{"POST", "my/external/keys/billing/reveal", nil, "admin external-issuer", 0},
	{"POST", "my/internal/keys/billing/reveal", nil, "admin internal-issuer", 0},
	{"GET", "my/external/keys/billing/handover", nil, "admin external-issuer", 0},
	{"GET", "my/internal/keys/billing/handover", nil, "admin internal-issuer", 0},
	{"GET", "my/external/static-creds/billing", nil, "app", 0},
	{"GET", "tenants/{tenant}/internal/creds/desktop", nil, "app", 0},
	{"GET", "my/internal/creds/desktop", nil, "", 0},

	// Who signs never judges, and who judges never signs.
	{"POST", "my/external/sign/billing", fields{"request": agents}, "app", 0},
	{"PATCH", "my/external/sign/billing", fields{"request": agents}, "app", 0},
	{"POST", "my/verify", fields{"request": "GET /a"}, "verifier", 0},
	{"PATCH", "my/verify", fields{"request": "GET /a"}, "verifier", 0},
	{"POST", "my/verify", fields{"request": "GET /a", "replay_check": true}, "", 0},
	{"POST", "my/explain", fields{"request": "GET /a"}, "admin", 0},
	{"POST", "verify", fields{"request": "GET /a"}, "gateway root", 0},
	{"PATCH", "verify", fields{"request": "GET /a"}, "gateway root", 0},
	{"PATCH", "verify", fields{"request": "GET /a", "replay_check": false}, "root", 0},
	{"POST", "pickup", fields{"request": "GET /a"}, "gateway root", 0},

	// By its full name a tenant's own people reach nothing but creds, and nobody reaches another's.
	{"GET", "tenants/{tenant}", nil, "", 0},
	{"PATCH", "tenants/{tenant}", fields{"max_keys": 1}, "", 0},
	{"LIST", "tenants/{tenant}/external/keys", nil, "", 0},
	{"GET", "tenants/{tenant}/external/keys/billing", nil, "", 0},
	{"POST", "tenants/{tenant}/external/keys/billing", nil, "", 0},
	{"POST", "tenants/{tenant}/external/keys/billing/rotate", nil, "", 0},
	{"POST", "tenants/{tenant}/external/keys/billing/reveal", nil, "", 0},
	{"GET", "tenants/{tenant}/external/static-creds/billing", nil, "", 0},
	{"POST", "tenants/{tenant}/external/sign/billing", fields{"request": "GET /a"}, "", 0},
	{"POST", "tenants/{tenant}/verify", fields{"request": "GET /a"}, "", 0},
	{"POST", "tenants/{tenant}/explain", fields{"request": "GET /a"}, "", 0},
	{"POST", "tenants/{tenant}/external/keys/billing/expire", fields{"in": 0}, "", 0},
	{"POST", "tenants/{tenant}/external/keys/billing/extend", longer, "", 0},
	{"GET", "tenants/{tenant}/due", nil, "", 0},
	{"GET", "tenants/{tenant}/ids/{key}", nil, "", 0},
	{"GET", "tenants/{tenant}/report", nil, "", 0},
	{"GET", "tenants/{tenant}/external/keys/billing/handover", nil, "", 0},
	{"POST", "tenants/{tenant}/external/import", fields{"keys": []any{fields{}}}, "", 0},
	{"LIST", "tenants/{other}/external/keys", nil, "", 0},
	{"GET", "tenants/{other}/internal/creds/desktop", nil, "", 0},
	{"POST", "tenants/{other}/external/keys/billing/reveal", nil, "", 0},
	{"POST", "tenants/{other}/verify", fields{"request": "GET /a"}, "", 0},
	{"GET", "tenants/nobody/internal/creds/desktop", nil, "", 0},

	// What ends a key for good is its tenant administrator's.
	{"POST", "my/external/keys/billing/revoke", nil, "admin", 0},
	{"DELETE", "my/external/keys/billing", nil, "admin", 0},
	{"POST", "my/external/keys/billing/restore", nil, "admin", 0},
	{"DELETE", "my/internal/keys/billing", nil, "admin", 0},
	{"POST", "my/internal/keys/billing/purge", fields{"reason": "made by mistake"}, "admin", once},
	{"DELETE", "my/internal/roles/desktop", nil, "admin", 0},
}

// TestRequests has everybody send each of the requests: those who may not come first, and must not change anything.
func TestRequests(t *testing.T) {
	t.Parallel()
	tenant, other := shared.tenant(t, "requests"), shared.tenant(t, "requests")
	people := map[string]*caller{}
	for _, name := range []string{"spa", "operator", "monitor", "gateway", "migrator", "root", "nobody"} {
		people[name] = shared.caller(t, name)
	}
	for _, person := range tour.Staff(tenant) {
		people[strings.TrimPrefix(person.Name, tenant+"-")] = shared.caller(t, person.Name)
	}
	admin := people["admin"]
	open := fields{"reveal": "always", "recipients": []any{shared.mailbox(t).recipient}}
	external := admin.must("POST", "apikeys/my/external/keys/billing", open)
	admin.must("POST", "apikeys/my/internal/keys/billing", open)
	admin.must("POST", "apikeys/my/internal/roles/desktop", nil)
	leased := people["app"].must("GET", "apikeys/tenants/"+tenant+"/internal/creds/desktop", nil)
	fill := strings.NewReplacer("{tenant}", tenant, "{other}", other,
		"{key}", external.field("current_key_id"), "{lease}", leased.field("key_id"))

	for _, request := range requests {
		path := "apikeys/" + fill.Replace(request.path)
		may := strings.Fields(request.who)
		for name, who := range people {
			if !slices.Contains(may, name) {
				who.refused(http.StatusForbidden, "", request.method, path, request.sent)
			}
		}
		for i, name := range may {
			a := people[name].ask(request.method, path, request.sent)
			late := request.expect == once && i > 0
			if a.status >= http.StatusMultipleChoices && (!late || a.status == http.StatusForbidden) {
				t.Errorf("%s %s %s: %d %s", name, request.method, path, a.status, a.says())
			}
		}
	}
}
