package tenant

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"vault-plugin-secrets-apikeys/internal/refusal"
)

func TestParseClaims(t *testing.T) {
	long := strings.Repeat("k", mostOfClaim)
	for _, list := range [][]string{
		nil,
		{"auth_jwt_1a2b3c4d:tenant"},
		{"auth_oidc_1:org", "auth_oidc_1:team"},
		{"a:urn:of:a tenant"},
		{long + ":" + long},
	} {
		c, err := ParseClaims("tenant_claims", list)
		if err != nil || len(list) > 0 && !reflect.DeepEqual(c.List(), list) {
			t.Errorf("%q: %q, %v", list, c.List(), err)
		}
	}
	for _, bad := range []string{
		"tenant", ":tenant", "auth_jwt_1:", "auth/jwt:tenant", "auth jwt:tenant", "jwt+:tenant",
		"a+b:tenant", long + "k:tenant", "a:k" + long,
	} {
		_, err := ParseClaims("tenant_claims", []string{"auth_jwt_1:tenant", bad})
		const says = "tenant_claims: item 2: give accessor:key"
		if !errors.Is(err, refusal.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestEachClaim(t *testing.T) {
	var all []string
	for accessor, key := range ClaimsOf([]string{"a:x", "a:y:z", "b:x"}).Each() {
		if all = append(all, accessor, key); accessor == "b" {
			break
		}
	}
	if want := []string{"a", "x", "a", "y:z", "b", "x"}; !reflect.DeepEqual(all, want) {
		t.Errorf("%q", all)
	}
	for range (Claims{}).Each() {
		t.Error("none is one")
	}
}
