//go:build acceptance

package acceptance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"vault-plugin-secrets-apikeys/bootstrap/policies"
)

// issuer is a provider of identities: it signs tokens (ES256), as a company's login service does.
type issuer struct {
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{t, key}
}

// public returns the issuer's public key, as PEM.
func (i issuer) public() string {
	i.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&i.key.PublicKey)
	if err != nil {
		i.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// says returns a token that says who somebody is, and which groups they are in.
func (i issuer) says(subject string, groups ...string) string {
	i.t.Helper()
	segment := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			i.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	now := time.Now().Unix()
	signed := segment(fields{"alg": "ES256", "typ": "JWT"}) + "." +
		segment(
			fields{
				"iss":    "https://login.example",
				"aud":    "vault",
				"sub":    subject,
				"groups": append([]string{}, groups...),
				"iat":    now,
				"nbf":    now - 60,
				"exp":    now + 600,
			},
		)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		i.t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// TestLoginService sets people up as docs/install.md says for those who log in with a company's service: their tenant,
// and their policies, come with the groups that the service says they are in.
func TestLoginService(t *testing.T) {
	t.Parallel()
	ours, theirs := shared.tenant(t, "service"), shared.tenant(t, "service")
	root := shared.caller(t, "root")
	service := newIssuer(t)
	mount := ours + "-jwt"
	root.must("POST", "sys/auth/"+mount, fields{"type": "jwt"})
	root.must(
		"POST",
		"auth/"+mount+"/config",
		fields{"jwt_validation_pubkeys": []string{service.public()}, "bound_issuer": "https://login.example"},
	)
	root.must("POST", "auth/"+mount+"/role/people", fields{
		"role_type":       "jwt",
		"user_claim":      "sub",
		"groups_claim":    "groups",
		"bound_audiences": []string{"vault"},
		"token_ttl":       "1h",
	})
	accessor := root.must("GET", "sys/auth/"+mount, nil).field("accessor")
	external := func(name, tenant, policy string) {
		group := root.must("POST", "identity/group", fields{
			"name":     ours + "-" + name,
			"type":     "external",
			"policies": policies.Named(policy),
			"metadata": map[string]string{"tenant": tenant},
		})
		root.must(
			"POST",
			"identity/group-alias",
			fields{"name": name, "canonical_id": group.field("id"), "mount_accessor": accessor},
		)
	}
	external("our-admins", ours, "tenant-admin")
	external("our-viewers", ours, "tenant-viewer")
	external("their-viewers", theirs, "tenant-viewer")
	nobody := shared.caller(t, "nobody")
	enter := func(subject string, groups ...string) *caller {
		a := nobody.must(
			"POST",
			"auth/"+mount+"/login",
			fields{"role": "people", "jwt": service.says(ours+"-"+subject, groups...)},
		)
		return &caller{t, shared, subject, a.Auth.Token}
	}

	const key = "apikeys/my/external/keys/billing"
	admin := enter("admin", "our-admins", "some-other-group")
	if got := admin.must("POST", key, nil).field("tenant"); got != ours {
		t.Errorf("the key is of %s", got)
	}
	admin.must("POST", key+"/reveal", nil)
	viewer := enter("viewer", "our-viewers")
	viewer.must("GET", key, nil)
	viewer.refused(http.StatusForbidden, "permission denied", "POST", key+"/rotate", nil)
	enter("both", "our-admins", "our-viewers").must("GET", key, nil) // groups that agree

	// Another tenant's sees nothing of it; who is in groups that disagree, in none, or of nobody's is nobody's.
	enter("other", "their-viewers").refused(http.StatusNotFound, "", "GET", key, nil)
	enter(
		"torn",
		"our-viewers",
		"their-viewers",
	).refused(http.StatusForbidden, "name different tenants", "GET", key, nil)
	enter("stranger").refused(http.StatusForbidden, "permission denied", "GET", key, nil)
	nobody.refused(
		http.StatusBadRequest,
		"",
		"POST",
		"auth/"+mount+"/login",
		fields{"role": "people", "jwt": newIssuer(t).says("admin", "our-admins")},
	)

	// Who leaves the group and logs in again has left it for the token of before as well.
	left := enter("leaver", "our-viewers")
	left.must("GET", key, nil)
	enter("leaver").refused(http.StatusForbidden, "", "GET", key, nil)
	left.refused(http.StatusForbidden, "", "GET", key, nil)

	// Who is disabled is refused at once, by the token of before too.
	self := root.must(
		"POST",
		"identity/lookup/entity",
		fields{"alias_name": ours + "-viewer", "alias_mount_accessor": accessor},
	)
	root.must("POST", "identity/entity/id/"+self.field("id"), fields{"disabled": true})
	viewer.refused(http.StatusForbidden, "", "GET", key, nil)
	admin.must("GET", key, nil)

	// An app logs in by its role; its tenant is on its entity, which its policy for leased keys is made from.
	app := shared.caller(t, ours+"-app")
	admin.must("POST", "apikeys/my/internal/roles/desktop", nil)
	app.must("GET", "apikeys/tenants/"+ours+"/internal/creds/desktop", nil)
	app.refused(http.StatusForbidden, "", "GET", "apikeys/tenants/"+theirs+"/internal/creds/desktop", nil)
}
