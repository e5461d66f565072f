//go:build acceptance

package acceptance

import (
	"net/http"
	"testing"

	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// TestInstallClaims sets logins up as docs/install.md says for tenants that are claims.
func TestInstallClaims(t *testing.T) {
	t.Parallel()
	w := ownWorld(t, false)
	ours, theirs := w.tenant(t, "documented"), w.tenant(t, "documented")
	by, err := w.EnableJWT(t.Context(), "jwt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := plays(t, "docs/install.md", w, map[string]string{})
	r.dir = checkout(t)
	r.runs("root", "tenant_claims=")
	joe := w.enters(t, by, ours+"/joe", fields{"tenant": ours})
	joe.must("POST", "apikeys/my/external/roles/desktop", nil)
	if _, err := by.Login(t.Context(), "ann", nil); err == nil {
		t.Error("logged in without the claim")
	}

	r.runs("root", "variants/app-by-claim")
	w.caller(t, "root").must("POST", "auth/jwt/role/people", fields{
		"role_type": "jwt", "bound_audiences": "vault", "user_claim": "sub", "bound_claims": fields{},
		"claim_mappings": map[string]string{"tenant": "tenant"}, "token_policies": policies.Named("app-by-claim"),
	})
	app := w.enters(t, by, ours+"/app", fields{"tenant": ours})
	app.must("GET", "apikeys/tenants/"+ours+"/external/creds/desktop", nil)
	const forbidden = http.StatusForbidden
	app.refused(forbidden, "permission denied", "GET", "apikeys/tenants/"+theirs+"/external/creds/desktop", nil)
	without := w.enters(t, by, "nobody", nil)
	without.refused(forbidden, "permission denied", "GET", "apikeys/tenants/"+ours+"/external/creds/desktop", nil)
}
