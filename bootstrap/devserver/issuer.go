package devserver

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"time"

	"github.com/hashicorp/vault/api"
)

// Issuer signs JWTs that an auth mount takes for logins, as an identity provider does.
type Issuer struct {
	Mount    string // of the auth method, as jwt
	Accessor string // of that mount

	at  *Server
	key ed25519.PrivateKey
}

// IssuerRole is the role by which those log in whom an issuer vouches for.
const IssuerRole = "people"

// EnableJWT mounts the auth method jwt, which trusts the issuer that it returns. The claim sub is the user; the claim
// tenant becomes the alias's metadata of that name. All who log in hold the policies.
func (s *Server) EnableJWT(ctx context.Context, mount string, policies []string) (*Issuer, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	sys, logical := s.Root().Sys(), s.Root().Logical()
	if err := sys.EnableAuthWithOptionsWithContext(ctx, mount, &api.EnableAuthOptions{Type: "jwt"}); err != nil {
		return nil, err
	}
	trusted := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if _, err := logical.WriteWithContext(ctx, "auth/"+mount+"/config", map[string]any{
		"jwt_validation_pubkeys": trusted, "jwt_supported_algs": "EdDSA",
	}); err != nil {
		return nil, err
	}
	if _, err := logical.WriteWithContext(ctx, "auth/"+mount+"/role/"+IssuerRole, map[string]any{
		"role_type": "jwt", "bound_audiences": "vault", "user_claim": "sub",
		"claim_mappings": map[string]string{"tenant": "tenant"}, "token_policies": policies,
	}); err != nil {
		return nil, err
	}
	mounts, err := sys.ListAuthWithContext(ctx)
	if err != nil {
		return nil, err
	}
	return &Issuer{Mount: mount, Accessor: mounts[mount+"/"].Accessor, at: s, key: key}, nil
}

// Sign returns a JWT with these claims, good for some minutes.
func (i *Issuer) Sign(claims map[string]any) (string, error) {
	const life = 10 * time.Minute
	now := time.Now()
	all := map[string]any{"aud": "vault", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	body, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"EdDSA","typ":"JWT"}`)) + "." + encode(body)
	return signed + "." + encode(ed25519.Sign(i.key, []byte(signed))), nil
}

// Login logs a user with these claims in, and returns the token.
func (i *Issuer) Login(ctx context.Context, user string, claims map[string]any) (string, error) {
	all := map[string]any{"sub": user}
	for name, value := range claims {
		all[name] = value
	}
	jwt, err := i.Sign(all)
	if err != nil {
		return "", err
	}
	fields := map[string]any{"role": IssuerRole, "jwt": jwt}
	answer, err := i.at.Client("").Logical().WriteWithContext(ctx, "auth/"+i.Mount+"/login", fields)
	if err != nil {
		return "", err
	}
	return answer.TokenID()
}
