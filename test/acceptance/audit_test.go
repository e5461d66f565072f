//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// audited is an entry of the audit log.
type audited struct {
	Type    string
	Request struct{ ID, Path string }
	Auth    struct {
		EntityID string `json:"entity_id"`
	}
	Response struct {
		Secret struct {
			LeaseID string `json:"lease_id"`
		}
	}
}

// audits returns the entries of the audit log for answers, by request ID.
func (w *world) audits(t *testing.T) map[string]audited {
	t.Helper()
	content, err := os.ReadFile(w.AuditFile())
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]audited{}
	for line := range bytes.Lines(content) {
		var entry audited
		if json.Unmarshal(line, &entry) == nil && entry.Type == "response" { // The last line may be on its way.
			entries[entry.Request.ID] = entry
		}
	}
	return entries
}

// TestAudit checks that a key's history leads to the audit log, and that this names the tenant of a leased key.
func TestAudit(t *testing.T) {
	t.Parallel()
	tenant := shared.tenant(t, "audit")
	admin, app := shared.caller(t, tenant+"-admin"), shared.caller(t, tenant+"-app")
	const key = "apikeys/my/external/keys/billing"
	admin.must("POST", key, nil)
	admin.must("POST", key+"/reveal", nil)
	admin.must("POST", key+"/rotate", nil)
	admin.must("POST", key+"/disable", fields{"reason": "to see it"})
	history := admin.must("GET", key+"/history", nil)
	admin.must("POST", "apikeys/my/internal/roles/desktop", nil)
	creds := "apikeys/tenants/" + tenant + "/internal/creds/desktop"
	leased := app.must("GET", creds, nil)

	entries := shared.audits(t)
	for i, did := range []struct{ operation, path string }{
		{"create", key}, {"reveal", key + "/reveal"}, {"rotate", key + "/rotate"}, {"disable", key + "/disable"},
	} {
		row := history.Data["entries"].([]any)[i].(map[string]any)
		entry := entries[row["request_id"].(string)]
		if row["operation"] != did.operation || entry.Request.Path != did.path ||
			entry.Auth.EntityID != row["entity_id"] {
			t.Errorf(
				"%s by %s leads to %s by %s",
				row["operation"],
				row["entity_id"],
				entry.Request.Path,
				entry.Auth.EntityID,
			)
		}
	}
	for _, entry := range entries {
		if entry.Response.Secret.LeaseID == leased.LeaseID && entry.Request.Path == creds {
			return
		}
	}
	t.Errorf("no entry has the lease %s", leased.LeaseID)
}
